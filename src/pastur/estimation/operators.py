"""Fitting a matrix that is not held in memory."""

from __future__ import annotations

from typing import Any

from pastur._checks import byte_count, non_negative_integer, one_of, significance
from pastur._numerics.scaling import divided, largest_magnitude, safe_exponent
from pastur._progress import reporter
from pastur._typing import AnyArray, FloatArray, Progress
from pastur.estimation._fitting.noises import AUTO
from pastur.estimation._observed.spectrum import Settings
from pastur.estimation._result.noise_used import NoiseName
from pastur.estimation._streamed.exact import exact_spectrum
from pastur.estimation._streamed.in_part import InPart
from pastur.estimation._streamed.sources import source_of
from pastur.estimation.rectangular import RectangularFit, fitted

# A variance for each row and column is estimated from the matrix itself.
_NOISES = (str(NoiseName.WHITE), str(NoiseName.FREE), AUTO)
_DOUBLE = 8
# Up to this side the Gram matrix costs less than anything else.
_SMALL = 512
# Steps that are taken at once after the first ones.
_FURTHER = 8
# A shorter side from which on `MatrixInPart` saves half of the work or more.
FEWEST = 1024


def fit_operator(
    A: Any,
    *,
    sigma: float | None = None,
    alpha: float = 0.05,
    noise: str = "white",
    memory: float | str = "2GB",
    seed: int = 0,
    progress: Progress | bool | None = None,
) -> RectangularFit:
    """Separate noise from signal in a matrix that does not fit into memory.

    Let n be its shorter side. Where the Gram matrix n × n fits into `memory` the matrix is read in
    parts, all singular values follow, and `fit_rectangular` does the rest. Beyond that the matrix
    is only multiplied with 16 random vectors, some twenty times: block Lanczos finds the largest
    singular values one by one, with bounds of their errors, and the same products sample the
    distribution of all others (stochastic Lanczos quadrature). ``fit.partial`` says how much is
    known; docs/fast.md how much wider intervals are.

    Of a spectrum known in part σ comes from the sum of all squares, which is exact where entries
    can be read; its interval allows for what may be hidden in the bulk, as far as the sample leaves
    that open. Spikes are the values beyond the edge, as in `fit_rectangular`. A signal of many
    directions is not sought: where the bulk is not noise, the verdict is "not the law", and
    ``noise="auto"`` claims none. Directions are read without a law against the sample, to which a
    direction in general position is one more random vector: intervals are √(1 + 1/16) times as
    wide, 3 %.

    Entries are read, but not checked as `fit_rectangular` checks those of a matrix in memory.

    Parameters
    ----------
    A : array, sparse matrix or operator, shape (n, m)
        Whatever gives parts of itself as ``A[rows, columns]``, such as ``numpy.memmap``, a Dask
        array or a dataset of HDF5; a sparse matrix of SciPy; an operator with ``matmat`` and
        ``rmatmat``, such as SciPy's ``LinearOperator``. Real.
    sigma : float, > 0, optional
        Noise level σ, as in `fit_rectangular`. Default: estimated.
    alpha : float, between 0 and 1
        Probability that pure noise gives rank > 0. Default 0.05.
    noise : {"white", "free", "auto"}
        What the noise is, as in `fit_rectangular`. Default "white".
    memory : float or str
        Bytes that the Gram matrix may take: ``"500MB"``. Default 2 GB, enough for a shorter side of
        15 800. One of 512 × 512 is always made.
    seed : int, >= 0
        Of the random vectors. Default 0.
    progress : callable or bool, optional
        Called as ``progress(done, total, what)``; True shows a bar.

    Returns
    -------
    RectangularFit

    Raises
    ------
    InvalidInputError, InvalidTypeError
        Unless `A` is one finite real matrix that is not zero, of at least two rows and two columns.

    Notes
    -----
    A Gram matrix has the squares of the singular values: one of size s is known up to about
    ε·s₁²/(2s), with s₁ the largest and ε = 2.2e-16. Those below √(nε)·s₁ count as zero.

    Products of entries with single precision are made in that, unless the largest singular value is
    so large that their rounding would matter.

    References
    ----------
    C. Musco, C. Musco, NIPS 28 (2015) (block Krylov).
    S. Ubaru, J. Chen, Y. Saad, SIAM J. Matrix Anal. Appl. 38 (2017) (the quadrature).
    T. Chen, T. Trogdon, S. Ubaru, ICML (2021) (its error as an estimate of a distribution).

    Examples
    --------
    >>> import numpy as np, pastur
    >>> from scipy.sparse.linalg import aslinearoperator
    >>> rng = np.random.default_rng(0)
    >>> W = rng.normal(size=(200, 400)) / 20
    >>> W += 3 * np.outer(np.ones(200), np.ones(400)) / np.sqrt(200 * 400)
    >>> pastur.fit_operator(aslinearoperator(W))
    RectangularFit(200 × 400, sigma=0.9984, edge=1.718, rank=1, 'noise bulk')
    """
    asked = Settings(sigma, significance("alpha", alpha), noise=one_of("noise", noise, _NOISES))
    most = byte_count("memory", memory)
    seed, report = non_negative_integer("seed", seed), reporter(progress)
    source = source_of("A", A)
    needed = _DOUBLE * min(source.shape) ** 2
    if needed <= most or min(source.shape) <= _SMALL:
        spectrum = exact_spectrum(source, report)
        return fitted(spectrum, asked)
    report(0, 1, "checks of the entries")
    return fit_in_part(InPart(source, seed), asked, report)


def fit_in_part(part: InPart, asked: Settings, report: Progress | None = None) -> RectangularFit:
    """Return the fit of as much of a spectrum as it takes."""
    report = report or reporter(None)
    planned = part.first_steps
    while True:
        while part.steps < planned and not part.ended:
            report(part.steps, planned, "products")
            part.extend(1)
        report(planned, planned, "products")
        fit = fitted(part.observation(), asked)
        if part.ended or _enough(fit):
            return fit
        planned = part.steps + _FURTHER


class MatrixInPart:
    """A matrix in memory of which a part of the spectrum will do.

    Parameters
    ----------
    w : array of float64 or float32
        Finite, its shorter side `FEWEST` or more.
    seed : int
        Of the random vectors.
    """

    def __init__(self, w: AnyArray, seed: int) -> None:
        # Squares are taken of numbers whose squares are safe.
        exponent = safe_exponent(largest_magnitude(w))
        source = source_of("W", divided(w, exponent))
        self._part = InPart(source, seed, entries=w, exponent=exponent)

    def fit(self, *, alpha: float, noise: str) -> RectangularFit:
        """Return the fit; further ones start from the products of those before."""
        return fit_in_part(self._part, Settings(None, alpha, noise=noise))

    @property
    def values(self) -> FloatArray:
        """Singular values, descending: the known ones, and others with their distribution."""
        found = self._part.observation()
        return found.unit * found.values


def _enough(fit: RectangularFit) -> bool:
    """Return whether no more known values would bring more spikes or directions."""
    assert fit.partial is not None
    if fit.noise == NoiseName.FREE:
        return len(fit.standing_out) < max(fit.partial.known, 1)
    return fit.status.converged or not fit.goodness.fits
