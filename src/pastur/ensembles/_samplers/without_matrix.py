"""Outliers and spectra of signal plus noise at any size, without the matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pastur._arrays import KeepsLocked, locked
from pastur._checks import (
    dyson_index,
    generator,
    matrix_shape,
    positive_integer,
    positive_number,
)
from pastur._errors import InvalidInputError
from pastur._progress import reporter
from pastur._typing import ArrayLike, FloatArray, Progress, RandomLike
from pastur.ensembles._chains.chain import Chain, RectangularChain, SymmetricChain
from pastur.ensembles._chains.truncation import largest, whole_spectrum
from pastur.ensembles._samplers.shapes_and_spikes import spike_array

# Below this share of σ a tolerance asks for more than the eigenvalue solvers' rounding leaves.
_LEAST_TOLERANCE = 1e-16


@dataclass(frozen=True)
class OutlierSample(KeepsLocked):
    """One draw of the outliers of signal plus noise.

    Attributes
    ----------
    outliers : ndarray of float64, shape (r,)
        One for each spike, descending.
    truncation_error : float
        Bound of the distance of each outlier from that of the complete matrix, in absolute
        terms; 0 where the complete matrix was used. Rounding, about 1e-15 times the largest
        outlier, comes on top.
    blocks : int
        Blocks of the block tridiagonal matrix that were used, each of r rows.

    Examples
    --------
    >>> from pastur import sample_spiked_outliers
    >>> sample = sample_spiked_outliers(10**9, [3.0], rng=0)
    >>> sample.outliers.round(4), sample.truncation_error < 1e-9
    (array([3.3333]), True)
    """

    outliers: FloatArray
    truncation_error: float
    blocks: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "outliers", locked(np.array(self.outliers)))


def sample_spiked_outliers(
    n: int,
    spikes: ArrayLike,
    *,
    sigma: float = 1.0,
    beta: int = 1,
    tolerance: float = 1e-9,
    rng: RandomLike = None,
    progress: Progress | bool | None = None,
) -> OutlierSample:
    """Draw the outliers of W = R/√N + S, S of low rank, at a cost that does not grow with N.

    R is from the GOE or GUE and S has the given spikes as its non-zero eigenvalues. Householder
    reflections make W block tridiagonal with r × r blocks (Bloemendal, Virág 2013, 2016), equal in
    law at every N; an outlier's eigenvector decays as ``(σ/|θ|)ᵏ`` along the blocks, so the first
    of them suffice. Blocks are added until the error is below `tolerance`.

    Parameters
    ----------
    n : int, >= 1
        Size N.
    spikes : float or array_like, shape (r,)
        Non-zero eigenvalues θ of S, of either sign, r ≤ N.
    sigma : float, > 0
        σ; the standard deviation of an entry of the noise is σ/√N.
    beta : {1, 2}
        1 for the GOE, 2 for the GUE.
    tolerance : float, >= 1e-16 σ
        Largest truncation error allowed, in the units of the eigenvalues.
    rng : numpy.random.Generator, int or None
        Source of randomness. The same int gives the same matrix for every tolerance, and the same
        matrix in `sample_spiked_spectrum`.
    progress : callable or bool, optional
        ``progress(done, total, what)`` after each step of the eigenvalue iterations: of `total`
        outliers those already found, of the positive spikes before those of the negative ones. It
        goes back where more blocks are needed. True shows a bar: in a notebook, or in a terminal.

    Returns
    -------
    OutlierSample
        `outliers` are the r₊ largest and the r₋ smallest eigenvalues of W, r₊ and r₋ being the
        numbers of positive and of negative spikes. A spike with |θ| ≤ σ makes no outlier in the
        limit; its eigenvalue tends to the edge ±2σ.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If an argument is out of its range or of the wrong type, or a spike is so close to σ, or
        below it, that too many rows would be needed.

    Notes
    -----
    The bound is Lehmann's, quadratic in the last block of the eigenvectors. It holds with
    probability at least 1 − 1e-12: it takes the rest of the noise, which is not drawn, to stay
    below a proven tail bound. The number of blocks is about ``log(σ/tolerance)/(2 log(|θ|/σ))`` for
    the weakest spike, and about ``30 (N/r)^(1/3)`` near σ and below it. Time grows like the number
    of blocks times r³: for spikes from 1.5σ on, on one core, r = 100 takes a second, r = 300 half a
    minute, r = 1000 some twenty minutes, at N = 10⁴ as at N = 10⁹.

    Examples
    --------
    >>> draw = sample_spiked_outliers(10**12, [3.0, 2.0, -2.0], rng=1)
    >>> print(np.round(draw.outliers, 4))
    [ 3.3333  2.5    -2.5   ]
    >>> draw.truncation_error < 1e-9
    True
    """
    law = _symmetric_law(n, spikes, sigma, beta)
    if (law.spikes == 0).any():
        raise InvalidInputError("`spikes` must not be zero: leave zeros out, they add no signal.")
    chain = Chain(law, generator(rng))
    above = int((law.spikes > 0).sum())
    depth = _tolerance(tolerance, law.sigma)
    step = _Counted(progress, law.spikes.size)
    top = largest(chain, above, 1, depth, step)
    step.before = above
    bottom = largest(chain, law.spikes.size - above, -1, depth, step)
    return OutlierSample(
        outliers=np.concatenate([top.values, -bottom.values[::-1]]),
        truncation_error=max(top.error, bottom.error),
        blocks=max(top.blocks, bottom.blocks),
    )


def sample_spiked_singular_values(
    shape: tuple[int, int],
    spikes: ArrayLike,
    *,
    sigma: float = 1.0,
    beta: int = 1,
    tolerance: float = 1e-9,
    rng: RandomLike = None,
    progress: Progress | bool | None = None,
) -> OutlierSample:
    """Draw the outlying singular values of W = R/√m + S, at a cost that does not grow with m.

    R is n × m with independent Gaussian entries, n ≤ m, and S has the given spikes as its non-zero
    singular values; a tall shape is transposed. Householder reflections of the
    columns and the rows in turn make W block bidiagonal with r × r blocks, equal in law at every
    size; what is computed are the largest eigenvalues of [[0, W], [Wᴴ, 0]].

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of W.
    spikes : float or array_like, shape (r,)
        Positive singular values θ of S, r ≤ min(n, m).
    sigma : float, > 0
        σ; the standard deviation of an entry of the noise is σ/√max(n, m).
    beta : {1, 2}
        1 for real noise, 2 for complex noise, ``E|Rᵢⱼ|² = σ²``.
    tolerance : float, >= 1e-16 σ
        Largest truncation error allowed, in the units of the singular values.
    rng : numpy.random.Generator, int or None
        Source of randomness. The same int gives the same matrix for every tolerance, and the same
        matrix in `sample_spiked_singular_spectrum`.
    progress : callable or bool, optional
        As for `sample_spiked_outliers`.

    Returns
    -------
    OutlierSample
        `outliers` are the r largest singular values of W. A spike with ``θ ≤ c^(1/4) σ``, c = n/m,
        makes no outlier in the limit; its singular value tends to the edge σ(1 + √c).

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If an argument is out of its range or of the wrong type, or a spike is so close to
        c^(1/4) σ, or below it, that too many rows would be needed.

    Notes
    -----
    The bound of the error and the cost are those of `sample_spiked_outliers`. An outlier's vectors
    decay as ``(c^(1/4) σ/θ)ᵏ`` along the blocks.

    Examples
    --------
    >>> draw = sample_spiked_singular_values((10**11, 4 * 10**11), [3.0, 1.0], rng=1)
    >>> print(np.round(draw.outliers, 4))
    [3.2059 1.5811]
    """
    law = _rectangular_law(shape, spikes, sigma, beta)
    if (law.spikes == 0).any():
        raise InvalidInputError("`spikes` must not be zero: leave zeros out, they add no signal.")
    chain = Chain(law, generator(rng))
    step = _Counted(progress, law.spikes.size)
    found = largest(chain, law.spikes.size, 1, _tolerance(tolerance, law.sigma), step)
    return OutlierSample(found.values, found.error, found.blocks)


def sample_spiked_spectrum(
    n: int,
    spikes: ArrayLike,
    *,
    sigma: float = 1.0,
    beta: int = 1,
    rng: RandomLike = None,
) -> FloatArray:
    """Draw all eigenvalues of W = R/√N + S, S of low rank, in time ~ N²r and memory ~ Nr.

    The block tridiagonal model of `sample_spiked_outliers`, to its end.

    Parameters
    ----------
    n : int, >= 1
        Size N.
    spikes : float or array_like, shape (r,)
        Eigenvalues θ of S, the others being zero, r ≤ N; ``0`` for noise alone.
    sigma : float, > 0
        σ; the standard deviation of an entry of the noise is σ/√N.
    beta : {1, 2}
        1 for the GOE, 2 for the GUE.
    rng : numpy.random.Generator, int or None
        Source of randomness.

    Returns
    -------
    ndarray of float64, shape (n,)
        Descending.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If an argument is out of its range or of the wrong type.

    Examples
    --------
    >>> values = sample_spiked_spectrum(3000, 2.0, rng=1)
    >>> print(np.round(values[:2], 1))
    [2.5 2. ]
    """
    return whole_spectrum(Chain(_symmetric_law(n, spikes, sigma, beta), generator(rng)))


def sample_spiked_singular_spectrum(
    shape: tuple[int, int],
    spikes: ArrayLike,
    *,
    sigma: float = 1.0,
    beta: int = 1,
    rng: RandomLike = None,
) -> FloatArray:
    """Draw all singular values of W = R/√m + S, S of low rank, in time ~ n²r and memory ~ nr.

    The block bidiagonal model of `sample_spiked_singular_values`, to its end.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of W.
    spikes : float or array_like, shape (r,)
        Singular values θ ≥ 0 of S, the others being zero, r ≤ min(n, m); ``0`` for noise alone.
    sigma : float, > 0
        σ; the standard deviation of an entry of the noise is σ/√max(n, m).
    beta : {1, 2}
        1 for real noise, 2 for complex noise.
    rng : numpy.random.Generator, int or None
        Source of randomness.

    Returns
    -------
    ndarray of float64, shape (min(n, m),)
        Descending.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If an argument is out of its range or of the wrong type.

    Examples
    --------
    >>> values = sample_spiked_singular_spectrum((500, 2000), 1.0, rng=1)
    >>> print(np.round(values[:2], 1))
    [1.6 1.5]
    """
    law = _rectangular_law(shape, spikes, sigma, beta)
    # The spectrum of [[0, W], [Wᴴ, 0]] is symmetric; rows of zeros are in its middle.
    return np.maximum(whole_spectrum(Chain(law, generator(rng)))[: law.n], 0.0)


class _Counted:
    """Steps of the iterations, as the caller's `progress` has them."""

    def __init__(self, progress: Progress | bool | None, total: int) -> None:
        self._report, self._total = reporter(progress), total
        self._steps = 0
        self.before = 0

    def __call__(self, found: int) -> None:
        self._steps += 1
        done = self.before + found
        self._report(done, self._total, f"outliers found, step {self._steps}")


def _symmetric_law(n: int, spikes: ArrayLike, sigma: float, beta: int) -> SymmetricChain:
    size = positive_integer("n", n)
    values = spike_array(spikes, size)
    return SymmetricChain(values, positive_number("sigma", sigma), dyson_index(beta), n=size)


def _rectangular_law(
    shape: tuple[int, int], spikes: ArrayLike, sigma: float, beta: int
) -> RectangularChain:
    n, m = sorted(matrix_shape(shape))
    values = spike_array(spikes, n)
    if values[-1] < 0:
        raise InvalidInputError(
            f"`spikes` are singular values and must not be negative. Got {values[-1]:g}."
        )
    scale, index = positive_number("sigma", sigma), dyson_index(beta)
    return RectangularChain(values, scale, index, n=n, m=m)


def _tolerance(value: float, sigma: float) -> float:
    tolerance = positive_number("tolerance", value)
    if tolerance < _LEAST_TOLERANCE * sigma:
        raise InvalidInputError(
            f"`tolerance` must be at least 1e-16 times `sigma`, the rounding of the eigenvalues. "
            f"Got {tolerance:g} at sigma {sigma:g}."
        )
    return tolerance
