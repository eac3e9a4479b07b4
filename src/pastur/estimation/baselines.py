"""The published estimators, as plain functions: what `fit_rectangular` is to be compared with.

All take singular values or eigenvalues, never squared ones, in any order, and use the units of the
fits: W = R/√max(n, m) + S, with entries of R of standard deviation σ. They assume a rank that is
negligible against the size, and independent entries of one variance, which no list of values shows:
`fit_rectangular` checks those of a matrix. c = n/m ≤ 1 is the ratio of the sides. Values are
squared as they are: keep them within 1e±150. The symmetric ones are counterparts of our making,
unless they cite a source. All raise `InvalidInputError` or `InvalidTypeError` for values that are
not finite, not as many as the shape has, or negative singular values, and for parameters out of
their range.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from pastur._checks import (
    generator,
    matrix_shape,
    positive_integer,
    positive_number,
    probability,
    significance,
    vector,
)
from pastur._errors import InvalidInputError
from pastur._typing import AnyArray, ArrayLike, FloatArray, RandomLike
from pastur.estimation._kinds.noise_end import tracy_widom_upper_quantile
from pastur.measures import MarchenkoPastur, Semicircle

__all__ = [
    "Baseline",
    "Estimator",
    "bema",
    "kritchman_nadler",
    "median_rule",
    "mp_pca",
    "parallel_analysis",
    "shrunk_eigenvalues",
    "shrunk_singular_values",
    "symmetric_bema",
    "symmetric_median_rule",
    "symmetric_parallel_analysis",
]

_KN_TOLERANCE, _KN_STEPS = 1e-10, 200


@dataclass(frozen=True)
class Baseline:
    """What a published estimator says.

    Attributes
    ----------
    sigma : float
        Noise level σ.
    rank : int
        Number of values taken for signal, the largest ones (in absolute value, for eigenvalues).
    edge : float
        Where noise is taken to end, or the threshold of the last value tested.

    Examples
    --------
    >>> from pastur.estimation.baselines import median_rule
    >>> import numpy as np
    >>> found = median_rule(np.linspace(0.1, 2.0, 100), (100, 100))
    >>> found.rank, found.edge > found.sigma
    (0, True)
    """

    sigma: float
    rank: int
    edge: float


def median_rule(singular_values: ArrayLike, shape: tuple[int, int]) -> Baseline:
    """Noise level from the median singular value, optimal hard threshold.

    ``σ̂ = s_med/√μ_c``, μ_c the median of the Marchenko–Pastur law of ratio c; the threshold is
    ``λ*(c) σ̂``, ``λ*(c)² = 2(c + 1) + 8c/(c + 1 + √(c² + 14c + 1))``, which is (4/√3)σ̂ for c = 1.

    References
    ----------
    M. Gavish, D. L. Donoho, IEEE Trans. Inform. Theory 60 (2014), (11) and section III.E.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.estimation.baselines import median_rule
    >>> rng = np.random.default_rng(0)
    >>> W = rng.normal(size=(100, 200)) / 200**0.5
    >>> W += 3 * np.ones((100, 200)) / 20000**0.5
    >>> values = np.linalg.svd(W, compute_uv=False)
    >>> found = median_rule(values, (100, 200))
    >>> round(found.sigma, 2), found.rank
    (1.0, 1)
    """
    s, n, m = _checked(singular_values, shape)
    c = n / m
    sigma = float(np.median(s) / np.sqrt(MarchenkoPastur(c, 1.0).quantile(0.5)))
    edge = sigma * float(np.sqrt(2 * (c + 1) + 8 * c / (c + 1 + np.sqrt(c**2 + 14 * c + 1))))
    return Baseline(sigma, int(np.sum(s > edge)), edge)


def shrunk_singular_values(
    singular_values: ArrayLike, shape: tuple[int, int], *, sigma: float
) -> FloatArray:
    """Return ``√((s² − σ² − cσ²)² − 4cσ⁴)/s`` beyond the edge σ(1 + √c), 0 within, in their order.

    The optimal shrinker for the Frobenius loss at low rank.

    References
    ----------
    M. Gavish, D. L. Donoho, IEEE Trans. Inform. Theory 63 (2017), (7).

    Examples
    --------
    >>> from pastur.estimation.baselines import shrunk_singular_values
    >>> shrunk_singular_values([3.5, 1.5], (2, 4), sigma=1.0).round(2)
    array([3.04, 0.  ])
    """
    s = _counted(singular_values, shape)
    n, m = _sides(shape)
    c, variance = n / m, positive_number("sigma", sigma) ** 2
    beyond = s > sigma * (1 + np.sqrt(c))
    root = np.sqrt(np.maximum((s**2 - variance * (1 + c)) ** 2 - 4 * c * variance**2, 0.0))
    return np.where(beyond, root / np.where(beyond, s, 1.0), 0.0)


def mp_pca(singular_values: ArrayLike, shape: tuple[int, int]) -> Baseline:
    """Marchenko–Pastur principal component analysis.

    With λ = s², the rank is the least p for which the σ² estimated from the sum of the rest,
    ``σ̂² = m Σ_(j>p) λ_j/((n − p)(m − p))``, is at least the one that its range asks for:
    ``λ_(p+1) − λ_n ≤ 4σ̂²√(n/m)``. The edge is that of noise of n − p by m − p.

    References
    ----------
    J. Veraart et al., NeuroImage 142 (2016), in the form of the program by Olesen, Does and
    Jespersen (M. D. Does et al., Magn. Reson. Med. 81, 2019), which counts the rows and columns
    that p components take away. As first printed, with m for m − p, σ̂² is lower by 1 − p/m.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.estimation.baselines import mp_pca
    >>> rng = np.random.default_rng(0)
    >>> W = rng.normal(size=(100, 200)) / 200**0.5
    >>> W += 3 * np.ones((100, 200)) / 20000**0.5
    >>> values = np.linalg.svd(W, compute_uv=False)
    >>> found = mp_pca(values, (100, 200))
    >>> round(found.sigma, 2), found.rank
    (1.0, 1)
    """
    s, n, m = _checked(singular_values, shape)
    power, p = s**2, np.arange(n)
    rest = np.cumsum(power[::-1])[::-1] / (n - p) * (m / (m - p))
    # One value alone has no range: the last p always qualifies.
    rank = int(np.argmax(power - power[-1] <= 4 * rest * np.sqrt(n / m)))
    sigma = float(np.sqrt(rest[rank]))
    edge = sigma * float((np.sqrt(n - rank) + np.sqrt(m - rank)) / np.sqrt(m))
    return Baseline(sigma, rank, edge)


def bema(
    singular_values: ArrayLike,
    shape: tuple[int, int],
    *,
    trimmed: float = 0.2,
    alpha: float = 0.05,
) -> Baseline:
    """Bulk eigenvalue matching.

    σ̂² is the slope through the origin of λ_k, the k-th largest s², against the upper k/n-quantiles
    of the Marchenko–Pastur law, ``trimmed·n ≤ k ≤ (1 − trimmed)·n``; the edge of λ is
    ``σ̂²[(1 + √c)² + q m^(−2/3) c^(−1/6) (1 + √c)^(4/3)]``, q the quantile of the Tracy–Widom law at
    1 − alpha.

    References
    ----------
    Z. T. Ke, Y. Ma, X. Lin, J. Amer. Statist. Assoc. 118 (2023), algorithm 1. Implementations in
    use have the last exponent wrong; it is Johnstone's, 4/3 (Ann. Statist. 29, 2001).

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.estimation.baselines import bema
    >>> rng = np.random.default_rng(0)
    >>> W = rng.normal(size=(100, 200)) / 200**0.5
    >>> W += 3 * np.ones((100, 200)) / 20000**0.5
    >>> values = np.linalg.svd(W, compute_uv=False)
    >>> found = bema(values, (100, 200))
    >>> round(found.sigma, 2), found.rank
    (1.0, 1)
    """
    s, n, m = _checked(singular_values, shape)
    c, level = n / m, significance("alpha", alpha)
    kept = _kept(n, trimmed)
    position = np.asarray(MarchenkoPastur(c, 1.0).quantile(1 - kept / n))
    slope = float(position @ s[kept - 1] ** 2 / (position @ position))
    margin = tracy_widom_upper_quantile(level) * m ** (-2 / 3) * c ** (-1 / 6)
    top = (1 + np.sqrt(c)) ** 2 + margin * (1 + np.sqrt(c)) ** (4 / 3)
    edge = float(np.sqrt(slope * top))
    return Baseline(float(np.sqrt(slope)), int(np.sum(s > edge)), edge)


def kritchman_nadler(
    singular_values: ArrayLike, shape: tuple[int, int], *, alpha: float = 0.05
) -> Baseline:
    """Sequential tests with a noise level corrected for the spikes found.

    With λ = s², λ_k is a spike if those before it are and if it exceeds ``σ̂²(μ + q ξ)``, q the
    Tracy–Widom quantile at 1 − alpha, μ and ξ those of Johnstone for n − k variables and m samples:
    with a = √(m − ½), b = √(n − k − ½), ``μ = (a + b)²/m``, ``ξ = (a + b)(1/a + 1/b)^(1/3)/m``. σ̂²
    takes λ_1, …, λ_k for spikes and solves ``σ² = (Σ_(j>k) λ_j + Σ_(j≤k) (λ_j − ρ_j))/(n − k)``,
    ρ_j the larger root of ``ρ² − ρ(λ_j + σ² − σ²(n − k)/m) + λ_jσ² = 0``. The edge is that of the
    first value that is not a spike.

    References
    ----------
    S. Kritchman, B. Nadler, Chemom. Intell. Lab. Syst. 94 (2008); IEEE Trans. Signal Process. 57
    (2009). Which σ̂ goes with which λ_k is as in the program that goes with them, KN_rankEst.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.estimation.baselines import kritchman_nadler
    >>> rng = np.random.default_rng(0)
    >>> W = rng.normal(size=(100, 200)) / 200**0.5
    >>> W += 3 * np.ones((100, 200)) / 20000**0.5
    >>> values = np.linalg.svd(W, compute_uv=False)
    >>> found = kritchman_nadler(values, (100, 200))
    >>> round(found.sigma, 2), found.rank
    (1.0, 1)
    """
    s, n, m = _checked(singular_values, shape)
    power, q = s**2, tracy_widom_upper_quantile(significance("alpha", alpha))
    variance, top = float(power.mean()), float(power[0])
    for k in range(1, n):
        tested = _corrected_variance(power, m, k)
        a, b = np.sqrt(m - 0.5), np.sqrt(n - k - 0.5)
        top = tested * float((a + b) ** 2 + q * (a + b) * (1 / a + 1 / b) ** (1 / 3)) / m
        if power[k - 1] <= top:
            return Baseline(float(np.sqrt(variance)), k - 1, float(np.sqrt(top)))
        variance = tested
    return Baseline(float(np.sqrt(variance)), n - 1, float(np.sqrt(top)))


def parallel_analysis(
    singular_values: ArrayLike,
    shape: tuple[int, int],
    *,
    draws: int = 20,
    alpha: float = 0.05,
    rng: RandomLike = None,
) -> Baseline:
    """Horn's parallel analysis: each value against that of noise with the same total power.

    The k-th singular value counts while it exceeds the quantile at 1 − alpha of the k-th of
    Gaussian noise, drawn in its bidiagonal form, which has the same singular values in law.

    References
    ----------
    J. L. Horn, Psychometrika 30 (1965); I. Dumitriu, A. Edelman, J. Math. Phys. 43 (2002) (the
    form).

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.estimation.baselines import parallel_analysis
    >>> rng = np.random.default_rng(0)
    >>> W = rng.normal(size=(100, 200)) / 200**0.5
    >>> W += 3 * np.ones((100, 200)) / 20000**0.5
    >>> values = np.linalg.svd(W, compute_uv=False)
    >>> found = parallel_analysis(values, (100, 200), rng=0)
    >>> round(found.sigma, 2), found.rank
    (1.04, 1)
    """
    s, n, m = _checked(singular_values, shape)
    count, level = positive_integer("draws", draws), significance("alpha", alpha)
    random = generator(rng)
    sigma = float(np.sqrt(np.sum(s**2) / n))
    noise = np.array([_noise_singular_values(n, m, random) for _ in range(count)])
    return _against(s, sigma * np.quantile(noise, 1 - level, axis=0), sigma)


def symmetric_median_rule(eigenvalues: ArrayLike) -> Baseline:
    """`median_rule` for a symmetric matrix: ``σ̂ = |λ|_med/q``, edge (4/√3)σ̂.

    q is the upper quartile of the semicircle law, the median of its absolute value.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> from pastur.estimation.baselines import symmetric_median_rule
    >>> W = pastur.sample_goe(200, rng=0)
    >>> W += 3 * np.ones((200, 200)) / 200
    >>> found = symmetric_median_rule(np.linalg.eigvalsh(W))
    >>> round(found.sigma, 2), found.rank
    (1.02, 1)
    """
    size = _sizes(eigenvalues)
    sigma = float(np.median(size) / Semicircle(1.0).quantile(0.75))
    edge = 4 / float(np.sqrt(3)) * sigma
    return Baseline(sigma, int(np.sum(size > edge)), edge)


def shrunk_eigenvalues(eigenvalues: ArrayLike, *, sigma: float) -> FloatArray:
    """Return ``sign(λ)√(λ² − 4σ²)`` beyond ±2σ, 0 within, in their order.

    References
    ----------
    J. Bun, R. Allez, J.-P. Bouchaud, M. Potters, IEEE Trans. Inform. Theory 62 (2016).

    Examples
    --------
    >>> from pastur.estimation.baselines import shrunk_eigenvalues
    >>> shrunk_eigenvalues([3.0, 1.5], sigma=1.0).round(2)
    array([2.24, 0.  ])
    """
    values = vector("eigenvalues", eigenvalues)
    root = np.sqrt(np.maximum(values**2 - 4 * positive_number("sigma", sigma) ** 2, 0.0))
    return np.asarray(np.sign(values) * root)


def symmetric_bema(
    eigenvalues: ArrayLike, *, trimmed: float = 0.2, alpha: float = 0.05
) -> Baseline:
    """`bema` for a symmetric matrix: quantiles of the semicircle, edges ±σ̂(2 + q N^(−2/3)).

    q is the Tracy–Widom quantile at 1 − alpha/2, for each of the two edges.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> from pastur.estimation.baselines import symmetric_bema
    >>> W = pastur.sample_goe(200, rng=0)
    >>> W += 3 * np.ones((200, 200)) / 200
    >>> found = symmetric_bema(np.linalg.eigvalsh(W))
    >>> round(found.sigma, 2), found.rank
    (1.01, 1)
    """
    values = np.sort(vector("eigenvalues", eigenvalues))[::-1]
    n, level = values.size, significance("alpha", alpha)
    kept = _kept(n, trimmed)
    position = np.asarray(Semicircle(1.0).quantile(1 - kept / n))
    sigma = float(position @ values[kept - 1] / (position @ position))
    edge = sigma * (2 + tracy_widom_upper_quantile(level / 2) * n ** (-2 / 3))
    return Baseline(sigma, int(np.sum(np.abs(values) > edge)), edge)


def symmetric_parallel_analysis(
    eigenvalues: ArrayLike, *, draws: int = 20, alpha: float = 0.05, rng: RandomLike = None
) -> Baseline:
    """`parallel_analysis` for a symmetric matrix, on absolute values of eigenvalues.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> from pastur.estimation.baselines import symmetric_parallel_analysis
    >>> W = pastur.sample_goe(200, rng=0)
    >>> W += 3 * np.ones((200, 200)) / 200
    >>> found = symmetric_parallel_analysis(np.linalg.eigvalsh(W), rng=0)
    >>> round(found.sigma, 2), found.rank
    (1.02, 1)
    """
    size = _sizes(eigenvalues)
    n, count = size.size, positive_integer("draws", draws)
    level, random = significance("alpha", alpha), generator(rng)
    sigma = float(np.sqrt(np.sum(size**2) / n))
    noise = np.array([_noise_sizes(n, random) for _ in range(count)])
    return _against(size, sigma * np.quantile(noise, 1 - level, axis=0), sigma)


@dataclass(frozen=True)
class Estimator:
    """A published estimator of noise level and rank from singular values, with its settings.

    Attributes
    ----------
    function : callable
        One of this module.
    settings : tuple of str
        The keywords it takes of ``alpha`` and ``rng``.

    Examples
    --------
    >>> from pastur.estimation.baselines import ESTIMATORS
    >>> ESTIMATORS["bema"].settings
    ('alpha',)
    """

    function: Callable[..., Baseline]
    settings: tuple[str, ...] = ()

    @property
    def random(self) -> bool:
        """Whether the result depends on the random numbers drawn."""
        return "rng" in self.settings

    def __call__(
        self, singular_values: ArrayLike, shape: tuple[int, int], *, alpha: float, rng: RandomLike
    ) -> Baseline:
        """Return what the estimator says, given those settings that it takes."""
        given = {"alpha": alpha, "rng": rng}
        return self.function(singular_values, shape, **{key: given[key] for key in self.settings})


# Those that `pastur.analyze` offers, by the names it knows them by.
ESTIMATORS: Mapping[str, Estimator] = MappingProxyType(
    {
        "bema": Estimator(bema, ("alpha",)),
        "kritchman_nadler": Estimator(kritchman_nadler, ("alpha",)),
        "median_rule": Estimator(median_rule),
        "mp_pca": Estimator(mp_pca),
        "parallel_analysis": Estimator(parallel_analysis, ("alpha", "rng")),
    }
)


def _sides(shape: tuple[int, int]) -> tuple[int, int]:
    n, m = sorted(matrix_shape(shape))
    return n, m


def _counted(singular_values: ArrayLike, shape: tuple[int, int]) -> FloatArray:
    """Return the singular values, as many as a matrix of that shape has."""
    s = vector("singular_values", singular_values)
    n, m = _sides(shape)
    if s.size != n:
        raise InvalidInputError(
            f"A matrix of {n} × {m} has {n} singular values. Got {s.size}. "
            "Give them all, those near 0 included."
        )
    if (s < 0).any():
        raise InvalidInputError(
            f"`singular_values` must not be negative. Got {s.min():g}; "
            "eigenvalues go to the symmetric functions."
        )
    return s


def _checked(singular_values: ArrayLike, shape: tuple[int, int]) -> tuple[FloatArray, int, int]:
    """Return the singular values, descending, and the sides n ≤ m."""
    n, m = _sides(shape)
    return np.sort(_counted(singular_values, shape))[::-1], n, m


def _sizes(eigenvalues: ArrayLike) -> FloatArray:
    return np.asarray(np.sort(np.abs(vector("eigenvalues", eigenvalues)))[::-1])


def _kept(n: int, trimmed: float) -> AnyArray:
    """Return the ranks k, from 1 on, of the values that are matched."""
    share = probability("trimmed", trimmed)
    kept = np.arange(int(np.ceil(share * n)), int(np.floor((1 - share) * n)) + 1)
    if not kept.size:
        raise InvalidInputError(
            f"`trimmed` = {share:g} leaves none of {n} values. Give less than one half."
        )
    return kept


def _corrected_variance(power: FloatArray, m: int, k: int) -> float:
    """Return the fixed point σ² with k ≥ 1 spikes, or the last value before the roots turn complex.

    It starts from the mean of the rest over 1 − k/m, as the authors' program does.
    """
    spikes, left, rest = power[:k], power.size - k, float(power[k:].sum())
    variance = rest / (left * (1 - k / m))
    for _ in range(_KN_STEPS):
        # ρ = (b + √(b − d)√(b + d))/2 with d = 2√(λσ²).
        middle, apart = spikes + variance * (1 - left / m), 2 * np.sqrt(spikes) * variance**0.5
        if (middle < apart).any():
            return variance
        root = np.sqrt(middle - apart) * np.sqrt(middle + apart)
        fallen = np.maximum(spikes - (middle + root) / 2, 0.0)
        new = (rest + float(fallen.sum())) / left
        if abs(new - variance) <= _KN_TOLERANCE * variance:
            return new
        variance = new
    return variance


def _noise_singular_values(n: int, m: int, random: np.random.Generator) -> FloatArray:
    """Return singular values of noise of n × m with σ = 1, descending."""
    from scipy.linalg import eigvalsh_tridiagonal

    along = random.chisquare(m - np.arange(n))
    below = random.chisquare(np.arange(n - 1, 0, -1)) if n > 1 else np.empty(0)
    diagonal = along + np.append(0.0, below)
    power = eigvalsh_tridiagonal(diagonal, np.sqrt(along[:-1] * below))
    return np.asarray(np.sqrt(np.maximum(power[::-1], 0.0) / m))


def _noise_sizes(n: int, random: np.random.Generator) -> FloatArray:
    """Return absolute eigenvalues of the orthogonal ensemble with σ = 1, descending."""
    from scipy.linalg import eigvalsh_tridiagonal

    diagonal = random.normal(scale=np.sqrt(2), size=n)
    beside = np.sqrt(random.chisquare(np.arange(n - 1, 0, -1)))
    return np.asarray(np.sort(np.abs(eigvalsh_tridiagonal(diagonal, beside)))[::-1] / np.sqrt(n))


def _against(values: FloatArray, noise: FloatArray, sigma: float) -> Baseline:
    """Return how many of the values, from the first on, exceed those of noise."""
    within = np.flatnonzero(values <= noise)
    rank = int(within[0]) if within.size else values.size
    return Baseline(sigma, rank, float(noise[min(rank, noise.size - 1)]))
