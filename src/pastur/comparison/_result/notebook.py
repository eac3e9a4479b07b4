"""A comparison as a notebook shows it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pastur.analysis._result.figures import Column, legend
from pastur.analysis._result.notebook import (
    NOTE,
    escaped_columns,
    safe,
    table_html,
    tensors_html,
)
from pastur.comparison._result.figures import FINDINGS_OF_BOTH, NOISES, comparison_columns

if TYPE_CHECKING:
    from pastur.comparison._result.comparison import Comparison


def comparison_html(comparison: Comparison) -> str:
    """Return summary, table and the lists of what is not in it."""
    figures = [*comparison_columns(comparison.matrices), NOISES, FINDINGS_OF_BOTH]
    name = Column("matrix", lambda matrix: safe(matrix.name), word=True)
    title = f"{safe(comparison.old)} → {safe(comparison.new)}"
    parts = [
        f"<p><b>{title}</b><br>{escape(comparison.summary())}</p>",
        table_html([name, *escaped_columns(figures)], comparison.matrices),
        f'<p style="{NOTE}">{escape(legend(figures, comparison.alpha))}</p>',
        tensors_html("In OLD only", comparison.only_old),
        tensors_html("In NEW only", comparison.only_new),
        tensors_html("Of two shapes", comparison.reshaped),
        tensors_html("Skipped", comparison.skipped),
    ]
    return f"<div>{''.join(parts)}</div>"
