"""A measure as a notebook shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from pastur._errors import PasturError
from pastur._format import number, span
from pastur._html import Picture, block, facts, note
from pastur._typing import FloatArray
from pastur.measures._contract.curve import density_curve

if TYPE_CHECKING:
    from pastur.measures._contract.measure import Measure

_MOST_LISTED, _MOST_STEMS, _MOST_INTERVALS, _POINTS = 4, 200, 200, 121
# The share of an unbounded law that is left out at each end.
_TAIL = 1e-4


def measure_html(measure: Measure) -> str:
    """Return what a measure is, where it lies, and its picture."""
    try:
        parts = [_picture(measure).svg() if _drawn(measure) else "", facts(_facts(measure))]
    except PasturError as error:
        parts = [note(str(error))]
    return block(repr(measure), *parts)


def _drawn(measure: Measure) -> bool:
    """Return whether there is a picture: not of many intervals, nor of an unbounded signed one."""
    few = len(measure.support) - len(measure.atoms) <= _MOST_INTERVALS
    return few and (bool(np.isfinite(measure.support).all()) or hasattr(measure, "quantile"))


def _picture(measure: Measure) -> Picture:
    """Return the picture of density and atoms."""
    x, y = _density(measure)
    atoms = measure.atoms
    places = np.concatenate([x[np.isfinite(x)], atoms[:, 0]])
    low, high = float(places.min()), float(places.max())
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
    bars, stems = None, [(float(place), float(mass)) for place, mass in atoms]
    if len(stems) > _MOST_STEMS:
        counts, limits = np.histogram(atoms[:, 0], 40, weights=atoms[:, 1])
        bars, stems = (limits, counts / np.diff(limits)), []
    return Picture(
        f"Density and atoms from {low:.3g} to {high:.3g}",
        (low - margin, high + margin),
        curve=(x, y),
        bars=bars,
        stems=stems,
    )


def _density(measure: Measure) -> tuple[FloatArray, FloatArray]:
    support = measure.support
    if np.isfinite(support).all():
        return density_curve(measure)
    quantile: Callable[[float], float] = getattr(measure, "quantile")  # noqa: B009
    x = np.linspace(quantile(_TAIL), quantile(1 - _TAIL), _POINTS)
    return x, np.asarray(measure.density(x))


def _facts(measure: Measure) -> list[tuple[str, str]]:
    support, atoms = measure.support, measure.atoms
    wide = support[support[:, 1] > support[:, 0]]
    spans = [span(low, high) for low, high in wide[:_MOST_LISTED]]
    points = [f"{number(place)} (mass {number(mass)})" for place, mass in atoms[:_MOST_LISTED]]
    found = [("density on", _listed(spans, len(wide))), ("atoms", _listed(points, len(atoms)))]
    return [("mass", number(measure.mass)), *((name, text) for name, text in found if text)]


def _listed(texts: list[str], total: int) -> str:
    """Return the first few, and how many there are."""
    return "; ".join(texts) + (f"; … {total} in all" if total > len(texts) else "")
