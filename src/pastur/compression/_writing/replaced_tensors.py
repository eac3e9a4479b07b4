"""The tensors that a plan puts in the place of one tensor."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.compression._matrix.codes import GROUP
from pastur.compression._matrix.lies import Orientation
from pastur.compression._matrix.low_rank import Factors
from pastur.compression._matrix.parts import (
    code_parts,
    code_shapes,
    factor_parts,
    factor_shapes,
)
from pastur.compression._plan.matrix_plan import Form, MatrixPlan
from pastur.compression._plan.outcome import Outcome, carried_out
from pastur.compression._source.orientation import orientation, put_back
from pastur.weights import Matrix

_ROWS = 1024


@dataclass(frozen=True, eq=False)
class Replaced:
    """What stands in the place of a tensor.

    Attributes
    ----------
    tensors : dict of str to array
        By name; one of the old name where it stays whole.
    errors : dict of str to float
        ‖W − W′‖/‖W‖ of each matrix, as written.
    """

    tensors: dict[str, AnyArray]
    errors: dict[str, float]


def replaced(
    name: str,
    tensor: AnyArray,
    planned: Sequence[tuple[MatrixPlan, Matrix]],
    form: Form,
) -> Replaced:
    """Return what a plan makes of one tensor.

    Parameters
    ----------
    name : str
    tensor : array
    planned : sequence of (MatrixPlan, Matrix)
        Its matrices that are changed.
    form : Form
    """
    plan, matrix = planned[0]
    if plan.written(form) == Form.FACTORED:
        lies = orientation(matrix, tensor.shape)
        if lies is not None:
            return _in_parts(name, tensor, plan, matrix, lies)
    changed = np.array(tensor)
    errors = {}
    for plan, matrix in planned:
        w = np.asarray(matrix.cut(tensor), dtype=np.float64)
        put_back(matrix, changed, carried_out(plan.choice, w).dense().astype(tensor.dtype))
        seen = matrix.cut(changed)
        errors[plan.name] = relative_error(w, seen.__getitem__)
    return Replaced({name: changed}, errors)


def _in_parts(
    name: str, tensor: AnyArray, plan: MatrixPlan, matrix: Matrix, lies: Orientation
) -> Replaced:
    w = np.asarray(matrix.cut(tensor), dtype=np.float64)
    outcome = carried_out(plan.choice, w)
    parts: dict[str, AnyArray] = {}
    if outcome.factors is not None:
        kind = tensor.dtype if outcome.codes is None else np.dtype(np.float16)
        left, right = (side.astype(kind) for side in (outcome.factors.left, outcome.factors.right))
        outcome = Outcome(factors=_in_float64(left, right), codes=outcome.codes)
        parts = factor_parts(name, left, right, tensor.shape, lies)
    if outcome.codes is not None:
        parts |= code_parts(name, outcome.codes, tensor.shape, lies)
    return Replaced(parts, {plan.name: relative_error(w, outcome.rows)})


def _in_float64(left: AnyArray, right: AnyArray) -> Factors:
    return Factors(left.astype(np.float64), right.astype(np.float64))


def shapes_of(
    name: str, shape: tuple[int, ...], planned: Sequence[tuple[MatrixPlan, Matrix]], form: Form
) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return shape and type of each tensor of `replaced`, without its numbers.

    Parameters
    ----------
    name, shape
        Of the tensor.
    planned : sequence of (MatrixPlan, Matrix)
        Its matrices that are changed.
    form : Form
    """
    plan, matrix = planned[0]
    lies = orientation(matrix, shape) if plan.written(form) == Form.FACTORED else None
    if lies is None:
        return {name: (shape, plan.dtype)}
    choice = plan.choice
    factor_type = plan.dtype if choice.bits is None else "float16"
    found = {}
    if choice.rank is not None:
        found = factor_shapes(name, shape, choice.rank, factor_type)
    if choice.bits is not None:
        group = GROUP if choice.rank is None else plan.shape[1]
        found |= code_shapes(name, plan.shape, choice.bits, group)
    return found


def relative_error(w: FloatArray, rows: Callable[[slice], AnyArray]) -> float:
    """Return ‖W − W′‖/‖W‖, by blocks of rows, so that W′ is never whole in float64.

    Parameters
    ----------
    w : array
    rows : callable
        ``rows(part)`` returns these rows of W′.
    """
    unit = float(max(w.max(), -w.min())) or 1.0
    sums = np.zeros(2)
    for start in range(0, len(w), _ROWS):
        part = slice(start, start + _ROWS)
        own = w[part] / unit
        sums += np.sum((own - rows(part).astype(np.float64) / unit) ** 2), np.sum(own**2)
    return float(np.sqrt(sums[0] / sums[1]))


def planned_by_tensor(
    plans: Sequence[MatrixPlan], matrices: Mapping[str, Matrix]
) -> dict[str, list[tuple[MatrixPlan, Matrix]]]:
    """Return the matrices that a plan changes, by tensor."""
    found: dict[str, list[tuple[MatrixPlan, Matrix]]] = {}
    for plan in plans:
        if not plan.kept:
            found.setdefault(plan.tensor, []).append((plan, matrices[plan.name]))
    return found
