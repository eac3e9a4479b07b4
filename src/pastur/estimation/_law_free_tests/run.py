"""The tests of one matrix, in order."""

import numpy as np

from pastur._checks import non_negative_integer, positive_integer, single_or_double_matrix
from pastur._errors import InvalidInputError
from pastur._numerics.entry_sums import clipped_squares, places_beyond
from pastur._numerics.scaling import divided, largest_magnitude, safe_exponent
from pastur._typing import AnyArray, ArrayLike
from pastur.estimation._kinds.symmetric import ASYMMETRY
from pastur.estimation._law_free_tests.predictable import Predictable, predictable
from pastur.estimation._law_free_tests.result import (
    CHANCE,
    LawFreeTests,
    NeighbourCorrelation,
    SignFlips,
)
from pastur.estimation._law_free_tests.sign_flips import flip_p_value, later_flip_p_value
from pastur.estimation._observed.neighbours import Agreement, neighbours

_MOST_FLIPS = 100_000
_MOST_NAMED = 20
# Up to this share of the entries that are not zero are set aside.
_FEW = 0.1
# Of longer matrices so many entries, and four times as many as a square has, are given random signs
# and predicted: those of random rows, or columns.
_MOST = 1 << 20
_TINY = 1e-300
# Squares beyond so many times their mean do not count in the standard deviation of an entry.
_CLIP = 25.0


def law_free_tests(W: ArrayLike, *, flips: int = 19, seed: int = 0) -> LawFreeTests:
    """Test a matrix without a law of its noise.

    Four questions that need neither σ nor an edge: whether independent entries explain its largest
    singular value, whether neighbours in the order of storage are correlated, how much of it is
    predicted by its other rows and columns, and which entries are spikes of their own.

    Parameters
    ----------
    W : array_like, shape (n, m)
        The matrix.
    flips : int, > 0
        Draws of random signs; the least p-value is 1/(1 + flips). Default 19.
    seed : int, ≥ 0
        Seed for signs and blocks. Default 0.

    Returns
    -------
    LawFreeTests

    Raises
    ------
    InvalidInputError, InvalidTypeError
        Unless W is a finite real matrix that is not zero, with two rows and two columns at least.

    Notes
    -----
    *Entries set aside.* Those beyond (nm)^(1/4) standard deviations, each of which is a spike of
    its own, become zeros. That depends on the sizes of the entries alone, so that the test by signs
    stays exact.

    *Sign flips* (Hong, Sheng, Dobriban 2020): ``p = (1 + #{T(W∘ε) ≥ T(W)})/(1 + flips)`` with the
    largest singular value T and independent random signs ε, symmetric ones if W is symmetric. It is
    exact for independent entries that are symmetric about 0, of any variances and tails. A small
    p-value says that the entries are not independent: there is signal, or correlated noise. It is
    not a count. Where it is at most 0.05, a second test follows with `predictable_rank` directions
    taken out and each entry of the rest divided by √((1 − h)(1 − g)), h and g its leverages;
    that one is approximate.

    Of matrices of more than a million entries that are over four times as long as wide, both that
    and the prediction use random rows (columns) alone.

    *Neighbours*: the mean cosine between neighbouring rows, and columns, without the ten leading
    directions; the p-value is Hoeffding's bound for cosines of random signs.

    *Prediction* (Owen, Perry 2009): rows and columns are halved at random, and each of the four
    blocks is predicted from the other three with the best rank, up to a quarter of the shorter
    side. Of independent entries nothing is predicted. A few percent do not prove a signal:
    noise of correlated rows and columns is predicted as well.

    References
    ----------
    D. Hong, Y. Sheng, E. Dobriban, arXiv 2012.02985 (2020) (sign flips).
    A. B. Owen, P. O. Perry, Ann. Appl. Statist. 3 (2009) (bi-cross-validation).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> W = rng.normal(size=(100, 200)) * rng.lognormal(size=(100, 1))
    >>> law_free_tests(W).sign_flips[0].p_value > 0.05
    True
    >>> signal = np.outer(rng.normal(size=100), rng.normal(size=200))
    >>> found = law_free_tests(rng.normal(size=(100, 200)) + signal)
    >>> found.sign_flips[0].p_value, found.predictable_rank
    (0.05, 1)
    """
    w = single_or_double_matrix("W", W)
    flips, seed = positive_integer("flips", flips), non_negative_integer("seed", seed)
    if flips > _MOST_FLIPS:
        raise InvalidInputError(f"`flips` must be at most {_MOST_FLIPS}. Got {flips}.")
    if min(w.shape) < 2:
        raise InvalidInputError(
            f"`W` must have at least two rows and two columns. Got {w.shape[0]} × {w.shape[1]}."
        )
    largest = largest_magnitude(w)
    if largest == 0.0:
        raise InvalidInputError("The matrix is zero: there is nothing to test.")
    w = divided(w, safe_exponent(largest))
    aside = _spikes_of_their_own(w)
    if aside.size:
        w = w.copy()
        w.ravel()[aside] = 0.0
    near, part = neighbours(w), _part(w, seed)
    symmetric = _is_symmetric(part)
    if symmetric:
        part = np.triu(part) + np.triu(part, 1).T
    found = predictable(part, seed, symmetric=symmetric)
    return LawFreeTests(
        shape=(w.shape[0], w.shape[1]),
        flips=flips,
        seed=seed,
        sign_flips=_sign_flips(part, found, flips, seed, symmetric=symmetric),
        rows=_correlation(near.rows),
        columns=_correlation(near.columns),
        predictable_share=found.share,
        predictable_rank=found.rank,
        set_aside=tuple(
            (int(i), int(j))
            for i, j in zip(*np.unravel_index(aside[:_MOST_NAMED], w.shape), strict=True)
        ),
        set_aside_count=aside.size,
    )


def _spikes_of_their_own(w: AnyArray) -> AnyArray:
    """Return the places of entries beyond (nm)^(1/4) standard deviations, the largest first.

    Where these are many of those that are not zero, there are none: so the matrix is.
    """
    found = clipped_squares(w, _CLIP, guess=float(np.vdot(w, w)) / w.size, steps=5)
    size = found.rows.size * found.columns.size
    places = places_beyond(w, size**0.25 * found.mean**0.5)
    if places.size > _FEW * np.count_nonzero(w):
        return np.empty(0, dtype=np.intp)
    return places[np.argsort(-np.abs(w.ravel()[places]), kind="stable")]


def _is_symmetric(w: AnyArray) -> bool:
    if w.shape[0] != w.shape[1]:
        return False
    return bool(np.abs(w - w.T).max() <= ASYMMETRY * largest_magnitude(w))


def _sign_flips(
    part: AnyArray, found: Predictable, flips: int, seed: int, *, symmetric: bool
) -> tuple[SignFlips, ...]:
    p_value = flip_p_value(part, flips, seed, symmetric=symmetric)
    first = SignFlips(0, p_value, exact=True)
    removed = max(found.rank, 1)
    if p_value > CHANCE or removed >= min(part.shape) - 1:
        return (first,)
    removed, p_value = later_flip_p_value(part, removed, flips, seed + 1, symmetric=symmetric)
    return (first, SignFlips(removed, p_value, exact=False))


def _part(w: AnyArray, seed: int) -> AnyArray:
    """Return `w` in float32, of order one, or random rows, or columns, of it."""
    n, m = w.shape
    most = max(_MOST // min(n, m), 4 * min(n, m))
    if max(n, m) > most:
        places = np.sort(np.random.default_rng(seed).permutation(max(n, m))[:most])
        w = w[places] if n > m else w[:, places]
    unit = max(largest_magnitude(w), _TINY)
    return np.divide(w, unit, dtype=np.float64).astype(np.float32)


def _correlation(found: Agreement) -> NeighbourCorrelation:
    return NeighbourCorrelation(found.mean, found.error, found.chance)
