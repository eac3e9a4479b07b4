"""What each matrix costs of the loss that a plan adds to a module, from gradients along the way."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from pastur._checks import needed, positive_integer
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._foreign import shown
from pastur._typing import FloatArray
from pastur.compression import CompressionPlan, MatrixSensitivity, Sensitivities
from pastur.compression._sensitivities.sensitivities import (
    LEAST_DOCUMENTS,
    check_plan,
    model_mark,
)

Loss = Callable[[Any, Any], Any]


def attribute_loss(
    module: Any,
    plan: CompressionPlan,
    *,
    documents: Iterable[Any],
    loss: Loss,
    nodes: int = 3,
) -> Sensitivities:
    """Attribute to each matrix its part of what a model loses by a plan.

    All matrices go from W to W′ at once. The gradient of the loss at W + t (W′ − W), integrated
    over t from 0 to 1 and multiplied with W′ − W of each matrix, is its part: the parts add up to
    what the model loses, whatever the order of it, and what matrices lose only together is divided
    between them (the value of Aumann and Shapley, known as integrated gradients). One pass forward
    and backward on each document at each node gives the parts of all matrices.

    Parameters
    ----------
    module : torch.nn.Module
        Of the model that was planned, in evaluation mode. It is changed and restored, to the bit,
        also where `loss` raises an error.
    plan : CompressionPlan
        By the method ``"outputs"`` or ``"whitened"``, at about the size that is wanted in the end.
        Matrices that it keeps are not measured: start from ``target={"each": 0.8}``.
    documents : iterable
        At least 5, others than those whose inputs were collected.
    loss : callable
        ``loss(module, document)`` returns a tensor of one number that can be differentiated, such
        as the mean of −log p over the tokens of the document.
    nodes : int, default 3
        Of the Gauss–Legendre rule: exact where the loss is a polynomial in t of degree 2 `nodes`.

    Returns
    -------
    Sensitivities

    Raises
    ------
    InvalidInputError
        When the plan is of another model or changes no matrix by its outputs, there are fewer than
        5 documents, the module is in training, or losses or gradients are not finite.
    InvalidTypeError
        When `loss` cannot be called, or returns something else.
    MissingExtraError
        When PyTorch is not installed.

    See Also
    --------
    measure_sensitivities : for losses that cannot be differentiated.

    Notes
    -----
    Parts are those of one plan. For another plan, measure again: a second round along the plan that
    the first one gave is often worth it, `Sensitivities.joined` to the first.

    Sundararajan, Taly, Yan (2017), arXiv:1703.01365.

    Examples
    --------
    >>> import tempfile
    >>> import torch
    >>> from torch import nn
    >>> import pastur.torch
    >>> _ = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(30, 60), nn.ReLU(), nn.Linear(60, 40)).eval()
    >>> texts = [torch.randn(50, 30) for _ in range(32)]
    >>> pairs = [(x, module(x).detach()) for x in texts[16:]]
    >>> def loss(module, pair):
    ...     x, y = pair
    ...     return (module(x) - y).square().mean()
    >>> analysis = pastur.analyze(module)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = folder + "/inputs.safetensors"
    ...     inputs = pastur.torch.collect_inputs(module, texts[:16], path=path)
    ...     plan = pastur.plan_compression(
    ...         analysis, module, method="outputs", target={"each": 0.7}, inputs=inputs
    ...     )
    ...     found = pastur.torch.attribute_loss(module, plan, documents=pairs, loss=loss)
    >>> parts = sum(one.mean for one in found.matrices)
    >>> abs(parts / (sum(found.together) / 16) - 1) < 0.05
    True
    """
    with needed("pastur.torch.attribute_loss", "torch", "torch"):
        from pastur.torch._layers.owners import check_evaluating, check_module
        from pastur.torch._layers.planned_changes import changed, planned_changes
    check_module(module)
    check_plan(plan)
    if not callable(loss):
        raise InvalidTypeError(
            f"`loss` must be a function of module and document. Got {type(loss).__name__}."
        )
    check_evaluating(module, "losses")
    given = list(documents)
    if len(given) < LEAST_DOCUMENTS:
        raise InvalidInputError(
            f"`documents` must be at least {LEAST_DOCUMENTS}. Got {len(given)}."
        )
    changes = planned_changes(module, plan)
    places, weights = np.polynomial.legendre.leggauss(positive_integer("nodes", nodes))
    steps = (places + 1) / 2
    parts, way = np.zeros((len(changes), len(given))), np.zeros((steps.size, len(given)))
    before = _values(module, given, loss)
    for place, step in enumerate(steps):
        with changed(changes, float(step)):
            for number, document in enumerate(given):
                way[place, number], slopes = _slopes(module, document, number, loss, changes)
                parts[:, number] += weights[place] / 2 * slopes
    with changed(changes, 1.0):
        after = _values(module, given, loss)
    return Sensitivities(
        model=model_mark(plan.tensors),
        before=tuple(before.tolist()),
        matrices=tuple(
            MatrixSensitivity(change.name, change.outputs, tuple(losses.tolist()))
            for change, losses in zip(changes, parts, strict=True)
        ),
        together=tuple((after - before).tolist()),
        steps=tuple(steps.tolist()),
        on_the_way=tuple(tuple(losses.tolist()) for losses in way - before),
    )


def _values(module: Any, documents: list[Any], loss: Loss) -> FloatArray:
    import torch

    with torch.no_grad():
        return np.array([float(_one(module, x, k, loss)) for k, x in enumerate(documents)])


def _slopes(
    module: Any, document: Any, number: int, loss: Loss, changes: list[Any]
) -> tuple[float, FloatArray]:
    """Return the loss of a document, and its derivative along each change."""
    import torch

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
    by_tensor = dict(zip(map(id, parameters), gradients, strict=True))
    slopes = np.zeros(len(changes))
    for k, change in enumerate(changes):
        gradient = by_tensor[id(change.parameter)]
        # A layer that a document does not reach, such as an expert, has none.
        if gradient is not None:
            slopes[k] = change.slope(gradient)
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
    import torch

    found = loss(module, document)
    if not isinstance(found, torch.Tensor) or found.numel() != 1:
        got = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        raise InvalidTypeError(f"`loss` must return a tensor of one number. Got {got}.")
    if not bool(torch.isfinite(found).all()):
        raise InvalidInputError(
            f"The loss of document {number}, counted from 0, is {shown(float(found))}: it must be "
            "finite."
        )
    return found.reshape(())
