"""The figures of a plan as text: the same in a terminal, in a notebook and on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastur._foreign import shortened, visible
from pastur._format import NOTHING, bytes_text, count, large, percent, shape

if TYPE_CHECKING:
    from pastur.compression._plan.matrix_plan import Form, MatrixPlan
    from pastur.compression._plan.whole_plan import CompressionPlan

_HEADINGS = ("matrix", "shape", "what is done", "energy", "error", "parameters", "bytes", "")
# What is lost of the outputs on documents that did not choose, with its interval, and on those that
# did; where inputs chose.
OUTPUTS = ("outputs lost", "95 %", "in sample")
WORDS = frozenset({"matrix", "what is done", ""})
_LONGEST = 80


def headings(plan: CompressionPlan) -> tuple[str, ...]:
    """Return the headings of the table of a plan."""
    *front, note = _HEADINGS
    return (*front, *(OUTPUTS if _has_outputs(plan) else ()), note)


def rows(plan: CompressionPlan) -> list[tuple[str, ...]]:
    """Return the cells of each matrix."""
    wide = _has_outputs(plan)
    found = []
    for matrix in plan.matrices:
        *front, note = _row(matrix, plan.form)
        found.append((*front, *(_outputs(matrix) if wide else ()), note))
    return found


def _has_outputs(plan: CompressionPlan) -> bool:
    return any(matrix.choice.inputs is not None for matrix in plan.matrices)


def _outputs(matrix: MatrixPlan) -> tuple[str, ...]:
    if matrix.kept:
        return ("0", "", "")
    lost = None if matrix.promise is None else matrix.promise.outputs
    if lost is None:
        return (NOTHING, "", "")
    span = f"{percent(lost.low)} to {percent(lost.high)}"
    return percent(lost.loss), span, percent(lost.inside)


def _row(matrix: MatrixPlan, form: Form) -> tuple[str, ...]:
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
    if plan.initial_entries:
        sentences.append(
            f"{large(plan.initial_entries)} values from before training are in the file and no "
            "parameters."
        )
    error = plan.error
    sentences.append(
        "Error: not known for the edited choices until they are applied."
        if error is None
        else f"Error of the matrices, each scaled to entries of rms 1: {percent(error)}."
    )
    if _has_outputs(plan):
        sentences.append(_lost_outputs(plan))
    return " ".join(sentences)


def _lost_outputs(plan: CompressionPlan) -> str:
    """Return how much of the outputs is lost, over the layers that are changed."""
    changed = [one for one in plan.matrices if one.choice.inputs is not None]
    found = [one.promise.outputs for one in changed if one.promise is not None]
    known = [one.loss for one in found if one is not None]
    if len(known) < len(changed):
        return "Outputs: not known for the edited choices."
    mean = sum(known) / max(len(known), 1)
    front = f"Outputs lost, mean over {count(len(known), 'layer', 'layers')}: {percent(mean)}"
    if plan.predicted is None:
        return f"{front}; what the model loses by that is not known."
    return (
        f"{front}. Loss of the model, predicted: {plan.predicted}, from "
        f"{plan.predicted.documents} documents."
    )


def _share(after: int, plan: CompressionPlan) -> str:
    return f"{large(after)} ({percent(after / max(plan.parameters_before, 1))})"
