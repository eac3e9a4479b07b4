"""What a module loses with each matrix on the way to its place in a plan."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pastur._checks import needed
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._foreign import shown
from pastur._typing import AnyArray, FloatArray
from pastur.compression import CompressionPlan, MatrixSensitivity, Sensitivities, Steps
from pastur.compression._matrix.blocks import rows_of
from pastur.compression._plan.fingerprint import check_same, records
from pastur.compression._plan.matrix_plan import MatrixPlan
from pastur.compression._plan.outcome import carried_out
from pastur.compression._sensitivities.sensitivities import model_mark
from pastur.compression._source.checkpoint import matrices_of, open_checkpoint
from pastur.compression._source.orientation import put_back
from pastur.weights import Matrix

_STEPS = (0.25, 0.5)


def measure_sensitivities(
    module: Any, plan: CompressionPlan, *, evaluate: Callable[[Any], Sequence[float]]
) -> Sensitivities:
    """Measure what a model loses with each matrix a quarter and half of the way to its plan.

    Of each matrix that the plan changes, and of all together, the losses at W + t (W′ − W), t = ¼
    and ½. To second order they say what W′ costs, and for other ranks what is in proportion to the
    share of the outputs that is lost: `pastur.plan_compression(…, sensitivities=…)`.

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
    It takes two evaluations for each matrix that is changed, and three more.

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
    check_module(module)
    if not isinstance(plan, CompressionPlan):
        raise InvalidTypeError(
            f"`plan` must be the result of `pastur.plan_compression`. Got {type(plan).__name__}."
        )
    if not callable(evaluate):
        raise InvalidTypeError(
            f"`evaluate` must be a function of the module. Got {type(evaluate).__name__}."
        )
    changes = _changes(module, plan)
    before = _losses(module, evaluate)
    measured = [
        MatrixSensitivity(
            name=change.plan.name,
            outputs=change.outputs,
            steps=_steps(module, evaluate, before, [change]),
        )
        for change in changes
    ]
    return Sensitivities(
        model=model_mark(plan.tensors),
        before=tuple(before.tolist()),
        matrices=tuple(measured),
        together=_steps(module, evaluate, before, changes),
    )


@dataclass(frozen=True, eq=False)
class _Change:
    """A matrix of a module, and where it goes."""

    plan: MatrixPlan
    matrix: Matrix
    parameter: Any
    outputs: float

    def put(self, step: float) -> None:
        """Give the matrix its numbers at a step, its tensor as it is elsewhere."""
        import torch

        # Not the memory of the tensor itself, which is about to change.
        held = self.parameter.detach().to(device="cpu", dtype=torch.float64)
        tensor = held.numpy().copy()
        w = np.array(self.matrix.cut(tensor))
        there = w + step * (carried_out(self.plan.choice, w).dense() - w)
        put_back(self.matrix, tensor, rows_of(there))
        with torch.no_grad():
            self.parameter.copy_(torch.from_numpy(tensor))


def _changes(module: Any, plan: CompressionPlan) -> list[_Change]:
    from pastur.torch._layers.owners import Owners

    checkpoint = open_checkpoint(module)
    there = matrices_of(checkpoint.weights, plan.unfold)
    check_same(
        plan.tensors,
        list(records(checkpoint.tensors, checkpoint.stored)),
        f"this {checkpoint.source}",
    )
    owners, found = Owners(module), []
    for one in plan.matrices:
        lost = None if one.promise is None else one.promise.outputs
        if one.kept or lost is None or not lost.loss > 0:
            continue
        found.append(_Change(one, there[one.name], owners.parameter(one.tensor), lost.loss))
    if not found:
        raise InvalidInputError(
            "The plan changes no matrix of which it is known what its outputs lose: plan with the "
            "method 'outputs' and `inputs`, and do not edit the choices."
        )
    return found


def _steps(
    module: Any, evaluate: Callable[[Any], Any], before: FloatArray, changes: Sequence[_Change]
) -> Steps:
    import torch

    saved = {id(one.parameter): (one.parameter, one.parameter.detach().clone()) for one in changes}
    more = []
    for step in _STEPS:
        try:
            for change in changes:
                change.put(step)
            losses = _losses(module, evaluate)
        finally:
            with torch.no_grad():
                for parameter, numbers in saved.values():
                    parameter.copy_(numbers)
        if losses.shape != before.shape:
            raise InvalidInputError(
                f"`evaluate` returned {losses.size} losses, and {before.size} for the module as it "
                "is: it must evaluate the same documents each time."
            )
        more.append(tuple((losses - before).tolist()))
    return Steps(*more)


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
