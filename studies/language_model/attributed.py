"""What each matrix costs of the loss of a change, as `pastur.torch.attribute_loss` has it.

The changes are at hand here, and are not made anew for each size; a test compares the two.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from allocated import Chosen
from blocks import matrices, put_in
from perplexity import document_losses, loss_of

from pastur.compression import MatrixSensitivity, Sensitivities

_NODES = 3


def attributed(network: Any, chosen: Chosen, documents: Sequence[Sequence[int]]) -> Sensitivities:
    """Return the part of each matrix, by gradients along the way of all of them at once."""
    import torch

    given = matrices(network)
    changes = {name: chosen.matrices[name] - given[name] for name in chosen.lost}
    starts = {name: given[name].copy() for name in changes}
    wanted = dict(network.named_parameters())
    parameters = [wanted[name] for name in changes]
    parts = np.zeros((len(changes), len(documents)))
    before = document_losses(network, documents)
    places, weights = np.polynomial.legendre.leggauss(_NODES)
    steps, way = (places + 1) / 2, np.zeros((_NODES, len(documents)))
    for place, weight in enumerate(weights / 2):
        step = np.float32(steps[place])
        with put_in(network, {name: starts[name] + step * one for name, one in changes.items()}):
            for number, tokens in enumerate(documents):
                loss = loss_of(network, tokens)
                way[place, number] = float(loss.detach())
                gradients = torch.autograd.grad(loss, parameters)
                for k, (gradient, one) in enumerate(zip(gradients, changes.values(), strict=True)):
                    parts[k, number] += weight * float(np.vdot(gradient.numpy(), one))
    with put_in(network, chosen.matrices):
        after = document_losses(network, documents)
    return Sensitivities(
        model="",
        before=tuple(before.tolist()),
        matrices=tuple(
            MatrixSensitivity(name, chosen.lost[name], tuple(parts[k].tolist()))
            for k, name in enumerate(changes)
        ),
        together=tuple((after - before).tolist()),
        steps=tuple(steps.tolist()),
        on_the_way=tuple(tuple(losses.tolist()) for losses in way - before),
    )
