"""What each matrix costs of the loss of a change: `pastur.torch.attribute_loss` without a plan.

The changes are at hand here, and are not made anew for each size.
"""

from collections.abc import Sequence
from typing import Any

from allocated import Chosen
from blocks import PATTERN
from perplexity import loss_of

from pastur.compression import Sensitivities
from pastur.weights import Matrix, iter_matrices, open_weights

_NODES = 3


def attributed(network: Any, chosen: Chosen, documents: Sequence[Sequence[int]]) -> Sensitivities:
    """Return the part of each matrix, by gradients along the way of all of them at once."""
    # They import torch, without which the other tests of the study run.
    from pastur.torch._layers.path_parts import path_parts
    from pastur.torch._layers.planned_changes import PlannedChange

    parameters = dict(network.named_parameters())
    changes = [
        PlannedChange(
            name=one.name,
            outputs=chosen.lost[one.name],
            matrix=one,
            parameter=parameters[one.name],
            difference=chosen.matrices[one.name] - parameters[one.name].detach().numpy(),
        )
        for one in iter_matrices(open_weights(network), include=[PATTERN])
        if isinstance(one, Matrix) and one.name in chosen.lost
    ]
    return path_parts(network, changes, documents, loss_of, nodes=_NODES, model="")
