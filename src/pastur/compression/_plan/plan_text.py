"""A plan as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastur.compression._plan.plan_rows import WORDS, headings, rows, whole

if TYPE_CHECKING:
    from pastur.compression._plan.whole_plan import CompressionPlan


def plan_text(plan: CompressionPlan) -> str:
    """Return the table, with words on the left, and the sentences."""
    columns = headings(plan)
    table = [columns, *rows(plan)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if heading in WORDS else cell.rjust(width)
            for cell, width, heading in zip(cells, widths, columns, strict=True)
        ).rstrip()
        for cells in table
    ]
    return "\n".join([*lines, "", whole(plan), plan.assumption])
