"""An analysis as a notebook shows it: a piece of HTML in the notebook's own colours, no script."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from html import escape
from math import log
from typing import Any

import numpy as np

from pastur._html import NOTE, block, paragraph, safe, table
from pastur.analysis._matrix.finding import FINDINGS
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.analysis._result.figures import NOISE, Column, figure_columns, legend
from pastur.weights import Skipped

# A picture of one spectrum: bars up to the edge, then dots on a logarithmic scale.
_WIDTH, _HEIGHT, _EDGE, _BARS = 180, 22, 70, 20
_FARTHEST = 50.0
_SPECTRUM = (
    "the bulk, then a dot for each spike, or for each direction that stands out, on a logarithmic "
    "scale."
)


def analysis_html(
    source: str,
    summary: str,
    matrices: Sequence[MatrixAnalysis],
    skipped: Sequence[Skipped],
    *,
    alpha: float,
) -> str:
    """Return summary, table and the list of what was skipped."""
    columns = _columns(matrices)
    return block(
        source,
        paragraph(summary),
        table_html(columns, matrices),
        _legend(matrices, columns, alpha),
        tensors_html("Skipped", skipped),
    )


def tensors_html(title: str, tensors: Sequence[Skipped]) -> str:
    """Return a list of tensors with reasons, folded up; empty where there are none."""
    if not tensors:
        return ""
    items = "".join(
        f"<li><code>{safe(tensor.name)}</code>: {safe(tensor.reason)}</li>" for tensor in tensors
    )
    return f"<details><summary>{title}: {len(tensors)}</summary><ul>{items}</ul></details>"


def table_html(columns: Sequence[Column], items: Sequence[Any]) -> str:
    """Return a table that scrolls; the cells of the columns are HTML."""
    rows = ([column.text(item) for column in columns] for item in items)
    words = [column.heading for column in columns if column.word]
    return table([column.heading for column in columns], rows, words)


def _columns(matrices: Sequence[MatrixAnalysis]) -> list[Column]:
    """Return the columns, whose cells are HTML."""
    first, *figures = escaped_columns([*figure_columns(matrices), NOISE])
    name = Column("matrix", lambda matrix: safe(matrix.name), word=True)
    picture = Column("spectrum", _picture, _SPECTRUM, word=True)
    return [Column("", _mark, word=True), name, first, picture, *figures]


def escaped_columns(columns: Sequence[Column]) -> list[Column]:
    """Return columns of text as columns of HTML."""
    return [replace(column, text=partial(_escaped, column)) for column in columns]


def _escaped(column: Column, item: Any) -> str:
    return escape(column.text(item))


def _mark(matrix: MatrixAnalysis) -> str:
    entry = FINDINGS[matrix.kind]
    title = escape(f"{matrix.kind.label}. {matrix.summary()}")
    return f'<span style="color:{entry.neutral}" title="{title}">{entry.sign}</span>'


def _picture(matrix: MatrixAnalysis) -> str:
    colour, drawn = FINDINGS[matrix.kind].neutral, matrix.drawn
    if not (drawn.noisy or drawn.lawless):
        return f'<span style="{NOTE}">no noise</span>'
    ratios, beyond = drawn.over_edge(matrix.singular_values), drawn.over_edge(drawn.spikes)
    counts, _ = np.histogram(ratios[ratios <= 1], _BARS, (0.0, 1.0))
    heights = 0.9 * _HEIGHT * counts / max(int(counts.max()), 1)
    width = _EDGE / _BARS
    steps = "".join(
        f"V{_HEIGHT - height:.1f}H{width * (bar + 1):.1f}" for bar, height in enumerate(heights)
    )
    room = (_WIDTH - _EDGE - 6) / log(_FARTHEST)
    places = {round(_EDGE + room * log(min(max(ratio, 1.0), _FARTHEST)), 1) for ratio in beyond}
    dots = "".join(f"M{place:g} {_HEIGHT / 2:g}h0" for place in sorted(places))
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{beyond.size} '
        f'beyond the bulk" style="vertical-align:middle"><path d="M0 {_HEIGHT}{steps}V{_HEIGHT}Z" '
        f'fill="{colour}" opacity=".45"/><path d="M{_EDGE} 0V{_HEIGHT}" stroke="currentColor" '
        f'opacity=".4"/><path d="{dots}" stroke="{colour}" stroke-width="5" '
        'stroke-linecap="round"/></svg>'
    )


def _legend(matrices: Sequence[MatrixAnalysis], columns: Sequence[Column], alpha: float) -> str:
    present = {matrix.kind for matrix in matrices}
    signs = " &nbsp; ".join(
        f'<span style="color:{entry.neutral}">{entry.sign}</span> {kind}'
        for kind, entry in FINDINGS.items()
        if kind in present
    )
    return f'<p style="{NOTE}">{signs}<br>{escape(legend(columns, alpha))}</p>'
