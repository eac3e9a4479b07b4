"""Outliers of signal plus noise at any size and for any bulk, without the matrix.

Let S have the r spikes θ first, and N − r eigenvalues of law ν₀ after them. In blocks,

    W = [[diag(θ) + G, B], [Bᵀ, W′]],   G = r × r of the GOE, B = r × (N − r), entries N(0, σ²/N),

with G, B and W′, the bulk with its own noise, independent. By Schur's complement x off the spectrum
of W′ is an eigenvalue of W if and only if it is one of the r × r matrix

    A(x) = diag(θ) + G + B (x − W′)⁻¹ Bᵀ = diag(θ) + G + Σₖ bₖbₖᵀ/(x − λₖ(W′)),

and the j-th outlier solves λ_j(A(x)) = x, whose left-hand side falls with x. B stays Gaussian in
the eigenbasis of W′, so only its spectrum counts. That has fluctuations of O(1/N) in each linear
statistic, against N^(−1/2) of an outlier: here it is replaced by its limit, in K points xₖ with dₖ
eigenvalues each, a Gauss rule for 1/(x − t) and 1/((x − t)(y − t)), exact to rounding. The sum of
bₖbₖᵀ over dₖ equal eigenvalues is a Wishart matrix, drawn by its triangular factor at a cost that
does not depend on dₖ. What is random is thus K + 1 matrices of r × r.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pastur._checks import generator, positive_integer, vector
from pastur._errors import InvalidInputError, InvalidTypeError, NumericalError
from pastur._progress import reporter
from pastur._typing import AnyArray, ArrayLike, FloatArray, Progress, RandomLike
from pastur.models.deformed_wigner import DeformedWigner

# Points of the rule on each interval of the bulk, doubled until it is good enough.
_FEWEST_NODES, _MOST_NODES = 16, 4096
# Standard deviations, and spreads of a crowd, that a spike must be from the bulk.
_DEVIATIONS, _CROWDS = 6.0, 2.0
_STEPS, _PRECISION = 60, 1e-13


def sample_outliers(
    model: DeformedWigner,
    size: int,
    *,
    spikes: ArrayLike,
    draws: int | None = None,
    rng: RandomLike = None,
    progress: Progress | bool | None = None,
) -> FloatArray:
    """Draw the outliers of W = R/√N + S at any size N, for any law ν₀ of the rest of S.

    The law is that of the outliers up to a shift of order 1/N, common to all and small compared
    with their fluctuations of N^(−1/2): the spectrum of the bulk is replaced by its limit. For ν₀ =
    δ₀ `pastur.sample_spiked_outliers` is exact, and it knows nothing of the theory: use that one to
    test the theory of the bulk.

    The cost grows with r and not with N: some eigenvalue problems of r × r for each outlier, about
    ``40 r⁴`` operations, and memory for some dozens of such matrices. On one core r = 30 takes a
    hundredth of a second, r = 100 a third, r = 300 ten seconds, r = 1000 half an hour.

    Parameters
    ----------
    model : DeformedWigner
        With the law ν₀ of the bulk of S, σ and β.
    size : int
        N, at least ten times the number of spikes.
    spikes : array_like, shape (r,)
        Spikes off supp ν₀, all supercritical at this size by a margin: six standard deviations of
        a single outlier, and twice the spread of the crowd, 2σ√(r/N).
    draws : int, optional
        How many independent draws, where more than one is wanted; the bulk is solved once.
    rng : numpy.random.Generator, int or None
    progress : callable or bool, optional
        ``progress(done, total, what)`` after each outlier. True shows a bar: in a notebook, or in
        a terminal.

    Returns
    -------
    ndarray, shape (r,) or (draws, r)
        Descending: the eigenvalue of the j-th largest spike is the j-th.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If a spike is too close to the bulk, or lies on the support of the signal's law; or if an
        argument is wrong.
    NumericalError
        If the bulk has so many intervals, or a spike is so close to it, that no rule is exact.

    Examples
    --------
    Φ of the spikes, and a draw at N = 10¹²:

    >>> from pastur import Atoms, DeformedWigner
    >>> model = DeformedWigner(Atoms([-1.5, 1.5]), sigma=0.6)
    >>> model.outlier([3.0, 0.2]).round(4)
    array([3.16  , 0.1674])
    >>> sample_outliers(model, 10**12, spikes=[3.0, 0.2], rng=1).round(4)
    array([3.16  , 0.1674])
    """
    if not isinstance(model, DeformedWigner):
        raise InvalidTypeError(f"`model` must be a DeformedWigner. Got a {type(model).__name__}.")
    n = positive_integer("size", size)
    theta = np.sort(vector("spikes", spikes))[::-1]
    if n < 10 * theta.size:
        raise InvalidInputError(
            f"`size` must be at least ten times the number of spikes, {theta.size}. Got {n}: at "
            "such a size draw the matrix."
        )
    _check_margins(model, theta, n)
    # W′ has N − r rows, and noise of the variance σ²/N, not σ²/(N − r).
    bulk = model.replace(sigma=float(model.sigma * np.sqrt(1 - theta.size / n)))
    start = np.asarray(bulk.outlier(theta))
    rule, gaps, source = _rule(bulk, n - theta.size, start), _gaps(bulk, start), generator(rng)
    found = np.empty((1 if draws is None else positive_integer("draws", draws), theta.size))
    report = reporter(progress)
    for i, row in enumerate(found):
        secular = _draw(model, theta, n, rule, source)
        for j, (x, (low, high)) in enumerate(zip(start.tolist(), gaps, strict=True)):
            row[j] = secular.solve(j, x, low, high)
            report(i * theta.size + j + 1, found.size, "outliers")
    return found[0] if draws is None else found


class Rule(NamedTuple):
    """Points in place of the spectrum of the bulk, and how many eigenvalues each stands for."""

    points: FloatArray
    counts: FloatArray


class Secular(NamedTuple):
    """A(x) = corner + Σₖ shareₖ/(x − pointₖ), r × r."""

    corner: AnyArray
    shares: AnyArray
    points: FloatArray

    def solve(self, j: int, start: float, low: float, high: float) -> float:
        """Return the root of λ_j(A(x)) = x between two ends, by Newton's method in a bracket."""
        x = start
        for _ in range(_STEPS):
            excess, slope = self._excess(j, x)
            low, high = (x, high) if excess > 0 else (low, x)
            step = -excess / slope
            if abs(step) <= _PRECISION * (abs(x) + abs(start)):
                return x + step
            x = x + step if low < x + step < high else (low + high) / 2
        raise NumericalError(
            f"The outlier of the spike number {j + 1} was not found near {start:g}: the draw may "
            "have pushed it into the bulk. Leave out the weakest spikes."
        )

    def _excess(self, j: int, x: float) -> tuple[float, float]:
        """Return λ_j(A(x)) − x and its derivative, at most −1."""
        weights = 1 / (x - self.points)
        matrix = self.corner + np.tensordot(weights, self.shares, 1)
        values, vectors = np.linalg.eigh(matrix)
        v = vectors[:, -1 - j]
        bend = np.tensordot(weights**2, self.shares, 1)
        return float(values[-1 - j]) - x, -float((v.conj() @ bend @ v).real) - 1.0


def _check_margins(model: DeformedWigner, theta: FloatArray, n: int) -> None:
    free = np.asarray(model.is_supercritical(theta))
    if free.all():
        edges = model.law.support.ravel()
        slope = np.asarray(model.overlap(theta))
        crowd = 2 * model.sigma * np.sqrt(theta.size / n) * slope
        needed = _DEVIATIONS * np.asarray(model.fluctuation(theta, n)) + _CROWDS * crowd
        room = np.abs(np.asarray(model.outlier(theta))[:, None] - edges).min(axis=1)
        free = room > needed
    if not free.all():
        weakest = theta[~free][0]
        raise InvalidInputError(
            f"`spikes` contains {weakest:g}, which at N = {n} with {theta.size} spikes is not "
            "clear of the bulk. Leave it out, or take a larger size, or draw the matrix."
        )


def _gaps(bulk: DeformedWigner, places: FloatArray) -> list[tuple[float, float]]:
    """Return the gap of the bulk in which each outlier lies, cut off far out."""
    support = bulk.law.support
    far = 2 * float(np.abs(places).max() + np.abs(support).max())
    lows = np.concatenate([[-far], support[:, 1]])
    highs = np.concatenate([support[:, 0], [far]])
    index = np.searchsorted(support[:, 0], places)
    return list(zip(lows[index].tolist(), highs[index].tolist(), strict=True))


def _rule(bulk: DeformedWigner, total: int, places: FloatArray) -> Rule:
    """Return points and whole numbers of eigenvalues that stand for the bulk, seen from `places`.

    On each interval the density is a smooth function times a root at both ends, for which Gauss's
    rule of the second kind converges exponentially in the number of points.
    """
    wanted = bulk.law.stieltjes(places)
    tolerance = max(0.01 / total, 1e-14) * float(np.abs(wanted).max() + 1)
    nodes = _FEWEST_NODES
    while nodes <= _MOST_NODES:
        angle = np.arange(1, nodes + 1) * np.pi / (nodes + 1)
        middle, half = bulk.law.support.mean(axis=1), np.diff(bulk.law.support, axis=1)[:, 0] / 2
        points = middle[:, None] - half[:, None] * np.cos(angle)
        steps = half[:, None] * np.sin(angle) * np.pi / (nodes + 1)
        weights = np.asarray(bulk.law.density(points)) * steps
        off = np.abs((weights.ravel() / (points.ravel() - places[:, None])).sum(axis=1) - wanted)
        if off.max() <= tolerance:
            return Rule(points.ravel(), _whole(weights.ravel(), total))
        nodes *= 2
    raise NumericalError(
        f"{_MOST_NODES} points on each interval of the bulk do not give its transform at the "
        f"outliers to {tolerance:.1e}: its ends are not those of square roots, or a spike is too "
        "close to it."
    )


def _whole(weights: FloatArray, total: int) -> FloatArray:
    """Share `total` out by weights, in whole numbers with the largest remainders rounded up."""
    exact = weights / weights.sum() * total
    counts: FloatArray = np.floor(exact)
    missing = round(total - float(counts.sum()))
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: max(missing, 0)]] += 1
    return counts


def _draw(
    model: DeformedWigner, theta: FloatArray, n: int, rule: Rule, rng: np.random.Generator
) -> Secular:
    r, scale = theta.size, model.sigma / np.sqrt(float(n))
    square = _normal(rng, (r, r), model.beta)
    corner = np.diag(theta) + scale / np.sqrt(2) * (square + square.conj().T)
    shares: Any = np.empty((rule.points.size, r, r), dtype=corner.dtype)
    for k, count in enumerate(rule.counts.tolist()):
        factor = _wishart_factor(rng, r, count, model.beta)
        shares[k] = scale**2 * (factor @ factor.conj().T)
    return Secular(corner, shares, rule.points)


def _wishart_factor(rng: np.random.Generator, r: int, count: float, beta: int) -> AnyArray:
    """Return F with FFᴴ the sum of `count` products bbᴴ of standard normal vectors."""
    if count < r:
        return _normal(rng, (r, int(count)), beta)
    factor: AnyArray = np.tril(_normal(rng, (r, r), beta), -1)
    freedom = beta * (count - np.arange(r))
    factor[np.diag_indices(r)] = np.sqrt(rng.chisquare(freedom) / beta)
    return factor


def _normal(rng: np.random.Generator, size: tuple[int, int], beta: int) -> AnyArray:
    """Standard normal variables, E|g|² = 1."""
    if beta == 1:
        return rng.standard_normal(size)
    real, imaginary = rng.standard_normal((2, *size))
    return np.asarray((real + 1j * imaginary) / np.sqrt(2))
