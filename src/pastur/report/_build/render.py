"""The page on an analysis."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any, NamedTuple

from pastur._errors import InternalError, PasturError
from pastur._format import p_value
from pastur.analysis import Analysis, Finding, MatrixAnalysis
from pastur.analysis._matrix.finding import FINDINGS
from pastur.analysis._result.places import has_groups
from pastur.report._build import page_text
from pastur.report._build.chart_data import residual, script_safe, spectrum
from pastur.report._build.layers import Layer, other_columns, layer
from pastur.report._build.model_map import model_map
from pastur.report._build.overview import Scale
from pastur.report._build.page import markup, own_script, page, script

# How many matrices the findings name.
_FOREMOST = 3
_COLUMNS = (
    ("rank", "Spikes", "Singular values beyond the noise"),
    ("out", "Stand out", "Directions that stand out from the rest, whatever its law"),
    ("suggested", "Rank", "Directions with signal, with their interval; where no law holds, at "
     "least those that stand out"),
    ("theta", "Strongest θ", "Strength of the strongest spike before noise, with its interval; "
     "where spikes do not count, of the first direction that stands out, against the rest"),
    ("keeps", "Keeps", "Share of the sum of squares in as many leading directions as the rank"),
    ("sigma", "σ", "Noise level: standard deviation of an entry of noise times √(longer side)"),
    ("edge", "Edge", "Largest singular value that the noise reaches"),
    ("white", "White ≤", "The most of the sum of squares that is white noise"),
    ("stable_rank", "Stable rank", "Sum of squares over the largest square"),
    ("alpha", "α", "Exponent of the power law nearest to the tail; not a test for signal"),
    ("p", "p", "Chance that pure noise deviates from the law as much, and the distance D of the "
     "bulk from the law"),
)


def render(analysis: Analysis) -> str:
    """Return the whole page."""
    drawn, skipped = _drawn(analysis)
    layers = [one.layer for one in drawn]
    counts = Counter(one.kind for one in layers)
    return page(
        "report.html",
        [own_script("report.js"), script(_plotly())],
        source=analysis.source,
        versions=analysis.versions,
        analysis=analysis,
        layers=layers,
        skipped=skipped,
        lawless=any(not one.picture.counted for one in layers),
        counts=counts,
        chips=[(kind.label, FINDINGS[kind].key, counts[kind]) for kind in Finding],
        sentences=analysis.findings(),
        next_step=analysis.next_step(),
        grouped=has_groups([one.matrix.name for one in drawn]),
        map=model_map([(one.layer.number, one.matrix) for one in drawn]),
        foremost=_foremost(layers),
        columns=_columns(analysis, layers),
        marks=Scale.of(analysis.matrices).marks(),
        strongest=_strongest(layers),
        data=markup(
            script_safe(
                {
                    "layers": [one.spectrum for one in drawn],
                    # What stands for a p-value that is left empty.
                    "tiny": p_value(0.0),
                    "initial": [residual(comparison) for comparison in analysis.initial],
                }
            )
        ),
    )


class _Drawn(NamedTuple):
    matrix: MatrixAnalysis
    layer: Layer
    spectrum: dict[str, Any]


class _NotDrawn(NamedTuple):
    name: str
    shape: tuple[int, int]
    dtype: str
    reason: str


def _drawn(analysis: Analysis) -> tuple[list[_Drawn], list[Any]]:
    """Return the matrices as the page shows them, and what it lists as skipped.

    A matrix that cannot be drawn, by a fault of ours, costs neither the others nor the page.
    """
    scale, drawn = Scale.of(analysis.matrices), list[_Drawn]()
    skipped: list[Any] = list(analysis.skipped)
    for matrix in analysis.matrices:
        try:
            shown = layer(matrix, len(drawn) + 1, scale)
            drawn.append(_Drawn(matrix, shown, spectrum(matrix)))
        except Exception as error:
            why = error if isinstance(error, PasturError) else InternalError.of(error)
            reason = f"analysed, but not drawn: {why}"
            skipped.append(_NotDrawn(matrix.name, matrix.shape, matrix.dtype, reason))
    return drawn, skipped


def _columns(analysis: Analysis, layers: list[Layer]) -> list[tuple[str, str, str]]:
    """Return the columns that say something; other estimators' counts stand next to our own.

    What stands out has a column only where the spikes of some matrix do not count.
    """
    place = 1 + next(i for i, (key, *_) in enumerate(_COLUMNS) if key == "rank")
    columns = [*_COLUMNS[:place], *other_columns(analysis.matrices), *_COLUMNS[place:]]
    counted = all(one.picture.counted for one in layers)
    return [
        (key, label, meaning)
        for key, label, meaning in columns
        if any(one.cells[key].text != page_text.NOTHING for one in layers)
        and not (counted and key in ("out", "white"))
    ]


def _strongest(layers: list[Layer]) -> Layer | None:
    """Return the layer with the strongest spike among those whose spikes count."""
    sound = [one for one in layers if one.kind == Finding.SIGNAL and one.picture.marks]
    return max(sound, key=lambda one: one.cells["theta"].order or 0.0, default=None)


def _foremost(layers: list[Layer]) -> list[Layer]:
    """Return the layers with the most directions; none where all have equally many."""
    ranks = {one.number: one.cells["suggested"].order or 0 for one in layers}
    if len(layers) <= _FOREMOST or len(set(ranks.values())) < 2:
        return []
    order = sorted(layers, key=lambda one: -ranks[one.number])
    return [one for one in order[:_FOREMOST] if ranks[one.number]]


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())
