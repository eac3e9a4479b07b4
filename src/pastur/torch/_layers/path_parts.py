"""The part of each of several changes of a module, from gradients along the way of all of them."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from pastur._errors import InvalidInputError, InvalidTypeError, PasturWarning
from pastur._foreign import shown
from pastur._format import number
from pastur._typing import FloatArray
from pastur.compression import MatrixSensitivity, Sensitivities
from pastur.compression._sensitivities.sensitivities import LEAST_DOCUMENTS
from pastur.torch._layers.planned_changes import PlannedChange, changed, on_cpu

Loss = Callable[[Any, Any], Any]
# Sums in another order, as on a GPU, change a loss by less.
_SAME = 1e-3


def path_parts(
    module: Any,
    changes: Sequence[PlannedChange],
    documents: Sequence[Any],
    loss: Loss,
    *,
    nodes: int,
    model: str,
) -> Sensitivities:
    """Return what the module loses by all changes at once, divided between them.

    Parameters
    ----------
    module : torch.nn.Module
    changes : sequence of PlannedChange
    documents, loss, nodes
        As in `pastur.torch.attribute_loss`.
    model : str
        The mark of the model.
    """
    places, weights = np.polynomial.legendre.leggauss(nodes)
    steps = (places + 1) / 2
    parts, way = np.zeros((len(changes), len(documents))), np.zeros((nodes, len(documents)))
    before = _values(module, documents, loss)
    for place, step in enumerate(steps):
        with changed(changes, float(step)):
            for k, document in enumerate(documents):
                way[place, k], slopes = _slopes(module, document, k, loss, changes)
                parts[:, k] += weights[place] / 2 * slopes
    with changed(changes, 1.0):
        after = _values(module, documents, loss)
    _check_repeatable(module, documents, loss, float(before[0]), float(after[0]))
    _check_different(np.vstack([before, way, after, parts]))
    return Sensitivities(
        model=model,
        before=tuple(before.tolist()),
        matrices=tuple(
            MatrixSensitivity(change.name, change.outputs, tuple(losses.tolist()))
            for change, losses in zip(changes, parts, strict=True)
        ),
        together=tuple((after - before).tolist()),
        steps=tuple(steps.tolist()),
        on_the_way=tuple(tuple(losses.tolist()) for losses in way - before),
    )


def _check_repeatable(
    module: Any, documents: Sequence[Any], loss: Loss, before: float, after: float
) -> None:
    """Raise where the loss changes without a change: by chance, or by a state that it leaves."""
    (again,) = _values(module, documents[:1], loss)
    if abs(again - before) > _SAME * (abs(before) + abs(after - before)):
        raise InvalidInputError(
            f"The loss of document 0 is {number(float(again))} where it was {number(before)}, with "
            "the module as it was: `loss` must return the same each time, without dropout, samples "
            "or anything that it changes."
        )


def _check_different(losses: FloatArray) -> None:
    """Refuse documents of which too few are different, and warn of copies.

    Parameters
    ----------
    losses : array, shape (figures, documents)
        Of copies all are equal, to the bit.
    """
    count = losses.shape[1]
    different = np.unique(losses, axis=1).shape[1]
    if different == count:
        return
    said = f"Of {count} `documents`, {count - different} lose to the bit what others lose"
    if different < LEAST_DOCUMENTS:
        raise InvalidInputError(f"{said}: at least {LEAST_DOCUMENTS} must be different ones.")
    warnings.warn(
        f"{said}. If they are copies leave them out: the interval is too narrow by them.",
        PasturWarning,
        stacklevel=4,
    )


def _values(module: Any, documents: Sequence[Any], loss: Loss) -> FloatArray:
    with torch.no_grad():
        return np.array([float(_one(module, x, k, loss)) for k, x in enumerate(documents)])


def _slopes(
    module: Any, document: Any, number: int, loss: Loss, changes: Sequence[PlannedChange]
) -> tuple[float, FloatArray]:
    """Return the loss of a document, and its derivative along each change."""
    parameters = list({id(one.parameter): one.parameter for one in changes}.values())
    asked = [one.requires_grad for one in parameters]
    try:
        for one in parameters:
            one.requires_grad_(True)
        with torch.enable_grad():
            found = _one(module, document, number, loss)
            if not found.requires_grad:
                raise InvalidTypeError(
                    "`loss` must return a tensor that can be differentiated: it must not detach "
                    "the outputs of the module, nor compute them without gradients."
                )
            gradients = torch.autograd.grad(found, parameters, allow_unused=True)
    finally:
        for one, before in zip(parameters, asked, strict=True):
            one.requires_grad_(before)
    slopes = np.zeros(len(changes))
    for parameter, gradient in zip(parameters, gradients, strict=True):
        # A layer that a document does not reach, such as an expert, has none.
        if gradient is not None:
            numbers = on_cpu(gradient)
            for k, change in enumerate(changes):
                if change.parameter is parameter:
                    slopes[k] = change.slope(numbers)
    if not np.isfinite(slopes).all():
        raise InvalidInputError(f"The gradient of document {number}, from 0, is not finite.")
    return float(found.detach()), slopes


def _one(module: Any, document: Any, number: int, loss: Loss) -> Any:
    """Return the loss of a document.

    Raises
    ------
    InvalidTypeError
        Where it is not a tensor of one number.
    InvalidInputError
        Where it is not finite.
    """
    found = loss(module, document)
    if not isinstance(found, torch.Tensor) or found.numel() != 1 or found.is_complex():
        got = type(found).__name__
        if isinstance(found, torch.Tensor):
            got = f"the shape {tuple(found.shape)}, of {found.dtype}"
        raise InvalidTypeError(f"`loss` must return a tensor of one real number. Got {got}.")
    if not bool(torch.isfinite(found).all()):
        raise InvalidInputError(
            f"The loss of document {number}, counted from 0, is {shown(float(found))}: it must be "
            "finite."
        )
    return found.reshape(())
