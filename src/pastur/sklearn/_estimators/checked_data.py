"""The data of an estimator, accepted by scikit-learn and by the fits."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from pastur._arrays import UnfitError, as_array, speaks_torch
from pastur._checks import real_array
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import FloatArray

# Relative to the largest entry: rounding leaves a symmetric matrix no less symmetric than that.
_ASYMMETRY = 1e-9


def checked_data(estimator: BaseEstimator, X: Any, **options: Any) -> FloatArray:
    """Return `X` in float64; the options are those of scikit-learn's `validate_data`.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        Unless both scikit-learn and the fits accept it.
    """
    try:
        # Without a mask: scikit-learn would ignore it.
        plain = as_array(X) if speaks_torch(X) or isinstance(X, np.ma.MaskedArray) else X
        with np.errstate(over="ignore"):
            validate_data(estimator, plain, dtype=np.float64, **options)
    except UnfitError as error:
        raise InvalidInputError(f"`X` must hold numbers. It {error}.") from None
    except TypeError as error:
        raise InvalidTypeError(str(error)) from error
    except (ValueError, OverflowError, RuntimeError) as error:
        message = str(error)
        if "contains NaN" in message:
            message = f"{message.splitlines()[0]} A matrix with gaps goes to `fit_incomplete`."
        raise InvalidInputError(message) from error
    return np.asarray(real_array("X", plain), dtype=np.float64)


def refuse_tables(x: FloatArray) -> None:
    """Raise where `x` is a matrix of covariances or correlations, not data.

    Raises
    ------
    InvalidInputError
        Where it is square and symmetric, and no entry exceeds the root of the product of those on
        the diagonal: no data are.
    """
    if x.shape[0] != x.shape[1]:
        return
    diagonal, least = np.diagonal(x), _ASYMMETRY * float(np.abs(x).max())
    if not ((diagonal > 0).all() and np.allclose(x, x.T, rtol=0, atol=least)):
        return
    root = np.sqrt(diagonal)
    if (np.abs(x) > np.multiply.outer(root, root) + least).any():
        return
    of = "correlations" if np.allclose(diagonal, 1.0, rtol=0, atol=_ASYMMETRY) else "covariances"
    raise InvalidInputError(
        f"`X` is a matrix of {of}: it is symmetric, of {len(x)} × {len(x)}, and no data are. Give "
        "the data from which it was computed, one row for each sample. If only the matrix is left, "
        "of n > p samples, its eigenvalues have the count and the strengths: "
        "`fit_rectangular(singular_values=np.sqrt((n - 1) * np.linalg.eigvalsh(X).clip(0)), "
        "shape=(n - 1, p))`."
    )
