"""A plan as a notebook shows it: a piece of HTML in the notebook's own colours, no script."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pastur.compression._plan.plan_rows import HEADINGS, WORDS, row, whole

if TYPE_CHECKING:
    from pastur.compression._plan.whole_plan import CompressionPlan

_CELL = "padding:.2em .6em;border:0;background:none;"


def plan_html(plan: CompressionPlan) -> str:
    """Return the table and the sentences."""
    head = "".join(_cell("th", heading, heading) for heading in HEADINGS)
    body = "".join(
        "<tr>{}</tr>".format(
            "".join(
                _cell("td", cell, heading)
                for cell, heading in zip(row(matrix, plan.form), HEADINGS, strict=True)
            )
        )
        for matrix in plan.matrices
    )
    style = "border-collapse:collapse;font-size:.93em;font-variant-numeric:tabular-nums"
    return (
        f"<div><p>{escape(whole(plan))}</p>"
        f'<div style="overflow:auto;max-height:40em"><table style="{style}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f'<p style="opacity:.75;font-size:.9em">{escape(plan.assumption)}</p></div>'
    )


def _cell(kind: str, text: str, heading: str) -> str:
    side = "left" if heading in WORDS else "right"
    return f'<{kind} style="{_CELL}text-align:{side}">{escape(text)}</{kind}>'
