"""Quadrature over many intervals at once, for integrands that are cheap on vectors."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pastur._errors import NumericalError
from pastur._typing import AnyArray, FloatArray

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_TOLERANCE = 1e-13
# Panels, besides 20 for each interval, after which what was reached is judged.
_MAX_PANELS = 20_000

Integrand = Callable[[FloatArray, Any], AnyArray]


def integrate_intervals(f: Integrand, ends: FloatArray) -> Any:
    """Integrate f over intervals and add up; f may grow like 1/√ at the ends of each.

    The substitution t = centre + radius·sin φ turns square roots and inverse square roots at the
    ends into smooth functions. Gauss's rule on a panel is compared with that on its halves, and
    halved panels are kept until they agree to 1e-13 of the integral of |f|.

    Parameters
    ----------
    f : callable
        ``f(t, index)`` for vectors of points and of the intervals that they lie in; the values have
        shape (n,) or (n, …), and the largest component counts.
    ends : array, shape (k, 2)

    Raises
    ------
    NumericalError
        If the panels do not agree to 1e-8 of the integral of |f|.
    """
    index = np.repeat(np.arange(len(ends)), 2)
    panels = np.tile([[-np.pi / 2, 0.0], [0.0, np.pi / 2]], (len(ends), 1))
    coarse, size = _gauss(f, ends, index, panels)
    scale = max(float(size.sum()), float(np.finfo(float).tiny))
    total, error, settled, spent = 0 * coarse.sum(axis=0), 0.0, 0.0, 0
    while index.size:
        middle = panels.mean(axis=1)
        halves = np.column_stack([panels[:, 0], middle, middle, panels[:, 1]]).reshape(-1, 2)
        fine, size = _gauss(f, ends, np.repeat(index, 2), halves)
        pairs = fine.reshape(index.size, 2, *fine.shape[1:]).sum(axis=1)
        gap = _largest(pairs - coarse)
        # A peak that was missed at first shows its size later.
        scale = max(scale, settled + float(size.sum()))
        spent += index.size
        done = (gap <= _TOLERANCE * scale) | (spent > _MAX_PANELS + 20 * len(ends))
        total, error = total + pairs[done].sum(axis=0), error + float(gap[done].sum())
        left = np.repeat(~done, 2)
        settled += float(size[~left].sum())
        index, panels, coarse = np.repeat(index, 2)[left], halves[left], fine[left]
    if not error <= 1e-8 * scale:
        raise NumericalError(
            f"Quadrature over {len(ends)} intervals from {ends.min():g} to {ends.max():g} reached "
            f"an error of {error / scale:.1e} of the integral's scale only, 1e-8 is required. "
            "The integrand is too rough or not integrable there."
        )
    return total


def _gauss(
    f: Integrand, ends: FloatArray, index: Any, panels: FloatArray
) -> tuple[AnyArray, FloatArray]:
    """Return Gauss's rule for f and for |f| on each panel of angles."""
    half = (panels[:, 1] - panels[:, 0]) / 2
    angle = panels.mean(axis=1)[:, None] + half[:, None] * _NODES
    low, high = ends[index].T[:, :, None]
    # Distances from the nearer end keep their digits: 1 ∓ sin φ = 2 sin²((π/2 ∓ φ)/2).
    reach = (high - low) * np.sin((np.pi / 2 - np.abs(angle)) / 2) ** 2
    t = np.where(angle > 0, high - reach, low + reach)
    weight = (high - low) / 2 * np.cos(angle) * half[:, None] * _WEIGHTS
    values = np.asarray(f(t.ravel(), np.repeat(index, _NODES.size)))
    values = values.reshape(*t.shape, *values.shape[1:])
    size = (_largest(values.reshape(t.size, *values.shape[2:])).reshape(t.shape) * weight).sum(1)
    return np.einsum("ij...,ij->i...", values, weight), size


def _largest(values: AnyArray) -> FloatArray:
    """Size of the largest component of each row."""
    return np.asarray(np.abs(values).reshape(len(values), -1).max(axis=1))
