"""Inverting an increasing function on brackets, many targets at once."""

from collections.abc import Callable

import numpy as np

from pastur._typing import FloatArray


def invert_increasing(
    f: Callable[[FloatArray], FloatArray],
    low: FloatArray,
    high: FloatArray,
    target: FloatArray,
) -> FloatArray:
    """Solve f(x) = target with x in [low, high], for each bracket, f continuous and non-decreasing.

    Chandrupatla's method (1997): inverse quadratic interpolation where it is safe, bisection
    otherwise. Stops at brackets of two units in the last place, so the result is as good as f is.
    """
    a, b = high.astype(np.float64), low.astype(np.float64)
    fa, fb = f(a) - target, f(b) - target
    c, fc = a.copy(), fa.copy()
    t = np.full_like(a, 0.5)
    done = np.zeros(a.shape, dtype=bool)
    best = np.where(np.abs(fa) < np.abs(fb), a, b)
    for _ in range(200):
        x = a + t * (b - a)
        fx = f(x) - target
        same = np.sign(fx) == np.sign(fa)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        best = np.where(done, best, np.where(np.abs(fa) < np.abs(fb), a, b))
        width = np.abs(b - a)
        tolerance = 2 * np.finfo(float).eps * np.maximum(np.abs(best), np.finfo(float).tiny)
        done |= (width <= tolerance) | (fx == 0)
        if done.all():
            break
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            interpolate = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
            step = fa / (fb - fa) * fc / (fb - fc)
            step += (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
            lower = np.minimum(0.5, 0.5 * tolerance / width)
        t = np.where(interpolate & np.isfinite(step), step, 0.5)
        t = np.clip(t, np.nan_to_num(lower, nan=0.5), 1 - np.nan_to_num(lower, nan=0.5))
    return best
