"""A scree plot: values in order, and the strengths behind those that count, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pastur._checks import vector
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._format import level, number
from pastur._typing import AnyArray, ArrayLike, FloatArray
from pastur.estimation import RectangularFit
from pastur.estimation._curves import DrawnSpectrum
from pastur.figures._plots.ink import GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# So many values are drawn at least, and twice as many as are marked.
_LEAST = 30
# Values that spread more are drawn over their logarithm.
_WIDE = 10.0
# Ticks of the axis of places.
_TICKS = 10
# Seen on white and on black.
_BLUE, _ORANGE = "#3f7be0", "#dd6b20"
# From the observed value to its strength, in steps of one value.
_SHIFT = 0.25


@dataclass(frozen=True, eq=False)
class _Scree:
    """What is drawn: singular values, or the variances that they are in data.

    `variance_of` is the number of degrees of freedom of the data, None for a matrix.
    """

    spectrum: DrawnSpectrum
    variance_of: int | None

    @property
    def word(self) -> str:
        if self.variance_of is None:
            return self.spectrum.word
        scaled = " (data scaled to one variance)" if self.spectrum.scaled else ""
        return f"variance along the component{scaled}"

    @property
    def place(self) -> str:
        which = "singular value" if self.variance_of is None else "component"
        return f"number of the {which}, from the largest on"

    @property
    def rows(self) -> AnyArray:
        """The spikes in the units of the values, or what stands out if none count."""
        profile = self.spectrum.fit.profile
        if profile is not None and self.spectrum.scaled:
            return profile.spikes
        return self.spectrum.marked

    def drawn(self, values: Any) -> FloatArray:
        """Return singular values as they are drawn."""
        if self.variance_of is None:
            return np.asarray(values, dtype=np.float64)
        return np.asarray(values, dtype=np.float64) ** 2 / self.variance_of


def plot_scree(
    source: Any, ax: Axes | None = None, *, singular_values: ArrayLike | None = None
) -> Axes:
    """Draw values in order, the edge of the noise, and the strengths of spikes with intervals.

    Next to each observed value that counts is the strength of the spike behind it, without what
    the noise adds, with its interval. Of an estimator all are variances, s²/(n − 1); of a fit,
    singular values. Where no law is claimed there is no edge, and what stands out from the rest is
    marked. With a profile all are those of the data, or the matrix, scaled to one variance.

    Parameters
    ----------
    source : RectangularFit, SpikedPCA or SpikedCovariance
        A fit, or a fitted estimator.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default a new figure.
    singular_values : array_like, shape (min(n, m),), optional
        All observed ones, for a fit without a profile; an estimator has them.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidTypeError
        When `source` is neither.
    InvalidInputError
        When the values are missing, or their number is not that of the fit.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.estimation import fit_rectangular
    >>> w = np.random.default_rng(0).normal(size=(60, 90)) + 0.4
    >>> ax = plot_scree(fit_rectangular(w), singular_values=np.linalg.svd(w, compute_uv=False))
    >>> ax.get_ylabel()
    'singular value'
    """
    scree = _checked(source, singular_values)
    observed = scree.spectrum.observed
    assert observed is not None
    values = np.sort(observed)[::-1]
    values = scree.drawn(values[values > 0])
    rows = scree.rows
    shown = min(max(_LEAST, 2 * len(rows)), values.size)
    ax = ax if ax is not None else _new_axes()
    place = np.arange(1, shown + 1)
    name = f"observed, {shown} of {values.size}" if shown < values.size else "observed"
    ax.plot(place, values[:shown], "o-", color=GREY, markersize=4, linewidth=0.8, label=name)
    if scree.spectrum.noisy:
        edge = float(scree.drawn(scree.spectrum.fit.edge))
        text = f"edge of the noise, {number(edge)}"
        ax.axhline(edge, color=_ORANGE, linestyle="--", linewidth=1.2, label=text)
    if values[0] > _WIDE * values[shown - 1]:
        _plain_log(ax)
    if len(rows):
        _draw_strengths(ax, scree, rows)
    ax.set_xlabel(scree.place)
    ax.set_ylabel(scree.word)
    ax.set_xlim(0, shown + 1)
    ax.set_xticks(_places(shown))
    ax.legend(frameon=False)
    return ax


def _places(shown: int) -> list[int]:
    """Return the places that have a tick: the first, and multiples of a round number."""
    powers = (digit * 10**power for power in range(7) for digit in (1, 2, 5))
    step = next(step for step in powers if shown <= _TICKS * step)
    return sorted({1, *range(step, shown + 1, step)})


def _plain_log(ax: Axes) -> None:
    """Draw over the logarithm, with numbers written as they are."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _checked(source: Any, given: ArrayLike | None) -> _Scree:
    fit, own = getattr(source, "fit_", source), getattr(source, "spectrum_", None)
    if not isinstance(fit, RectangularFit):
        raise InvalidTypeError(
            "plot_scree draws the result of `fit_rectangular`, or a fitted SpikedPCA or "
            f"SpikedCovariance. Got a {type(source).__name__}; the eigenvalues of a symmetric "
            "matrix are drawn by `plot_fit`."
        )
    values = own if given is None else vector("singular_values", given)
    if values is None and fit.profile is not None:
        values = fit.profile.values
    if values is None:
        raise InvalidInputError(
            "A fit does not keep the spectrum: `singular_values` must be given, "
            "`np.linalg.svd(W, compute_uv=False)`."
        )
    if given is not None and values.size != min(fit.shape):
        raise InvalidInputError(
            f"`singular_values` must be all {min(fit.shape)} of the fitted matrix. "
            f"Got {values.size}."
        )
    return _Scree(DrawnSpectrum(fit, values), None if own is None else fit.shape[0])


def _new_axes() -> Any:
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def _draw_strengths(ax: Axes, scree: _Scree, rows: AnyArray) -> None:
    order = np.argsort(-rows["observed"], kind="stable")
    place = np.empty(len(rows))
    place[order] = np.arange(1, len(rows) + 1)
    theta, low, high = (scree.drawn(rows[name]) for name in ("theta", "low", "high"))
    bottom, top = ax.get_ylim()
    # An open interval runs to the end of the picture.
    low = np.where(low > 0, low, bottom)
    high = np.where(np.isfinite(high), high, top)
    word = "strength without noise" if scree.spectrum.counted else "strength against the rest"
    ax.vlines(place + _SHIFT, low, high, color=_BLUE, linewidth=2)
    ax.plot(
        place + _SHIFT,
        theta,
        linestyle="none",
        marker="D",
        markersize=5,
        color=_BLUE,
        label=f"{word}, {len(rows)}, interval of {level(scree.spectrum.fit.alpha)}",
    )
