"""The figures of a plan as text: the same in a terminal, in a notebook and on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastur._foreign import shortened, visible
from pastur._format import NOTHING, bytes_text, large, percent, shape

if TYPE_CHECKING:
    from pastur.compression._plan.matrix_plan import Form, MatrixPlan
    from pastur.compression._plan.whole_plan import CompressionPlan

HEADINGS = ("matrix", "shape", "what is done", "energy", "error", "parameters", "bytes", "")
WORDS = frozenset({"matrix", "what is done", ""})
_LONGEST = 80


def row(matrix: MatrixPlan, form: Form) -> tuple[str, ...]:
    """Return the cells of one matrix."""
    promise, parameters = matrix.promise, matrix.parameters
    written = f", {matrix.written(form)}" if not matrix.kept else ""
    return (
        visible(shortened(matrix.name, _LONGEST)),
        shape(matrix.shape),
        f"{matrix.choice}{written}",
        "100 %" if matrix.kept else NOTHING if promise is None else percent(promise.energy),
        matrix.error_text,
        NOTHING if parameters is None else f"{parameters:,}",
        f"{matrix.bytes_after(form):,}",
        visible(matrix.note),
    )


def whole(plan: CompressionPlan) -> str:
    """Return what becomes of the whole model, in sentences."""
    after = plan.parameters_after
    changed = sum(not matrix.kept for matrix in plan.matrices)
    sentences = [
        f"{changed} of {len(plan.matrices)} matrices changed.",
        "Parameters: {} of {}.".format(
            "not known, after the edits," if after is None else _share(after, plan),
            large(plan.parameters_before),
        ),
        f"Bytes: {bytes_text(plan.bytes_after)} of {bytes_text(plan.bytes_before)}, written "
        f"{plan.form}.",
    ]
    error = plan.error
    sentences.append(
        "Error: not known for the edited choices until they are applied."
        if error is None
        else f"Error of the matrices, each scaled to entries of rms 1: {percent(error)}."
    )
    return " ".join(sentences)


def _share(after: int, plan: CompressionPlan) -> str:
    return f"{large(after)} ({percent(after / max(plan.parameters_before, 1))})"
