"""An analysis as a notebook shows it: a piece of HTML in the notebook's own colours, no script."""

from collections.abc import Sequence
from html import escape
from math import log

import numpy as np

from pastur._foreign import shortened, visible
from pastur._format import NOTHING, fraction, interval, number, p_value, shape
from pastur.analysis._matrix.finding import FINDINGS, Finding
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.weights import Skipped

_HEADINGS = ("", "matrix", "shape", "spectrum", "σ", "edge", "spikes", "strongest θ", "D", "p")
_WORDS = {"", "matrix", "spectrum"}
_CELL = "padding:.2em .6em;border:0;background:none;"
_RULE = "border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent);"
_NOTE = "opacity:.75;font-size:.9em;"

# A picture of one spectrum: bars up to the edge, then dots on a logarithmic scale.
_WIDTH, _HEIGHT, _EDGE, _BARS = 180, 22, 70, 20
_FARTHEST = 50.0
# Letters of a name or a reason.
_LONGEST = 300


def analysis_html(
    source: str, summary: str, matrices: Sequence[MatrixAnalysis], skipped: Sequence[Skipped]
) -> str:
    """Return summary, table and the list of what was skipped."""
    rows = "".join(_row(matrix) for matrix in matrices)
    parts = [
        f"<p><b>{_safe(source)}</b><br>{escape(summary)}</p>",
        f'<div style="overflow:auto;max-height:40em">{_table(_HEADINGS, rows)}</div>',
        _legend(matrices),
    ]
    if skipped:
        items = "".join(
            f"<li><code>{_safe(tensor.name)}</code>: {_safe(tensor.reason)}</li>"
            for tensor in skipped
        )
        parts.append(
            f"<details><summary>Skipped: {len(skipped)}</summary><ul>{items}</ul></details>"
        )
    return f"<div>{''.join(parts)}</div>"


def _table(headings: Sequence[str], rows: str) -> str:
    head = "".join(
        f'<th style="{_CELL}{_RULE}text-align:{"left" if heading in _WORDS else "right"}">'
        f"{heading}</th>"
        for heading in headings
    )
    style = "border-collapse:collapse;font-size:.93em;font-variant-numeric:tabular-nums"
    return f'<table style="{style}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(matrix: MatrixAnalysis) -> str:
    fit, leading = matrix.fit, matrix.leading
    entry = FINDINGS[matrix.kind]
    doubt = "?" if matrix.kind == Finding.MISFIT else ""
    theta = NOTHING
    if leading is not None:
        together = f" ×{leading.together}" if leading.together > 1 else ""
        range_text = f"{interval(leading.low, leading.high)}{together}"
        theta = f'{number(leading.theta)} <span style="{_NOTE}">{range_text}</span>'
    mark = f'<span style="color:{entry.neutral}" title="{matrix.kind}">{entry.sign}</span>'
    words = {0: mark, 1: _safe(matrix.name), 3: _picture(matrix, entry.neutral)}
    figures = {
        2: shape(matrix.shape),
        4: number(fit.sigma),
        5: number(fit.edge),
        6: f"{fit.rank}{doubt}",
        7: theta,
        8: fraction(fit.goodness.statistic),
        9: escape(p_value(fit.goodness.p_value)),
    }
    cells = "".join(
        f'<td style="{_CELL}text-align:{"left" if place in words else "right"};'
        f'white-space:{"normal" if place == 1 else "nowrap"}">{text}</td>'
        for place, text in sorted((words | figures).items())
    )
    return f"<tr>{cells}</tr>"


def _picture(matrix: MatrixAnalysis, colour: str) -> str:
    drawn = matrix.drawn
    if not drawn.noisy:
        return f'<span style="{_NOTE}">no noise</span>'
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
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{matrix.fit.rank} '
        f'spikes" style="vertical-align:middle"><path d="M0 {_HEIGHT}{steps}V{_HEIGHT}Z" '
        f'fill="{colour}" opacity=".45"/><path d="M{_EDGE} 0V{_HEIGHT}" stroke="currentColor" '
        f'opacity=".4"/><path d="{dots}" stroke="{colour}" stroke-width="5" '
        'stroke-linecap="round"/></svg>'
    )


def _legend(matrices: Sequence[MatrixAnalysis]) -> str:
    present = {matrix.kind for matrix in matrices}
    signs = " &nbsp; ".join(
        f'<span style="color:{entry.neutral}">{entry.sign}</span> {kind}'
        for kind, entry in FINDINGS.items()
        if kind in present
    )
    words = "spectrum: the bulk up to the edge, then a dot for each spike, on a logarithmic scale"
    return f'<p style="{_NOTE}">{signs} &nbsp; {words}</p>'


def _safe(text: str) -> str:
    return escape(visible(shortened(text, _LONGEST)))
