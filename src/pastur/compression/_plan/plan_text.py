"""A plan as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastur.compression._plan.plan_rows import HEADINGS, WORDS, row, whole

if TYPE_CHECKING:
    from pastur.compression._plan.whole_plan import CompressionPlan


def plan_text(plan: CompressionPlan) -> str:
    """Return the table, with words on the left, and the sentences."""
    rows = [HEADINGS, *(row(matrix, plan.form) for matrix in plan.matrices)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if heading in WORDS else cell.rjust(width)
            for cell, width, heading in zip(cells, widths, HEADINGS, strict=True)
        ).rstrip()
        for cells in rows
    ]
    return "\n".join([*lines, "", whole(plan), plan.assumption])
