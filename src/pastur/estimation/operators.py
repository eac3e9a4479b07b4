"""Fitting a matrix that is not held in memory."""

from __future__ import annotations

from typing import Any

from pastur._checks import byte_count, one_of, significance
from pastur._errors import InvalidInputError
from pastur._format import bytes_text
from pastur.estimation._fitting.noises import AUTO
from pastur.estimation._observed.spectrum import Settings
from pastur.estimation._result.noise_used import NoiseName
from pastur.estimation._streamed.exact import exact_spectrum
from pastur.estimation._streamed.sources import source_of
from pastur.estimation.rectangular import RectangularFit, fitted

# A variance for each row and column is estimated from the matrix itself.
_NOISES = (str(NoiseName.WHITE), str(NoiseName.FREE), AUTO)
_DOUBLE = 8


def fit_operator(
    A: Any,
    *,
    sigma: float | None = None,
    alpha: float = 0.05,
    noise: str = "white",
    memory: float | str = "2GB",
) -> RectangularFit:
    """Separate noise from signal in a matrix that does not fit into memory.

    The matrix is read in parts, and only its Gram matrix n × n is held, n the shorter side: all
    singular values are known, and `fit_rectangular` does the rest. Entries are read, but not
    checked as `fit_rectangular` checks those of a matrix in memory.

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
        15 800.

    Returns
    -------
    RectangularFit

    Raises
    ------
    InvalidInputError, InvalidTypeError
        Unless `A` is one finite real matrix that is not zero, of at least two rows and two columns,
        whose Gram matrix fits into `memory`.

    Notes
    -----
    A Gram matrix has the squares of the singular values: one of size s is known up to about
    ε·s₁²/(2s), with s₁ the largest and ε = 2.2e-16. Those below √(nε)·s₁ count as zero.

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
    source = source_of("A", A)
    needed = _DOUBLE * min(source.shape) ** 2
    if needed > most:
        raise InvalidInputError(
            f"The Gram matrix of `A` takes {bytes_text(needed)}, more than `memory` allows "
            f"({bytes_text(int(most))})."
        )
    return fitted(exact_spectrum(source), asked)
