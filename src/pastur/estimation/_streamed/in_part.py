"""The ends of a spectrum one by one and the rest on average, from products with the matrix."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pastur._numerics.block_lanczos import BlockLanczos, Ritz
from pastur._typing import AnyArray, FloatArray
from pastur.estimation._observed.entries import EntryDiagnosis, diagnose_entries
from pastur.estimation._observed.spectrum import Observation, streamed_spectrum
from pastur.estimation._result.partial_spectrum import PartialSpectrum
from pastur.estimation._streamed.sources import Source

_VECTORS = 16
# A spike of so many times the critical strength is found in the first steps: the share of a random
# vector in its direction, 1/√n, grows by e^(2√δ) a step, δ the distance of its outlier from the
# bulk over the width of the bulk.
_STRENGTH, _GROWTH = 1.15, 20.0
_MOST_STEPS = 64
# A value is known where its error is this share of √(mean square/m), by which outliers stray.
_ACCURACY = 0.1
# Before that a product in single precision is in doubt: its errors are of this times the largest.
_SINGLE = 4 * float(np.finfo(np.float32).eps)


class InPart:
    """The part of a spectrum that so many products show, to be extended until it is enough.

    Parameters
    ----------
    source : Source
    seed : int
        Of the random vectors.
    entries : array, optional
        The whole matrix, where it is at hand, for its entries to be checked.
    exponent : int
        The matrix is 2 to this times the source.
    """

    def __init__(
        self, source: Source, seed: int, entries: AnyArray | None = None, exponent: int = 0
    ) -> None:
        self._entries: AnyArray | None = entries
        self._exponent = exponent
        self._diagnosis: EntryDiagnosis | None = None
        self._source, self._survey, self._seed = source, source.survey(), seed
        short, long = sorted(source.shape)
        self._lines = np.ones(short, dtype=bool) if self._survey is None else self._survey.lines
        self._size = int(np.count_nonzero(self._lines))
        self._long = long if self._survey is None else self._survey.across
        self._double = self._survey is None or not self._survey.single
        self._krylov = self._started()
        # Enough to see whether single precision will do.
        self._krylov.extend(2)
        if not self._double and self._needs_double(self._krylov.ritz()):
            self._double = True
            self._krylov = self._started()

    @property
    def first_steps(self) -> int:
        """Steps after which spikes well above the critical strength are found."""
        delta = (_STRENGTH - 1 / _STRENGTH) ** 2 / 4
        share = (self._size / _VECTORS) ** 0.5
        return min(int(np.ceil(np.log(share * _GROWTH) / (2 * delta**0.5))), self._most)

    @property
    def steps(self) -> int:
        """Steps taken."""
        return self._krylov.steps

    @property
    def ended(self) -> bool:
        """Whether no further step can be taken."""
        return self._krylov.exhausted or self.steps >= self._most

    def extend(self, steps: int) -> None:
        """Take further steps."""
        self._krylov.extend(min(steps, self._most - self.steps))

    @property
    def _most(self) -> int:
        return min(_MOST_STEPS, self._size // (2 * _VECTORS))

    def observation(self) -> Observation:
        """Return the spectrum: the known values, and others as the random vectors show them."""
        ritz = self._krylov.ritz()
        known, errors = self._known(ritz)
        leading, nodes, weights = ritz.values[:known], ritz.values[known:], ritz.weights[known:]
        nodes = np.where(nodes > self._rounding(ritz), nodes, 0.0)
        weights = weights / weights.sum()
        others = self._size - known
        mean, deviation = float(weights @ nodes), 0.0
        spread = float(weights @ (nodes - mean) ** 2)
        if self._survey is None:
            deviation = (2 * spread / (_VECTORS * others)) ** 0.5 / (mean or 1.0)
        elif spread > 0:
            # The mean is known exactly; what else is correlated with it follows (regression).
            exact = (self._survey.energy - float(leading.sum())) / others
            weights = weights * np.maximum(1 + (exact - mean) / spread * (nodes - mean), 0.0)
            weights /= weights.sum()
        bulk = _placed(nodes[::-1], weights[::-1], others)[::-1]
        values = np.sqrt(np.concatenate([leading, np.minimum(bulk, _last(leading))]))
        with np.errstate(over="ignore"):
            values = np.ldexp(values, self._exponent)
        error = float((errors / (2 * np.sqrt(leading))).max(initial=0.0))
        partial = PartialSpectrum(
            known,
            float(np.ldexp(error, self._exponent)),
            _VECTORS,
            self.steps,
            deviation,
        )
        short = min(self._source.shape)
        wide = self._source.shape[0] <= self._source.shape[1]
        inner = (self._size, self._long) if wide else (self._long, self._size)
        values = np.append(values, np.zeros(short - self._size))
        found = streamed_spectrum(self._source.shape, inner, values, partial)
        if self._entries is None:
            return found
        if self._diagnosis is None:
            # Of the values it needs the second and fourth moments, which hardly move any more.
            self._diagnosis = diagnose_entries(self._entries, values)
        return replace(found, diagnosis=self._diagnosis, matrix=self._entries, streamed=False)

    def _known(self, ritz: Ritz) -> tuple[int, FloatArray]:
        """Return how many of the largest are known well enough, and bounds of their errors."""
        errors = ritz.errors(ritz.values.size)
        scale = (self._mean_square(ritz) / self._long) ** 0.5
        least = self._rounding(ritz)
        far = 2 * _ACCURACY * scale * np.sqrt(np.maximum(ritz.values, 0.0))
        enough = (errors <= np.maximum(far, least)) & (ritz.values > least)
        # Some are left to stand for all others.
        enough[min(self._size // 2, enough.size - 1) :] = False
        known = int(np.argmin(enough))
        return known, errors[:known]

    def _rounding(self, ritz: Ritz) -> float:
        """Return what an eigenvalue that is 0 may come out as."""
        epsilon = np.finfo(np.float64 if self._double else np.float32).eps
        return float(self._size**0.5 * epsilon * ritz.values[0])

    def _mean_square(self, ritz: Ritz) -> float:
        """Return the mean eigenvalue without the largest few, which may be of signal."""
        nodes, weights = ritz.values[_VECTORS:], ritz.weights[_VECTORS:]
        return float(weights @ nodes / max(weights.sum(), 1e-300))

    def _needs_double(self, ritz: Ritz) -> bool:
        usual = self._mean_square(ritz)
        return bool(_SINGLE * ritz.values[0] > _ACCURACY * 2 * usual / self._long**0.5)

    def _started(self) -> BlockLanczos:
        start = np.random.default_rng(self._seed).standard_normal((self._lines.size, _VECTORS))
        start[~self._lines] = 0.0
        return BlockLanczos(self._product, np.linalg.qr(start)[0])

    def _product(self, vectors: FloatArray) -> FloatArray:
        return self._source.gram_product(vectors, double=self._double)


def _last(leading: FloatArray) -> float:
    return float(leading[-1]) if leading.size else np.inf


def _placed(nodes: FloatArray, weights: AnyArray, count: int) -> FloatArray:
    """Return `count` values with the distribution of ascending nodes, spread between these."""
    below = np.cumsum(weights) - weights / 2
    return np.asarray(np.interp((np.arange(count) + 0.5) / count, below, nodes))
