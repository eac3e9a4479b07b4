"""Numbers rounded to a few bits: codes, steps, packed bytes, and the error to expect."""

from dataclasses import dataclass
from functools import lru_cache
from math import comb, erf, exp, inf, isfinite, pi, sqrt

import numpy as np

from pastur._errors import InvalidInputError
from pastur._typing import AnyArray, FloatArray
from pastur.compression._matrix.blocks import row_blocks, rows_of

BITS = tuple(range(2, 9))
# Neighbours in a row that share a step.
GROUP = 32


@dataclass(frozen=True, eq=False)
class Codes:
    """A matrix as whole numbers times steps.

    Attributes
    ----------
    codes : array of uint8, shape (n, m)
        Each less than 2**bits.
    steps : array of float16, shape (n, g)
        One for each `group` neighbours in a row, in units of `scale`, so that they are at most 1.
    scale : float
        A number of float32.
    bits, group : int
    offset : float
        What is subtracted from a code before it is multiplied.
    """

    codes: AnyArray
    steps: AnyArray
    scale: float
    bits: int
    group: int
    offset: float

    def dense(self) -> FloatArray:
        """Return the matrix."""
        return self.rows(slice(None))

    def rows(self, part: slice) -> FloatArray:
        """Return some rows of the matrix."""
        steps = _spread(self.steps[part], self.scale, self.group, self.codes.shape[1])
        return np.asarray((self.codes[part] - self.offset) * steps)

    def packed(self) -> AnyArray:
        """Return the codes with their bits next to one another, each row from a new byte on."""
        rows, columns = self.codes.shape
        found = np.empty((rows, -(-columns * self.bits // 8)), dtype=np.uint8)
        for part in row_blocks(self.codes.shape):
            codes = self.codes[part]
            planes = np.unpackbits(codes[:, :, None], axis=2)[:, :, 8 - self.bits :]
            found[part] = np.packbits(planes.reshape(len(codes), -1), axis=1)
        return found


def unpacked(packed: AnyArray, columns: int, bits: int) -> AnyArray:
    """Return the codes that `Codes.packed` was made of."""
    found = np.empty((len(packed), columns), dtype=np.uint8)
    for part in row_blocks(found.shape):
        planes = np.unpackbits(packed[part], axis=1, count=columns * bits)
        planes = planes.reshape(-1, columns, bits)
        whole = np.zeros((*planes.shape[:2], 8), dtype=np.uint8)
        whole[:, :, 8 - bits :] = planes
        found[part] = np.packbits(whole, axis=2)[:, :, 0]
    return found


def rounded(w: AnyArray, bits: int) -> Codes:
    """Return `w` rounded to the nearest of 2**bits − 1 levels, symmetric around 0, by groups.

    The step is the largest size in the group over 2**(bits−1) − 1.
    """
    most = 2 ** (bits - 1) - 1
    starts = np.arange(0, w.shape[1], GROUP)
    tops = np.empty((len(w), starts.size))
    for part in row_blocks(w.shape):
        tops[part] = np.maximum.reduceat(np.abs(w[part]), starts, axis=1)
    return _coded(w, tops / most, bits, GROUP, float(most), 2 * most)


def split_rounded(rest: AnyArray, bits: int) -> Codes:
    """Return `rest` rounded to 2**bits levels, the step of each row best for Gaussian entries."""
    most = 2**bits - 1
    level = np.empty((len(rest), 1))
    for part in row_blocks(rest.shape):
        level[part] = np.sqrt(np.mean(rows_of(rest)(part) ** 2, axis=1, keepdims=True))
    return _coded(rest, best_step(bits) * level, bits, rest.shape[1], most / 2, most)


def _coded(
    w: AnyArray, steps: FloatArray, bits: int, group: int, offset: float, most: int
) -> Codes:
    with np.errstate(over="ignore", under="ignore"):
        scale = float(np.float32(steps.max()))
    if not np.isfinite(scale) or (scale == 0 and steps.any()):
        raise InvalidInputError(
            "Numbers beyond float32 cannot be rounded to steps, which are held in it."
        )
    relative = (steps / scale if scale > 0 else np.zeros_like(steps)).astype(np.float16)
    codes = np.empty(w.shape, dtype=np.uint8)
    for part in row_blocks(w.shape):
        wide = _spread(relative[part], scale, group, w.shape[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            found = w[part] / wide
        if not relative[part].all():
            found[wide == 0] = 0.0
        found += offset
        np.rint(found, out=found)
        codes[part] = np.clip(found, 0, most, out=found)
    return Codes(codes, relative, scale, bits, group, offset)


def _spread(steps: AnyArray, scale: float, group: int, columns: int) -> FloatArray:
    """Return the step of each entry."""
    # A file may name groups longer than its rows, of any length.
    wide = np.repeat(steps.astype(np.float64) * scale, min(group, columns), axis=1)
    return np.asarray(wide[:, :columns])


# --- rounding a Gaussian variable ---


@lru_cache
def best_step(bits: int) -> float:
    """Return the step, in standard deviations, with the least mean square error (Max 1960)."""
    low, high = 0.01, 2.5
    golden = (sqrt(5) - 1) / 2
    for _ in range(80):
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, b) if _mean_square(a, bits) < _mean_square(b, bits) else (a, high)
    return (low + high) / 2


@lru_cache
def gaussian_error(bits: int) -> tuple[float, float]:
    """Return mean and variance of the squared error of a standard normal variable at `best_step`.

    Examples
    --------
    >>> [round(gaussian_error(bits)[0], 5) for bits in (2, 3, 4)]
    [0.11885, 0.03744, 0.01154]
    """
    step = best_step(bits)
    mean = _mean_square(step, bits)
    return mean, _moment(step, bits, 4) - mean**2


def _mean_square(step: float, bits: int) -> float:
    return _moment(step, bits, 2)


def _moment(step: float, bits: int, power: int) -> float:
    """Return E(x − Q(x))^power for Q with 2**bits levels at ±step/2, ±3step/2, …"""
    half = 2 ** (bits - 1)
    total = 0.0
    for place in range(half):
        low = place * step
        high = (place + 1) * step if place < half - 1 else inf
        total += 2 * _cell(low, high, (place + 0.5) * step, power)
    return total


def _cell(low: float, high: float, centre: float, power: int) -> float:
    """Return ∫ (x − centre)^power φ(x) dx over a cell, by the moments of the normal law."""
    moments = [_normal_cdf(high) - _normal_cdf(low), _density(low) - _density(high)]
    for k in range(2, power + 1):
        ends = _end(low, k - 1) - _end(high, k - 1)
        moments.append((k - 1) * moments[k - 2] + ends)
    return sum(comb(power, k) * (-centre) ** (power - k) * moments[k] for k in range(power + 1))


def _normal_cdf(x: float) -> float:
    return (1 + erf(x / sqrt(2))) / 2


def _density(x: float) -> float:
    return exp(-x * x / 2) / sqrt(2 * pi) if isfinite(x) else 0.0


def _end(x: float, power: int) -> float:
    return x**power * _density(x) if isfinite(x) else 0.0
