"""A plan as a notebook shows it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pastur._html import block, note, paragraph, table
from pastur.compression._plan.plan_rows import WORDS, headings, rows, whole

if TYPE_CHECKING:
    from pastur.compression._plan.whole_plan import CompressionPlan


def plan_html(plan: CompressionPlan) -> str:
    """Return the table and the sentences."""
    lines = (tuple(map(escape, cells)) for cells in rows(plan))
    return block(
        "Compression plan",
        paragraph(whole(plan)),
        table(headings(plan), lines, WORDS),
        note(plan.assumption),
    )
