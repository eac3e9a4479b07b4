"""A plan as a notebook shows it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pastur._html import block, note, paragraph, table
from pastur.compression._plan.plan_rows import HEADINGS, WORDS, row, whole

if TYPE_CHECKING:
    from pastur.compression._plan.whole_plan import CompressionPlan


def plan_html(plan: CompressionPlan) -> str:
    """Return the table and the sentences."""
    rows = (map(escape, row(matrix, plan.form)) for matrix in plan.matrices)
    return block(
        "Compression plan",
        paragraph(whole(plan)),
        table(HEADINGS, map(tuple, rows), WORDS),
        note(plan.assumption),
    )
