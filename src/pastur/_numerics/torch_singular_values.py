"""Singular values of a dense matrix on a device of torch."""

from typing import Any

import numpy as np

from pastur._numerics.scaling import divided, largest_magnitude, safe_exponent
from pastur._numerics.singular_values import roots_of_gram, singular_values
from pastur._typing import AnyArray, FloatArray


def singular_values_on(matrix: AnyArray, device: Any) -> FloatArray:
    """Return what `singular_values` does, its Gram matrix and eigenvalues computed on `device`.

    All of it is in float64. Where the Gram route would be inaccurate, and where the device has no
    room for the matrix, the CPU computes, so that every error stays below 1e-10·s₁.

    Parameters
    ----------
    matrix : array, shape (n, m)
        Finite.
    device : torch.device
    """
    largest = largest_magnitude(matrix)
    exponent = safe_exponent(largest)
    values = _by_gram(divided(matrix, exponent), device) if largest else None
    if values is None:
        return singular_values(matrix)
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(values, exponent), dtype=np.float64)


def _by_gram(matrix: AnyArray, device: Any) -> FloatArray | None:
    import torch

    try:
        w = torch.tensor(matrix, device=device).double()
        gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
        del w
        squares = torch.linalg.eigvalsh(gram).cpu().numpy()
    except (torch.OutOfMemoryError, torch.linalg.LinAlgError):
        return None
    return roots_of_gram(squares)
