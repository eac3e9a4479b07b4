"""How far a spectrum is from what the deconvolution found, off all that the fit could follow.

Masses that cannot be negative and may move follow the residual in more directions than there are
masses, and less than freely: their number is no count of degrees of freedom. So the directions in
which they could have moved are left out altogether, and in the others the residual is what it is.
"""

import numpy as np

from pastur._typing import FloatArray

# A mass may lie as far as two neighbours on the grid away: about as far as a spike strays.
_NEIGHBOURS = 2
# Directions in which that moves the spectrum by less, in standard deviations, are not left out.
_NOTICED = 0.05


def misfit_off_masses(
    residual: FloatArray, columns: FloatArray, weights: FloatArray, *others: FloatArray
) -> tuple[float, int]:
    """Return the sum of squares of the residual off all that could follow it, and its freedom.

    Parameters
    ----------
    residual : array
        With unit covariance.
    columns, weights : array
        Of the masses on the grid.
    *others : array
        More directions to be left out.
    """
    around = weights
    for _ in range(_NEIGHBOURS):
        around = np.maximum(around, np.append(around[1:], 0.0))
        around = np.maximum(around, np.append(0.0, around[:-1]))
    basis = np.linalg.qr(np.column_stack(others))[0]
    moved = (columns * around)[:, around > 0]
    left, size, _ = np.linalg.svd(moved - basis @ (basis.T @ moved), full_matrices=False)
    basis = np.column_stack([basis, left[:, size > _NOTICED]])
    rest = residual - basis @ (basis.T @ residual)
    return float(rest @ rest), max(residual.size - basis.shape[1], 1)
