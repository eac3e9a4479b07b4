"""Dense noise matrices; the caller adds the signal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from pastur._checks import generator, matrix_shape, one_of, positive_integer, positive_number
from pastur._errors import InvalidInputError
from pastur._typing import AnyArray, ComplexArray, FloatArray, RandomLike

Size: TypeAlias = tuple[int, ...]
Entries: TypeAlias = Callable[[np.random.Generator, Size], AnyArray]

# Rows drawn at once: the only memory needed besides the matrix itself.
_ROWS = 256


def sample_goe(
    n: int, sigma: float = 1.0, *, diagonal: str = "goe", rng: RandomLike = None
) -> FloatArray:
    """Draw the noise R/√N of the Gaussian Orthogonal Ensemble.

    Symmetric; entries off the diagonal are N(0, σ²/N), independent. The spectrum tends to the
    semicircle on [−2σ, 2σ].

    Parameters
    ----------
    n : int, >= 1
        Size N.
    sigma : float, > 0
        σ; the standard deviation of an entry is σ/√N.
    diagonal : {"goe", "wigner"}
        Variance of the diagonal: ``2σ²/N`` makes the law invariant under rotations (the GOE);
        "wigner" gives all entries the same variance ``σ²/N``, as in the paper. The limits agree; at
        size N, "wigner" reduces an outlier's variance by ``½Φ′(θ) Σ vᵢ⁴``, where v is the spike's
        eigenvector.
    rng : numpy.random.Generator, int or None
        Source of randomness; the same int gives the same matrix.

    Returns
    -------
    ndarray of float64, shape (n, n)
        Symmetric to the last bit.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If an argument is out of its range or of the wrong type.

    Examples
    --------
    With a spike of 3, the largest eigenvalue is near 3 + 1/3:

    >>> W = sample_goe(1000, rng=1)
    >>> W[0, 0] += 3
    >>> print(f"{np.linalg.eigvalsh(W)[-1]:.1f}")
    3.3
    """
    one_of("diagonal", diagonal, ("goe", "wigner"))
    scale = positive_number("sigma", sigma) / np.sqrt(positive_integer("n", n))
    matrix = _self_adjoint(n, _gaussian, generator(rng))
    if diagonal == "goe":
        matrix[np.diag_indices(n)] *= np.sqrt(2)
    matrix *= scale
    return matrix


def sample_gue(n: int, sigma: float = 1.0, *, rng: RandomLike = None) -> ComplexArray:
    """Draw the noise R/√N of the Gaussian Unitary Ensemble.

    Hermitian, with ``E|Rᵢⱼ|² = σ²`` for all i, j: complex Gaussian off the diagonal, real Gaussian
    on it. The spectrum tends to the semicircle on [−2σ, 2σ], as for `sample_goe`.

    Parameters
    ----------
    n : int, >= 1
        Size N.
    sigma : float, > 0
        σ; the root mean square of an entry is σ/√N.
    rng : numpy.random.Generator, int or None
        Source of randomness.

    Returns
    -------
    ndarray of complex128, shape (n, n)
        Hermitian to the last bit.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If an argument is out of its range or of the wrong type.

    Examples
    --------
    >>> R = sample_gue(4, rng=1)
    >>> bool((R == R.conj().T).all())
    True
    """
    scale = positive_number("sigma", sigma) / np.sqrt(positive_integer("n", n))
    matrix = _self_adjoint(n, _complex_gaussian, generator(rng))
    diagonal = np.diag_indices(n)
    matrix[diagonal] = np.sqrt(2) * matrix[diagonal].real
    matrix *= scale
    return matrix


def sample_wigner(
    n: int,
    entries: str | Entries = "rademacher",
    *,
    sigma: float = 1.0,
    rng: RandomLike = None,
) -> FloatArray:
    """Draw a Wigner matrix R/√N whose entries need not be Gaussian.

    Symmetric; the entries on and above the diagonal are independent, all of mean 0 and variance
    ``σ²/N``, the diagonal included.

    Parameters
    ----------
    n : int, >= 1
        Size N.
    entries : {"rademacher", "uniform", "student5", "gaussian"} or callable
        Law of an entry of R/σ: ±1; uniform on [−√3, √3]; Student's t with 5 degrees of freedom
        divided by √(5/3) (four moments only); standard normal. Or a callable ``entries(rng, size)``
        that returns real draws of mean 0 and variance 1 in the shape `size`.
    sigma : float, > 0
        σ; the standard deviation of an entry is σ/√N.
    rng : numpy.random.Generator, int or None
        Source of randomness.

    Returns
    -------
    ndarray of float64, shape (n, n)
        Symmetric to the last bit.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If an argument is out of its range, or a callable returns the wrong shape or type.

    Examples
    --------
    >>> np.unique(sample_wigner(100, rng=1))
    array([-0.1,  0.1])
    """
    scale = positive_number("sigma", sigma) / np.sqrt(positive_integer("n", n))
    if callable(entries):
        draw: Entries = partial(_checked, entries)
    else:
        draw = _ENTRIES[one_of("entries", entries, tuple(_ENTRIES))]
    matrix = _self_adjoint(n, draw, generator(rng))
    matrix *= scale
    return matrix


def sample_gaussian(
    shape: tuple[int, int], sigma: float = 1.0, *, rng: RandomLike = None
) -> FloatArray:
    """Draw a rectangular noise matrix with independent Gaussian entries.

    Entries are ``N(0, σ²/max(n, m))``: the singular values tend to lie on
    [σ(1 − √c), σ(1 + √c)], ``c = min(n, m)/max(n, m)``.

    Parameters
    ----------
    shape : (int, int)
        Rows n and columns m, tall or wide.
    sigma : float, > 0
        σ; the standard deviation of an entry is σ/√max(n, m).
    rng : numpy.random.Generator, int or None
        Source of randomness.

    Returns
    -------
    ndarray of float64, shape (n, m)

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If an argument is out of its range or of the wrong type.

    Examples
    --------
    >>> R = sample_gaussian((250, 1000), rng=1)
    >>> print(f"{np.linalg.norm(R, 2):.1f}")
    1.5
    """
    rows, columns = matrix_shape(shape)
    scale = positive_number("sigma", sigma) / np.sqrt(max(rows, columns))
    matrix = generator(rng).standard_normal((rows, columns))
    matrix *= scale
    return matrix


def _self_adjoint(n: int, draw: Entries, rng: np.random.Generator) -> AnyArray:
    """Draw the rows from the diagonal on, and mirror them."""
    matrix: AnyArray | None = None
    for top in range(0, n, _ROWS):
        end = min(top + _ROWS, n)
        strip = draw(rng, (end - top, n - top))
        if matrix is None:
            matrix = np.empty((n, n), dtype=strip.dtype)
        matrix[top:end, top:] = strip
        square = matrix[top:end, top:end]
        below = np.tril_indices(end - top, -1)
        square[below] = square.conj().T[below]
        matrix[end:, top:end] = matrix[top:end, end:].conj().T
    assert matrix is not None
    return matrix


def _gaussian(rng: np.random.Generator, size: Size) -> FloatArray:
    return rng.standard_normal(size)


def _complex_gaussian(rng: np.random.Generator, size: Size) -> ComplexArray:
    pairs = rng.standard_normal((*size, 2))
    pairs *= np.sqrt(0.5)
    return np.asarray(pairs.view(np.complex128)[..., 0])


def _rademacher(rng: np.random.Generator, size: Size) -> FloatArray:
    return np.asarray(2.0 * rng.integers(0, 2, size=size, dtype=np.int8) - 1.0)


def _uniform(rng: np.random.Generator, size: Size) -> FloatArray:
    return rng.uniform(-np.sqrt(3), np.sqrt(3), size=size)


def _student5(rng: np.random.Generator, size: Size) -> FloatArray:
    return np.asarray(rng.standard_t(5, size=size) / np.sqrt(5 / 3))


_ENTRIES: dict[str, Entries] = {
    "rademacher": _rademacher,
    "uniform": _uniform,
    "student5": _student5,
    "gaussian": _gaussian,
}


def _checked(entries: Entries, rng: np.random.Generator, size: Size) -> FloatArray:
    draws: Any = np.asarray(entries(rng, size))
    if draws.shape != size or draws.dtype.kind not in "fiu" or not np.isfinite(draws).all():
        raise InvalidInputError(
            f"`entries(rng, size)` must return finite real numbers of shape {size}. "
            f"Got an array of shape {draws.shape} and type {draws.dtype}."
        )
    return np.asarray(draws, dtype=np.float64)
