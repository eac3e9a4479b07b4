"""Fitting tables of counts: Poisson noise, brought to one variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pastur._checks import matrix
from pastur._errors import InvalidInputError
from pastur._format import count, fraction
from pastur._html import block, paragraph
from pastur._typing import AnyArray, ArrayLike, FloatArray
from pastur.estimation._notebook import fit_html
from pastur.estimation.biwhitening import Biwhitened, biwhiten
from pastur.estimation.rectangular import RectangularFit, fit_rectangular

# Rows and columns with counts in fewer places have no variance to speak of.
_FEWEST = 3
_LEAST_SIDE = 2


@dataclass(frozen=True, eq=False, repr=False)
class CountFit:
    """Noise and signal of a table of counts.

    Attributes
    ----------
    fit : RectangularFit
        Of the scaled table: its noise level is 1 for Poisson counts, whatever the rates are.
    scaled : Biwhitened
        The table that was fitted, with the scales of its rows and columns.
    rows, columns : array of bool
        Which rows and columns were kept: those with counts in three places or more.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.estimation import fit_counts
    >>> counts = np.random.default_rng(0).poisson(3.0, size=(80, 120))
    >>> round(fit_counts(counts).dispersion, 1)
    1.0
    """

    fit: RectangularFit
    scaled: Biwhitened
    rows: AnyArray
    columns: AnyArray

    @property
    def rank(self) -> int:
        """Number of components: directions of the rates that stand out from the noise.

        The first is mostly that of the totals of rows and columns.
        """
        return int(self.fit.rank)

    @property
    def dispersion(self) -> float:
        """Variance of the noise over that of Poisson counts, σ²."""
        return float(self.fit.sigma**2)

    @property
    def remark(self) -> str:
        """What contradicts Poisson noise, in a sentence; empty where nothing does."""
        low, high = self.fit.sigma_interval
        # Where signal may lie within the noise, σ has no lower end; what is more than it is noise.
        low = low or float(self.fit.sigma**2 / high)
        if low > 1 or high < 1:
            size = fraction(self.dispersion)
            word = "more" if low > 1 else "less"
            return (
                f"The counts vary {word} than Poisson counts: {size} times their variance. "
                "Components may be such noise; `biwhiten` takes other variances."
            )
        if not self.fit.goodness.fits:
            return self.fit.goodness.reason
        return ""

    def denoise(self) -> FloatArray:
        """Return the rates behind the counts, not negative; NaN in what was left out."""
        rates = np.full((self.rows.size, self.columns.size), np.nan)
        signal = self.scaled.restore(self.fit.denoise(self.scaled.matrix))
        rates[np.ix_(self.rows, self.columns)] = np.maximum(signal, 0.0)
        return rates

    def _repr_html_(self) -> str:
        return block(repr(self), paragraph(self.remark), fit_html(self.fit))

    def __repr__(self) -> str:
        n, m = self.rows.size, self.columns.size
        kept = f"{np.count_nonzero(self.rows)} × {np.count_nonzero(self.columns)}"
        return (
            f"CountFit({n} × {m}, kept {kept}, rank={self.rank}, "
            f"dispersion={self.dispersion:.3g}, {str(self.fit.goodness.verdict)!r})"
        )


def fit_counts(Y: ArrayLike, *, alpha: float = 0.05) -> CountFit:
    """Separate the rates behind a table of counts from their Poisson noise.

    A count has the variance of its rate, of which it is itself an unbiased estimate: rows and
    columns are scaled with the counts as variances (`biwhiten`), after which the noise has one
    variance, and σ is 1. The fit of the scaled table has the number of components; denoised and
    scaled back, it has the rates.

    Parameters
    ----------
    Y : array_like or sparse matrix, shape (n, m)
        Counts as they were made: integers, not normalised, not logarithms. A sparse matrix is
        expanded, to 8 bytes an entry.
    alpha : float, between 0 and 1
        Probability that pure noise gives a component. Default 0.05.

    Returns
    -------
    CountFit

    Raises
    ------
    InvalidInputError
        Where entries are negative or no integers, or too few rows and columns have counts.

    References
    ----------
    B. Landa, T. T. C. K. Zhang, Y. Kluger, SIAM J. Math. Data Sci. 4 (2022).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rates = rng.gamma(1, size=(200, 3)) @ rng.gamma(1, size=(3, 400)) / 3
    >>> found = fit_counts(rng.poisson(rates))
    >>> found.rank, round(found.dispersion, 1)
    (3, 1.0)
    >>> raw = np.linalg.norm(rng.poisson(rates) - rates)
    >>> bool(np.linalg.norm(found.denoise() - rates) < raw / 4)
    True
    """
    y = matrix("Y", Y)
    if (y < 0).any() or (y != np.rint(y)).any():
        wrong = y[(y < 0) | (y != np.rint(y))][0]
        raise InvalidInputError(
            f"`Y` must hold counts, integers that are not negative. Got {wrong:g}: normalised "
            "counts and logarithms have another noise; give the counts themselves."
        )
    rows, columns = _kept(y)
    inner = y[np.ix_(rows, columns)]
    scaled = biwhiten(inner, variances=inner)
    return CountFit(fit_rectangular(scaled.matrix, alpha=alpha), scaled, rows, columns)


def _kept(y: FloatArray) -> tuple[AnyArray, AnyArray]:
    """Return the rows and columns with counts in enough places, of those that are kept."""
    filled = y > 0
    rows, columns = np.ones(y.shape[0], dtype=bool), np.ones(y.shape[1], dtype=bool)
    while True:
        enough = filled[:, columns].sum(axis=1) >= _FEWEST, filled[rows].sum(axis=0) >= _FEWEST
        if np.array_equal(rows & enough[0], rows) and np.array_equal(columns & enough[1], columns):
            break
        rows, columns = rows & enough[0], columns & enough[1]
    left = int(np.count_nonzero(rows)), int(np.count_nonzero(columns))
    if min(left) < _LEAST_SIDE:
        raise InvalidInputError(
            f"Too few rows and columns of `Y` have counts in {_FEWEST} places or more: "
            f"{count(left[0], 'row', 'rows')} and "
            f"{count(left[1], 'column', 'columns')}."
        )
    return rows, columns
