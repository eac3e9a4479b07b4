"""One spectrum against its fitted law."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pastur._checks import vector
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._format import level, number
from pastur._typing import ArrayLike
from pastur.analysis import Finding
from pastur.estimation import Fit
from pastur.estimation._curves import DrawnSpectrum
from pastur.figures._plots.ink import GREY, ink

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Heights that the intervals of θ take in turn.
_STEPS = 6


def plot_fit(
    fit: Fit,
    ax: Axes | None = None,
    *,
    singular_values: ArrayLike | None = None,
    eigenvalues: ArrayLike | None = None,
) -> Axes:
    """Draw a fitted law with its edge and its spikes, over the histogram of the observed values.

    The law's density ρ is drawn as 2sρ(s²) over singular values s (rectangular) or as ρ(λ) over
    eigenvalues λ (symmetric), scaled to the share of the values that are not spikes. Where noise
    and undetached signal end beyond the edge of the noise, both ends are drawn. Where no law is
    claimed there is neither curve nor edge. There, and where the law does not fit, spikes do not
    count: what stands out from the rest is marked, with the interval of its strength θ.

    Parameters
    ----------
    fit : RectangularFit or SymmetricFit
    ax : matplotlib.axes.Axes, optional
        Where to draw; default a new figure.
    singular_values : array_like, shape (min(n, m),), optional
        All observed ones, for the histogram of a rectangular fit; default no histogram.
    eigenvalues : array_like, shape (n,), optional
        The same for a symmetric fit.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidTypeError
        When `fit` is not the result of `fit_rectangular` or `fit_symmetric`.
    InvalidInputError
        When eigenvalues are given with a rectangular fit or singular values with a symmetric one.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.estimation import fit_rectangular
    >>> w = np.random.default_rng(0).normal(size=(60, 90))
    >>> ax = plot_fit(fit_rectangular(w), singular_values=np.linalg.svd(w, compute_uv=False))
    >>> ax.get_xlabel()
    'singular value'
    """
    spectrum = _drawn(fit, singular_values=singular_values, eigenvalues=eigenvalues)
    ax = ax if ax is not None else _new_axes()
    if spectrum.observed is not None:
        bars = spectrum.bars
        ax.bar(
            bars.bins[:-1],
            bars.density,
            np.diff(bars.bins),
            align="edge",
            color=ink(0.25),
            label=f"observed, {spectrum.observed.size} values",
        )
    if spectrum.noisy:
        ax.plot(*spectrum.law, color=ink(), linewidth=1.8, label=spectrum.law_name)
        _draw_edges(ax, "edge", spectrum.noise_interval, "--")
    if spectrum.wider:
        _draw_edges(ax, "noise and weak signal", spectrum.bulk_interval, ":")
    if len(spectrum.marked):
        _draw_marks(ax, spectrum)
    ax.set_xlabel(spectrum.word)
    ax.set_ylabel("density")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    return ax


def _drawn(fit: Fit, **given: ArrayLike | None) -> DrawnSpectrum:
    if not isinstance(fit, Fit):
        raise InvalidTypeError(
            "plot_fit draws the result of `fit_rectangular` or `fit_symmetric`. "
            f"Got a {type(fit).__name__}."
        )
    right = DrawnSpectrum(fit).keyword
    for name, values in given.items():
        if name != right and values is not None:
            raise InvalidInputError(
                f"A {type(fit).__name__} is drawn over `{right}`. Got `{name}`."
            )
    values = given[right]
    return DrawnSpectrum(fit, None if values is None else vector(right, values))


def _new_axes() -> Any:
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def _draw_edges(ax: Axes, name: str, ends: tuple[float, float], style: str) -> None:
    low, high = ends
    drawn: dict[str, Any] = {"color": GREY, "linestyle": style, "linewidth": 1.2}
    ax.axvline(high, label=f"{name}, {number(high)}", **drawn)
    if low < 0:
        ax.axvline(low, **drawn)


def _draw_marks(ax: Axes, spectrum: DrawnSpectrum) -> None:
    # On stems of one height: a spike is one value, its bar may be too low to see.
    fit, observed = spectrum.fit, spectrum.spikes
    finding = Finding.of(fit)
    height = 0.08 * ax.get_ylim()[1]
    name = f"standing out, {observed.size}"
    if spectrum.counted:
        name = f"spikes, {fit.rank}{'' if fit.goodness.fits else f' ({finding})'}"
    ax.vlines(observed, 0, height, color=finding.colour, linewidth=1)
    ax.plot(
        observed,
        np.full(observed.size, height),
        linestyle="none",
        marker=finding.marker,
        color=finding.colour,
        fillstyle="full" if finding.filled else "none",
        label=name,
    )
    if not spectrum.counted:
        _draw_strengths(ax, spectrum, height, finding.colour)


def _draw_strengths(ax: Axes, spectrum: DrawnSpectrum, height: float, colour: str) -> None:
    """Draw the intervals of θ, each a step higher than the last: neighbours overlap."""
    rows = spectrum.marked
    heights = height * (1.5 + 0.5 * (np.arange(len(rows)) % _STEPS))
    # An open interval runs to the end of the picture.
    left, right = ax.get_xlim()
    ends = [np.nan_to_num(rows[name], posinf=right, neginf=left) for name in ("low", "high")]
    name = f"strength θ, interval of {level(spectrum.fit.alpha)}"
    ax.hlines(heights, *ends, color=colour, linewidth=2, alpha=0.6, label=name)
    ax.plot(rows["theta"], heights, linestyle="none", marker="|", markersize=9, color=colour)
