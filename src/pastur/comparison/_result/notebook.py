"""A comparison as a notebook shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastur._html import block, note, paragraph, safe
from pastur.analysis._result.figures import Column, legend
from pastur.analysis._result.notebook import escaped_columns, table_html, tensors_html
from pastur.comparison._result.figures import FINDINGS_OF_BOTH, NOISES, comparison_columns

if TYPE_CHECKING:
    from pastur.comparison._result.comparison import Comparison


def comparison_html(comparison: Comparison) -> str:
    """Return summary, table and the lists of what is not in it."""
    figures = [*comparison_columns(comparison.matrices), NOISES, FINDINGS_OF_BOTH]
    name = Column("matrix", lambda matrix: safe(matrix.name), word=True)
    return block(
        f"{comparison.old} → {comparison.new}",
        paragraph(comparison.summary()),
        table_html([name, *escaped_columns(figures)], comparison.matrices),
        note(legend(figures, comparison.alpha)),
        tensors_html("In OLD only", comparison.only_old),
        tensors_html("In NEW only", comparison.only_new),
        tensors_html("Of two shapes", comparison.reshaped),
        tensors_html("Skipped", comparison.skipped),
    )
