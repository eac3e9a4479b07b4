"""A fit as a notebook shows it: the picture, the figures, and what they rest on."""

from collections.abc import Iterator

import numpy as np

from pastur._format import NOTHING, interval, level, number, p_equals, percent, span
from pastur._html import Picture, block, facts, note, paragraph, table
from pastur._typing import AnyArray
from pastur.estimation._curves import DrawnSpectrum
from pastur.estimation._result.fit import Fit

_MOST = 8
# Marks farther off stand at the end of the axis.
_WIDEST = 3.0


def fit_html(fit: Fit) -> str:
    """Return the piece for a fit, which has no values but those of its spikes."""
    return spectrum_html(repr(fit), DrawnSpectrum(fit))


def spectrum_html(title: str, drawn: DrawnSpectrum, summary: str = "") -> str:
    """Return the piece for a fit and, where they are known, the values behind it.

    Parameters
    ----------
    title : str
        Foreign or not.
    drawn : DrawnSpectrum
    summary : str
        The finding in sentences. Default: the reason for the verdict.
    """
    fit = drawn.fit
    return block(
        title,
        paragraph(summary or fit.goodness.reason),
        _picture(drawn).svg(),
        facts(_facts(drawn)),
        _marked(drawn),
        note(str(fit.noise)),
        "" if fit.status.converged else paragraph(f"Not converged: {fit.status.message}"),
    )


def _facts(drawn: DrawnSpectrum) -> Iterator[tuple[str, str]]:
    fit = drawn.fit
    scaled = " of the matrix scaled to one variance" if fit.profile is not None else ""
    if fit.partial is not None:
        yield "known one by one", f"the {fit.partial.known} largest, and a sample of the others"
    p = fit.goodness.p_value
    yield "verdict", f"{fit.goodness.verdict}{'' if p is None else f', {p_equals(p)}'}"
    if fit.sigma is not None:
        ends = f" ({span(*fit.sigma_interval)})" if fit.sigma else ""
        yield f"σ{scaled}", f"{number(fit.sigma)}{ends}"
        yield "edge of the noise", number(fit.edge)
        yield "spikes", f"{fit.rank}{'' if fit.goodness.fits else ', which do not count'}"
        low, high = fit.signal_rank_interval
        yield "directions with signal", f"{fit.signal_rank:.3g} ({low:.3g} to {high:.3g})"
    yield "directions that stand out", str(len(fit.standing_out))
    if fit.white_share is not None and fit.sigma != 0.0:
        yield "white noise at most", f"{percent(fit.white_share)} of the energy"


def _marked(drawn: DrawnSpectrum) -> str:
    """Return the table of the spikes, or of what stands out where none count."""
    fit, rows = drawn.fit, drawn.marked[:_MOST]
    if not len(drawn.marked):
        return ""
    named = "spike" if drawn.counted else "against the rest"
    heads = ("observed", f"strength θ, {named}", f"{level(fit.alpha)} interval")
    cells = [
        (number(row["observed"]), number(row["theta"]), _ends(row, drawn.marked)) for row in rows
    ]
    more = len(drawn.marked) - _MOST
    return table(heads, cells, ()) + note(f"and {more} more" if more > 0 else "")


def _ends(row: AnyArray, rows: AnyArray) -> str:
    """Return the interval of a strength; spikes of a group have one, of their mean strength."""
    low, high = float(row["low"]), float(row["high"])
    together = int(np.sum(rows["group"] == row["group"]))
    shared = (
        f", {together} together" if together > 1 and "p_value" in (rows.dtype.names or ()) else ""
    )
    return f"{interval(low, high)}{shared}" if np.isfinite(low) else NOTHING


def _picture(drawn: DrawnSpectrum) -> Picture:
    bars = None if drawn.observed is None else drawn.bars
    x, y = drawn.law
    edges = drawn.bulk_interval if drawn.noisy else ()
    sides = drawn.fit.kind.sides
    places = np.concatenate([x[np.isfinite(x)], drawn.spikes, edges])
    if bars is not None:
        places = np.concatenate([places, bars.bins])
    most = float(np.abs(places).max(initial=0.0))
    end = _bulk_end(drawn)
    reach = 1.05 * (most if end == 0.0 else min(most, _WIDEST * end))
    return Picture(
        f"Spectrum: {len(drawn.spikes)} beyond the bulk",
        (-reach if sides == 2 else 0.0, reach),
        curve=(x, y),
        bars=None if bars is None else (bars.bins, bars.density),
        edges=edges if sides == 2 else edges[1:],
        marks=drawn.spikes.tolist(),
    )


def _bulk_end(drawn: DrawnSpectrum) -> float:
    known = drawn.noisy or drawn.observed is not None
    return float(drawn.bulk_end) if known else 0.0
