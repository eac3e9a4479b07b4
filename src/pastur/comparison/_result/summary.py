"""A comparison in a few plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pastur._format import count, large, percent
from pastur.analysis._matrix.sentences import GENERAL_POSITION
from pastur.comparison._matrix.matrix_comparison import MatrixComparison

if TYPE_CHECKING:
    from pastur.comparison._result.comparison import Comparison

# The reason for skipping what was left to do.
INTERRUPTED = "not compared: the run was interrupted"
_SAME = "OLD and NEW are one and the same."


def summarize(comparison: Comparison) -> str:
    """Return the sentences: what was changed and how much, what is lost, what was left out."""
    matrices = comparison.matrices
    changed = [matrix for matrix in matrices if not matrix.unchanged]
    weights = sum(matrix.shape[0] * matrix.shape[1] for matrix in matrices)
    size = f"{count(len(matrices), 'matrix', 'matrices')} of {large(weights)} weights"
    return " ".join(
        [
            *_partial(comparison),
            *([_SAME] if comparison.same_source else []),
            f"{size} compared: {_changed(len(changed), len(matrices))}.",
            *_sizes(changed),
            *_directions(matrices),
            *_left_out(comparison),
        ]
    )


def _partial(comparison: Comparison) -> list[str]:
    left = sum(tensor.reason == INTERRUPTED for tensor in comparison.skipped)
    if not left:
        return []
    verb = "was" if left == 1 else "were"
    words = count(left, "matrix", "matrices")
    return [f"Partial: the run was interrupted, and {words} {verb} left out."]


def _changed(changed: int, total: int) -> str:
    if not changed:
        return "unchanged, every entry is the same" if total == 1 else "all unchanged, every entry"
    if changed == total:
        return "changed" if total == 1 else "all changed"
    return f"{changed} changed, {total - changed} unchanged"


def _sizes(changed: Sequence[MatrixComparison]) -> list[str]:
    if not changed:
        return []
    if len(changed) == 1:
        return [f"‖NEW − OLD‖ is {percent(changed[0].relative_change)} of ‖OLD‖."]
    sizes = sorted(matrix.relative_change for matrix in changed)
    low, middle, high = (percent(sizes[k]) for k in (0, len(sizes) // 2, -1))
    return [f"‖NEW − OLD‖ is {low} to {high} of ‖OLD‖, {middle} in the middle."]


def _directions(matrices: Sequence[MatrixComparison]) -> list[str]:
    """Return what stands out in what was changed, in the changes, and in what was not changed."""
    changed = [matrix for matrix in matrices if not matrix.unchanged]
    found = [matrix.directions for matrix in changed]
    before, after = sum(one.old for one in found), sum(one.new for one in found)
    within = sum(matrix.change_standing_out for matrix in changed if matrix.change is not None)
    same = sum(matrix.directions.old for matrix in matrices if matrix.unchanged)
    sentences = []
    if before or after:
        lost, gained = sum(one.lost for one in found), sum(one.gained for one in found)
        sentences.append(
            f"In what was changed, {_stand_out(before)} before and {after} after: {lost} lost, "
            f"{gained} gained."
        )
    elif changed:
        sentences.append("In what was changed no direction stands out, before or after.")
    if within:
        sentences.append(f"Of the changes themselves, {_stand_out(within)} from the rest.")
    if same:
        sentences.append(f"In what was not changed, {_stand_out(same)}.")
    if before or after or within or same:
        sentences.append(GENERAL_POSITION)
    return sentences


def _stand_out(number: int) -> str:
    return f"{count(number, 'direction stands', 'directions stand')} out"


def _left_out(comparison: Comparison) -> list[str]:
    lists = {
        "in OLD only": comparison.only_old,
        "in NEW only": comparison.only_new,
        "of two shapes": comparison.reshaped,
        "skipped, with the reason": comparison.skipped,
    }
    found = [
        f"{count(len(tensors), 'tensor is', 'tensors are')} {words}"
        for words, tensors in lists.items()
        if tensors
    ]
    return [f"{'; '.join(found)}."] if found else ["No tensor was left out."]
