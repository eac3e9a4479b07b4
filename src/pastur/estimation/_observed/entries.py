"""What the entries of a matrix show about its noise: correlations, uneven rows, huge entries.

The spectrum alone cannot distinguish such noise from signal. The null hypothesis is that of the
fits: noise of independent entries of one variance and finite fourth moment, and a signal in no
special direction, of any rank.
"""

from dataclasses import dataclass, replace

import numpy as np

from pastur._format import fraction, number, p_equals, percent
from pastur._numerics.entry_sums import (
    ClippedSquares,
    clipped_squares,
    largest_magnitudes,
    places_beyond,
)
from pastur._numerics.scaling import divided, safe_exponent
from pastur._typing import AnyArray, FloatArray
from pastur.estimation._observed.copies import copies
from pastur.estimation._observed.neighbours import Agreement, Neighbours, neighbours
from pastur.estimation._result.goodness import LEAST_BULK
from pastur.estimation._result.verdict import Verdict

# Entries beyond so many standard deviations count as that many in sums of squares.
_CLIP = 5.0
# The noise edge is universal for finite fourth moments only: tails lighter than |x|^(−4).
_LEAST_TAIL_INDEX = 4.0
# The tail index is that of the largest thousandth of the entries, in these limits.
_TAIL_SHARE, _FEWEST, _MOST = 1e-3, 60, 500
# A tail is heavy where its index is so many standard deviations below 4; half with a huge entry.
_SURE = 2.0
# Chance below which an entry is not part of the tail of the others, and a row not of the rest.
_REJECTION = 1e-3
# A rank-one signal makes squares of loadings of kurtosis 12; so far the spread of row sums can be
# off by chance, in its standard deviations. Real signals prefer some rows and columns: up to four
# times the spread is left to them, if no single row stands out.
_KURTOSIS, _SPREAD_LIMIT, _LEAST_SPREAD = 12.0, 6.0, 4.0
_MOST_NAMED = 20
# Rows whose sums of squares are so close to each other do not differ, whatever the null hypothesis
# leaves to chance: nothing, in an orthogonal matrix.
_ALIKE = 0.02
# Share of the variance of such sums from which on the spectrum shapes their tail.
_ROTATED = 1e-3
# Correlations of neighbours matter from this shift of the noise's edge on, over its fluctuation.
_LEAST_SHIFT = 0.05
# Variances that neighbours have in common matter from this covariance on, relative to their mean,
# so many standard deviations from 0.
_LEAST_VARIANCE, _SURE_VARIANCE = 0.1, 5.0
# Copies matter from this share of all rows on, or where one group of them makes a spike.
_COPIED = 0.01
# Standard deviations from which on the spread of the variances of rows or columns is not chance.
DIFFERING = 3.5
_TINY = 1e-300
# Against the largest entry: less is what rounding leaves of zero.
_ROUNDING = 2.0**-49


@dataclass(frozen=True)
class EntryDiagnosis:
    """What is wrong with the entries, if anything.

    Attributes
    ----------
    verdict : Verdict or None
        ``CORRELATED``, ``UNEVEN``, ``HEAVY_TAIL`` or ``OUTLIERS``.
    reason : str
        One or two sentences with the figures; empty without verdict.
    entries : tuple of pairs of ints
        Row and column of each outlier, the largest first, 20 at most.
    separable : bool
        Whether the variances may be products of one for the row and one for the column.
    differing : float
        By how many standard deviations the spread of the row or column variances is more than that
        of noise of one variance and a signal in no special direction.
    cumulant : float
        Fourth cumulant of the entries, of those beyond five standard deviations counted as five.
    excess : float
        Fourth cumulant of the entries as they are: that of the noise moves its edge.
    """

    verdict: Verdict | None = None
    reason: str = ""
    entries: tuple[tuple[int, int], ...] = ()
    separable: bool = True
    differing: float = 0.0
    cumulant: float = 0.0
    excess: float = 0.0


def diagnose_entries(w: AnyArray, values: FloatArray, *, sides: bool = True) -> EntryDiagnosis:
    """Return what is wrong with the entries of `w` as noise plus signal.

    Parameters
    ----------
    w : array of float64 or float32, shape (n, m)
    values : array
        Its singular values, or eigenvalues if it is symmetric.
    sides : bool
        Whether its rows and columns are compared; not where they were scaled to be equal.

    Notes
    -----
    A single entry x acts like a spike θ = |x|, and makes an outlier beyond the critical
    ``c^(1/4)σ``. Such entries are outliers where the tail of the others does not reach so far: with
    Hill's index a of the k largest others, the least of which is x_k, the chance of x is about
    ``k (|x|/x_k)^(−a)``. An index below 4 is a heavy tail.

    Of a matrix that is the same in law in any bases, the row sums of squares have the mean
    ``Σs²/n`` and the variance ``2(Σs⁴ − (Σs²)²/n)/(n(n + 2))``; a fourth cumulant κ₄ of the entries
    adds ``κ₄ (mean square)² m``. Their spread is compared with that, and the largest with the tail
    of ``Σ s²u²``, u² being squares of Gaussians, by Chernoff's bound.
    """
    if min(w.shape) < LEAST_BULK:
        return EntryDiagnosis()
    # So that fourth powers neither overflow nor vanish.
    exponent = safe_exponent(float(np.abs(values).max()))
    w, values = divided(w, exponent), divided(values, exponent)
    guess = float(values @ values) / w.size
    # Rows and columns of zeros are left out of the spectrum as well.
    clipped = clipped_squares(w, _CLIP**2, guess=guess, steps=5)
    shape = clipped.rows.size, clipped.columns.size
    if min(shape) < LEAST_BULK:
        return EntryDiagnosis()
    cumulant = _cumulant(clipped)
    compared = _sides(clipped, values, cumulant) if sides else []
    found = (
        _copied(w, float(np.abs(values).max()))
        or _of_neighbours(neighbours(w), _uneven_sides(compared))
        or _huge_entries(w, clipped.mean**0.5, shape, exponent)
        or EntryDiagnosis()
    )
    differing = max((side.excess for side in compared), default=0.0)
    return replace(found, differing=differing, cumulant=cumulant, excess=clipped.excess)


def _cumulant(clipped: ClippedSquares) -> float:
    size = clipped.rows.size * clipped.columns.size
    return float(size * clipped.of_squares / float(clipped.of_rows.sum()) ** 2 - 3)


def _copied(w: AnyArray, unit: float) -> EntryDiagnosis | None:
    for name, lines in (("row", w), ("column", w.T)):
        found, (n, m) = copies(lines, unit), lines.shape
        # Noise in g equal rows is a direction of g times its variance: a spike beyond 1 + √(n/m).
        if found.repeated > _COPIED * n or found.largest - 1 > (n / m) ** 0.5:
            reason = (
                f"{found.repeated} of {n} {name}s repeat others up to a factor, {name}s "
                f"{found.example[0]} and {found.example[1]} for example. Independent noise does "
                "not."
            )
            return EntryDiagnosis(Verdict.CORRELATED, reason)
    return None


def _of_neighbours(found: Neighbours, uneven: EntryDiagnosis | None) -> EntryDiagnosis | None:
    """Return what neighbours show, and `uneven`, what the sums of squares of rows show."""
    if found.chance < _REJECTION and found.edge_shift > _LEAST_SHIFT:
        reason = (
            f"Neighbouring entries are correlated: {_correlation(found.rows)} from one row to the "
            f"next, {_correlation(found.columns)} from one column to the next, with the leading "
            "directions taken out. Neither independent noise nor a signal in no special direction "
            f"explains that ({p_equals(found.chance)})."
        )
        return EntryDiagnosis(Verdict.CORRELATED, reason)
    most = max(found.variances_of_rows, found.variances_of_columns, key=lambda one: one.mean)
    if most.mean < _LEAST_VARIANCE or most.deviations < _SURE_VARIANCE:
        return uneven
    local = (
        "The variances of the entries are not products of one for the row and one for the column: "
        f"over such products they vary by {percent(most.mean**0.5)}, and neighbours have that in "
        "common. Scaling rows and columns, as `biwhiten` does, does not make them equal."
    )
    reason = f"{uneven.reason} {local}" if uneven else local
    return EntryDiagnosis(Verdict.UNEVEN, reason, separable=False)


def _correlation(found: Agreement) -> str:
    return f"{fraction(found.mean)} ± {fraction(found.error)}"


def _huge_entries(
    w: AnyArray, scale: float, shape: tuple[int, int], exponent: int
) -> EntryDiagnosis | None:
    n, m = shape
    # Of a symmetric matrix every entry off the diagonal stands for two.
    critical = scale * (n * m) ** 0.25
    huge = places_beyond(w, critical)
    count = max(int(np.clip(_TAIL_SHARE * n * m, _FEWEST, _MOST)), 2 * huge.size)
    if n * m <= 10 * count:
        return None
    top = largest_magnitudes(w, count + 1)
    least, most = float(top[0]), float(top[count - huge.size])
    if least <= _ROUNDING * top[-1]:
        return None
    # Hill's index, the huge ones counted as no larger than the largest other, so that a few that
    # do not belong to the tail do not make it look heavy. Equal sizes, as of signs, end at once.
    fall = float(np.log(np.minimum(top[1:], most) / least).sum())
    index = (count - huge.size) / max(fall, 1e-9)
    if index * (1 + (_SURE if not huge.size else _SURE / 2) / count**0.5) < _LEAST_TAIL_INDEX:
        shown = huge if huge.size else places_beyond(w, np.nextafter(top[-1], 0.0))[:1]
        reason = (
            f"The entries have a heavy tail: the largest {count} fall off with the index "
            f"{index:.1f}, and below 4 the edge of the noise has no limit. "
            f"{_largest(w, shown, scale, exponent)}"
        )
        return EntryDiagnosis(Verdict.HEAVY_TAIL, reason, _places(w, huge))
    # Whether they belong is asked of the tail of the others alone.
    others = top[1 : 1 + count - huge.size]
    steepness = others.size / max(float(np.log(others / least).sum()), 1e-9)
    chance = count * (np.abs(w.ravel()[huge]) / least) ** -steepness
    outliers = huge[chance < _REJECTION]
    if not outliers.size:
        return None
    reason = (
        f"{_largest(w, outliers, scale, exponent)} Each acts like a spike of its size, in one row "
        "and one column. Look at them, or set them aside, before trusting the spikes."
    )
    return EntryDiagnosis(Verdict.OUTLIERS, reason, _places(w, outliers))


def _places(w: AnyArray, flat: AnyArray) -> tuple[tuple[int, int], ...]:
    ordered = flat[np.argsort(-np.abs(w.ravel()[flat]), kind="stable")][:_MOST_NAMED]
    return tuple((int(i), int(j)) for i, j in zip(*np.unravel_index(ordered, w.shape), strict=True))


def _largest(w: AnyArray, flat: AnyArray, scale: float, exponent: int) -> str:
    (i, j), *_ = _places(w, flat)
    times = abs(w[i, j]) / scale
    size = number(float(np.ldexp(w[i, j], exponent)))
    what = f"Entry ({i}, {j}) is {size}, {times:.0f} standard deviations"
    return f"{what}." if flat.size == 1 else f"{what}; {flat.size} are as good as spikes."


@dataclass(frozen=True)
class _Side:
    """The sums of squares of rows, or of columns.

    `spread` is their variance over that of the null hypothesis, `limit` how far it goes by chance;
    `excess` by how many standard deviations it is beyond 1. `chance` is that of the largest sum, at
    `place`, `ratio` its size over the mean; `alone` says whether most of the spread is its.
    """

    name: str
    spread: float
    limit: float
    excess: float
    chance: float
    place: int
    ratio: float
    alone: bool


def _sides(clipped: ClippedSquares, values: FloatArray, cumulant: float) -> list[_Side]:
    size = clipped.rows.size * clipped.columns.size
    # Of order one, as `_TINY` takes them to be.
    unit = float(np.abs(values).max())
    squares = (values / unit) ** 2
    return [
        _side("row", clipped.of_rows / unit**2, clipped.rows, squares, cumulant, size),
        _side("column", clipped.of_columns / unit**2, clipped.columns, squares, cumulant, size),
    ]


def _uneven_sides(sides: list[_Side]) -> EntryDiagnosis | None:
    if not sides:
        return None
    one = min(sides, key=lambda side: side.chance)
    most = max(sides, key=lambda side: side.spread / side.limit)
    if one.chance < _REJECTION and (one.alone or most.spread <= most.limit):
        reason = (
            f"The mean square of {one.name} {one.place} is {one.ratio:.1f} times the mean, which "
            f"neither noise nor a signal in no special direction explains ({p_equals(one.chance)})."
        )
    elif most.spread > most.limit:
        reason = (
            f"The mean squares of {most.name}s spread {most.spread:.1f} times as much as noise of "
            "one variance and a signal in no special direction would (up to "
            f"{most.limit:.1f} is left to chance and to signals with favourite rows). `biwhiten` "
            "brings such matrices back to one variance."
        )
    else:
        return None
    return EntryDiagnosis(Verdict.UNEVEN, reason)


def _side(
    name: str, sums: FloatArray, places: AnyArray, squares: FloatArray, cumulant: float, size: int
) -> _Side:
    n = sums.size
    mean = float(sums.mean())
    # Of Σ s²u² about its mean, per row: s² less their mean. The longer side has zeros as well.
    weights = np.zeros(n)
    weights[: squares.size] = squares[:n]
    weights = (weights - weights.mean()) * (mean / max(float(squares.sum()), _TINY))
    rotation = 2 * float(weights @ weights) * n / (n + 2)
    entries = cumulant * mean**2 * n / size
    variance = max(rotation + entries, rotation / 2, _TINY)
    place = int(np.argmax(sums))
    beyond = float(sums[place]) - mean
    if beyond <= _ALIKE * mean and mean - float(sums.min()) <= _ALIKE * mean:
        return _Side(name, 0.0, 1.0, 0.0, 1.0, int(places[place]), 1.0, alone=False)
    if rotation > _ROTATED * variance:
        chance = _chernoff(weights * max(variance / rotation, 1.0) ** 0.5, beyond)
    else:
        # Values all alike, as those of an orthogonal matrix, have no tail of their own.
        chance = float(np.exp(-(beyond**2) / (2 * variance)))
    spread = float(sums.var()) / variance
    # The excess kurtosis of such sums.
    kurtosis = 48 * float((weights**4).sum()) / variance**2
    return _Side(
        name=name,
        spread=spread,
        limit=max(1 + _SPREAD_LIMIT * ((2 + _KURTOSIS) / n) ** 0.5, _LEAST_SPREAD),
        excess=(spread - 1) / ((2 + kurtosis) / n) ** 0.5,
        chance=min(n * chance, 1.0),
        place=int(places[place]),
        ratio=float(sums[place]) / mean,
        alone=beyond**2 > 0.5 * n * float(sums.var()),
    )


def _chernoff(weights: FloatArray, beyond: float) -> float:
    """Return a bound of the chance that ``Σ a(g² − 1)`` is larger, g standard Gaussian."""
    slopes = np.linspace(0.0, 0.5, 51)[1:-1] / max(float(weights.max()), _TINY)

    def exponent(place: int) -> float:
        inner = 2 * slopes[place] * weights
        return float(-slopes[place] * beyond - 0.5 * (np.log1p(-inner) + inner).sum())

    # It is convex: halving finds the least of all with a dozen looks.
    first, last = 0, slopes.size - 1
    while first < last:
        middle = (first + last) // 2
        if exponent(middle) <= exponent(middle + 1):
            last = middle
        else:
            first = middle + 1
    return float(np.exp(min(exponent(first), 0.0)))
