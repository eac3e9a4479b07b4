"""Singular values of dense matrices on a device of torch."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pastur._numerics.scaling import divided, largest_magnitude, safe_exponent
from pastur._numerics.singular_values import GRAM_LIMIT, singular_values
from pastur._typing import AnyArray, FloatArray


def singular_values_on(matrices: Sequence[AnyArray], device: Any) -> list[FloatArray]:
    """Return what `singular_values` does of each matrix, computed on `device`.

    Those of one shape and type are sent, and computed, together; only their singular values come
    back. All of it is in float64: by the Gram matrix, or by a decomposition where that would be
    inaccurate, so that every error stays below 1e-10·s₁. What the device has no room for, and what
    it does not solve, the CPU computes.

    Parameters
    ----------
    matrices : sequence of array, each of shape (n, m)
        Finite.
    device : torch.device
    """
    exponents = [safe_exponent(largest_magnitude(matrix)) for matrix in matrices]
    scaled = [divided(matrix, e) for matrix, e in zip(matrices, exponents, strict=True)]
    found: list[FloatArray] = [np.empty(0)] * len(matrices)
    for places in _alike(scaled):
        batch = _solved([scaled[place] for place in places], device)
        for place, values in zip(places, batch, strict=True):
            with np.errstate(over="ignore", under="ignore"):
                found[place] = np.asarray(np.ldexp(values, exponents[place]), dtype=np.float64)
    return found


def _alike(matrices: Sequence[AnyArray]) -> Iterable[list[int]]:
    """Return the places of the matrices of each shape and type."""
    places: dict[Any, list[int]] = {}
    for place, matrix in enumerate(matrices):
        places.setdefault((matrix.shape, matrix.dtype), []).append(place)
    return places.values()


def _solved(batch: Sequence[AnyArray], device: Any) -> Sequence[FloatArray]:
    """Return the singular values of matrices that are alike.

    A batch that fails is halved, so that it fails for the matrix at fault alone, and so that half
    the room will do.
    """
    import torch

    try:
        found = _on_device(batch, device)
    except (torch.OutOfMemoryError, torch.linalg.LinAlgError):
        if len(batch) == 1:
            return [singular_values(batch[0])]
        half = len(batch) // 2
        return [*_solved(batch[:half], device), *_solved(batch[half:], device)]
    return [
        values if np.isfinite(values).all() else singular_values(matrix)
        for matrix, values in zip(batch, found, strict=True)
    ]


def _on_device(batch: Sequence[AnyArray], device: Any) -> FloatArray:
    """Return the singular values of each matrix, descending, one matrix a row."""
    import torch

    w = torch.from_numpy(np.stack(batch)).to(device).double()
    gram = w @ w.mT if w.shape[1] <= w.shape[2] else w.mT @ w
    squares = torch.linalg.eigvalsh(gram)
    del gram
    values = squares.clamp(min=0).sqrt().flip(-1)
    inaccurate = ~(squares[:, 0] > GRAM_LIMIT**2 * squares[:, -1])
    if inaccurate.any():
        values[inaccurate] = torch.linalg.svdvals(w[inaccurate])
    return np.asarray(values.cpu().numpy(), dtype=np.float64)
