"""A matrix as the directions that its fit takes for signal, and a rest that can be drawn afresh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation import RectangularFit
from pastur.estimation._result.noise_used import NoiseName
from pastur.estimation._whitened.table import places_of
from pastur.estimation._whitened.variances import Variances

DECILES = 10


@dataclass(frozen=True, eq=False)
class MatrixParts:
    """W = signal + rest, in the coordinates in which the noise has one variance.

    Rows and columns of zeros are apart: nothing is put there.

    Attributes
    ----------
    w : array
        The matrix.
    left, values, right : arrays
        Singular value decomposition of the matrix, without rows and columns of zeros, and with
        their variances scaled to one where the noise has a profile.
    chosen : array of int
        Which of its directions are signal.
    noise : NoiseName
        The law of the rest.
    entry_sd : float
        Of an entry of the noise; not used where no law is claimed.
    variances : Variances or None
    """

    w: FloatArray
    left: FloatArray
    values: FloatArray
    right: FloatArray
    chosen: AnyArray
    noise: NoiseName
    entry_sd: float
    variances: Variances | None

    @classmethod
    def of(cls, w: AnyArray, fit: RectangularFit) -> MatrixParts:
        """Return the parts that a fit sees in a matrix.

        Under a law of noise the signal is its spikes; where none is claimed, the directions that
        stand out from the rest.
        """
        w = np.asarray(w, dtype=np.float64)
        noise = fit.noise.name
        free = noise == NoiseName.FREE
        variances = None
        if noise == NoiseName.PROFILE and fit.profile is not None:
            rows, columns = fit.profile.variances
            variances = Variances(rows[w.any(axis=1)], columns[w.any(axis=0)])
        inner = w[np.ix_(w.any(axis=1), w.any(axis=0))]
        inner = inner if variances is None else variances.whitened(inner)
        left, values, right = np.linalg.svd(inner, full_matrices=False)
        observed = (fit.standing_out if free else fit.spikes)["observed"]
        chosen = places_of(observed, values) if len(observed) else np.empty(0, dtype=np.intp)
        sd = 0.0 if free else float(fit.entry_sd)
        return cls(w, left, values, right, chosen, noise, sd, variances)

    @property
    def signal(self) -> FloatArray:
        """The directions that are signal, with their singular values."""
        u, s, v = self.left[:, self.chosen], self.values[self.chosen], self.right[self.chosen]
        return self._whole((u * s) @ v)

    @property
    def rest(self) -> FloatArray:
        """All else."""
        return self.w - self.signal

    def fresh(self, rng: np.random.Generator) -> FloatArray:
        """Return a rest of the same law, orthogonal to the signal on both sides.

        Given the signal's directions, the rest of a matrix with Gaussian noise is noise in their
        complement. Where no law is claimed, the rest keeps its singular values, and its directions
        are drawn from all that are orthogonal to the signal's.
        """
        u, v = self.left[:, self.chosen], self.right[self.chosen].T
        if self.noise == NoiseName.FREE:
            others = np.delete(self.values, self.chosen)
            turned = (_directions(u, others.size, rng), _directions(v, others.size, rng))
            return self._whole((turned[0] * others) @ turned[1].T)
        drawn = self.entry_sd * rng.normal(size=(len(u), len(v)))
        drawn -= u @ (u.T @ drawn)
        drawn -= (drawn @ v) @ v.T
        return self._whole(drawn)

    def without_deciles(self) -> Iterator[FloatArray]:
        """Yield W without each tenth of its own singular directions, the largest values first."""
        inner = self.w[np.ix_(*self._filled)]
        left, values, right = self.left, self.values, self.right
        if self.variances is not None:
            left, values, right = np.linalg.svd(inner, full_matrices=False)
        for part in np.array_split(np.arange(values.size), min(DECILES, values.size)):
            yield self._placed(inner - (left[:, part] * values[part]) @ right[part])

    @property
    def _filled(self) -> tuple[AnyArray, AnyArray]:
        return np.asarray(self.w.any(axis=1)), np.asarray(self.w.any(axis=0))

    def _whole(self, inner: FloatArray) -> FloatArray:
        """Return a matrix of the inner coordinates in those of W."""
        return self._placed(inner if self.variances is None else self.variances.restored(inner))

    def _placed(self, inner: FloatArray) -> FloatArray:
        whole = np.zeros_like(self.w)
        whole[np.ix_(*self._filled)] = inner
        return whole


def _directions(kept: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """Return `count` orthonormal columns, uniform among those orthogonal to `kept`."""
    drawn = rng.normal(size=(len(kept), count))
    drawn -= kept @ (kept.T @ drawn)
    q, r = np.linalg.qr(drawn)
    return np.asarray(q * np.sign(np.diag(r)))
