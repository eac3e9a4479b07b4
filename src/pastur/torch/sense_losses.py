"""What a module loses with each matrix on the way to its place in a plan."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pastur._checks import needed
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._foreign import shown
from pastur._typing import AnyArray, FloatArray
from pastur.compression import CompressionPlan, MatrixSensitivity, Sensitivities
from pastur.compression._sensitivities.sensitivities import check_plan, model_mark

if TYPE_CHECKING:
    from pastur.torch._layers.planned_changes import PlannedChange

_STEPS = (0.25, 0.5)


def measure_sensitivities(
    module: Any, plan: CompressionPlan, *, evaluate: Callable[[Any], Sequence[float]]
) -> Sensitivities:
    """Measure what a model loses with each matrix a quarter and half of the way to its plan.

    Of each matrix that the plan changes, the losses at W + t (W′ − W), t = ¼ and ½, which to second
    order say what W′ costs, and of all together those at ¼, ½ and 1. For other ranks matrices cost
    in proportion to the share of the outputs that is lost:
    `pastur.plan_compression(…, sensitivities=…)`.

    Parameters
    ----------
    module : torch.nn.Module
        Of the model that was planned. It is changed and restored, to the bit, also where `evaluate`
        raises an error.
    plan : CompressionPlan
        By the method ``"outputs"`` or ``"whitened"``, at about the size that is wanted in the end,
        or somewhat below, so that it changes every matrix that may be changed.
    evaluate : callable
        ``evaluate(module)`` returns the losses of at least 5 documents, always the same ones and in
        one order, such as the mean of −log p over the tokens of each. They should be others than
        those whose inputs were collected.

    Returns
    -------
    Sensitivities

    Raises
    ------
    InvalidInputError
        When the plan is of another model, changes no matrix by its outputs, or losses are not
        finite or too few.
    InvalidTypeError
        When `evaluate` cannot be called, or returns something else than numbers.
    MissingExtraError
        When PyTorch is not installed.

    Notes
    -----
    It takes two evaluations for each matrix that is changed, and four more, and the memory of the
    model once more. Where the loss can be differentiated, `attribute_loss` takes about nine
    evaluations for all matrices together.

    Examples
    --------
    >>> import tempfile
    >>> import torch
    >>> from torch import nn
    >>> import pastur.torch
    >>> _ = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(30, 60), nn.ReLU(), nn.Linear(60, 40)).eval()
    >>> texts = [torch.randn(50, 30) for _ in range(32)]
    >>> expected = [module(x).detach() for x in texts[16:]]
    >>> def evaluate(module):
    ...     with torch.no_grad():
    ...         pairs = zip(texts[16:], expected)
    ...         return [float((module(x) - y).square().mean()) for x, y in pairs]
    >>> analysis = pastur.analyze(module)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = folder + "/inputs.safetensors"
    ...     inputs = pastur.torch.collect_inputs(module, texts[:16], path=path)
    ...     plan = pastur.plan_compression(
    ...         analysis, module, method="outputs", target={"size": 0.6}, inputs=inputs
    ...     )
    ...     found = pastur.torch.measure_sensitivities(module, plan, evaluate=evaluate)
    ...     plan = pastur.plan_compression(
    ...         analysis,
    ...         module,
    ...         method="outputs",
    ...         target={"size": 0.8},
    ...         inputs=inputs,
    ...         sensitivities=found,
    ...     )
    >>> 0 < plan.predicted.low < plan.predicted.high < 0.1
    True
    """
    with needed("pastur.torch.measure_sensitivities", "torch", "torch"):
        from pastur.torch._layers.owners import check_module
        from pastur.torch._layers.planned_changes import planned_changes
    check_module(module)
    check_plan(plan)
    if not callable(evaluate):
        raise InvalidTypeError(
            f"`evaluate` must be a function of the module. Got {type(evaluate).__name__}."
        )
    changes = planned_changes(module, plan)
    before = _losses(module, evaluate)

    def losses(changed: "Sequence[PlannedChange]") -> dict[float, FloatArray]:
        return {step: _more(module, evaluate, before, changed, step) for step in _STEPS}

    measured = [
        MatrixSensitivity(change.name, change.outputs, _whole(losses([change])))
        for change in changes
    ]
    return Sensitivities(
        model=model_mark(plan.tensors),
        before=tuple(before.tolist()),
        matrices=tuple(measured),
        together=tuple(_more(module, evaluate, before, changes, 1.0).tolist()),
        steps=_STEPS,
        on_the_way=tuple(tuple(one.tolist()) for one in losses(changes).values()),
    )


def _whole(losses: dict[float, FloatArray]) -> tuple[float, ...]:
    """Return what follows for all of a change, to second order: a + b, of a t + b t² through both.

    The first order is there as well: at the end of a training that was stopped, or on other data,
    the slope is not zero.
    """
    quarter, half = losses.values()
    return tuple((6 * half - 8 * quarter).tolist())


def _more(
    module: Any,
    evaluate: Callable[[Any], Any],
    before: FloatArray,
    changes: "Sequence[PlannedChange]",
    step: float,
) -> FloatArray:
    from pastur.torch._layers.planned_changes import changed

    with changed(changes, step):
        losses = _losses(module, evaluate)
    if losses.shape != before.shape:
        raise InvalidInputError(
            f"`evaluate` returned {losses.size} losses, and {before.size} for the module as it "
            "is: it must evaluate the same documents each time."
        )
    return losses - before


def _losses(module: Any, evaluate: Callable[[Any], Any]) -> FloatArray:
    """Return the losses of all documents.

    Raises
    ------
    InvalidInputError
        Where they are not finite, or not a list of numbers.
    """
    found: AnyArray
    try:
        found = np.asarray([float(one) for one in evaluate(module)], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(
            f"`evaluate` must return the losses of several documents, a list of numbers: {error}."
        ) from None
    if not np.isfinite(found).all():
        (place,) = np.flatnonzero(~np.isfinite(found))[:1]
        raise InvalidInputError(
            f"The loss of document {place}, counted from 0, is {shown(found[place])}: it must be "
            "finite."
        )
    return found
