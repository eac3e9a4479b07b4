"""The tensors that a plan puts in the place of one tensor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pastur._numerics.scaling import largest_magnitude
from pastur._typing import AnyArray
from pastur.compression._matrix.blocks import Rows, row_blocks, rows_of
from pastur.compression._matrix.codes import GROUP
from pastur.compression._matrix.lies import Orientation
from pastur.compression._matrix.parts import (
    code_parts,
    code_shapes,
    factor_parts,
    factor_shapes,
)
from pastur.compression._plan.matrix_plan import Form, MatrixPlan
from pastur.compression._plan.outcome import carried_out
from pastur.compression._source.orientation import orientation, put_back
from pastur.weights import Matrix


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
    changed = np.array(tensor, order="C")
    errors = {}
    for plan, matrix in planned:
        w = matrix.cut(tensor)
        put_back(matrix, changed, carried_out(plan.choice, w).rows)
        errors[plan.name] = relative_error(w, rows_of(matrix.cut(changed)))
    return Replaced({name: changed}, errors)


def _in_parts(
    name: str, tensor: AnyArray, plan: MatrixPlan, matrix: Matrix, lies: Orientation
) -> Replaced:
    w = matrix.cut(tensor)
    outcome = carried_out(plan.choice, w, dtype=tensor.dtype)
    parts: dict[str, AnyArray] = {}
    if outcome.factors is not None:
        left, right = outcome.factors.left, outcome.factors.right
        parts = factor_parts(name, left, right, tensor.shape, lies)
    if outcome.codes is not None:
        parts |= code_parts(name, outcome.codes, tensor.shape, lies)
    return Replaced(parts, {plan.name: relative_error(w, outcome.rows)})


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


def relative_error(w: AnyArray, rows: Rows) -> float:
    """Return ‖W − W′‖/‖W‖ from the rows of W′."""
    unit = float(largest_magnitude(w)) or 1.0
    sums = np.zeros(2)
    for part in row_blocks(w.shape):
        own = rows_of(w)(part) / unit
        sums += np.sum((own - rows(part) / unit) ** 2), np.sum(own**2)
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
