"""Pure noise of the two models: its law and its edge, with any number of spikes taken out.

Strong spikes take one row and one column of noise each with them: what is left after k of them
is noise of n − k by m − k, with the entries it had. Their finite strength is `count_shift`'s part.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from pastur._typing import FloatArray
from pastur.estimation._kinds.noise_law import NoiseLaw


class NoiseModel(Protocol):
    """What the estimator needs to know of the noise."""

    power: ClassVar[int]
    sides: ClassVar[int]

    @property
    def size(self) -> int:
        """Number of eigenvalues or singular values."""

    def law(self, removed: int) -> NoiseLaw:
        """Law of what is left after `removed` spikes, σ = 1."""

    def edge_scale(self, removed: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Centring and scale of the Tracy–Widom law of the largest value left, σ = 1."""


@dataclass(frozen=True)
class RectangularNoise:
    """Noise of `size` × `columns`, size ≤ columns, entries of standard deviation σ/√columns.

    The law is of squared singular values, the edge is one of singular values. Only the upper edge
    is watched: a signal of low rank puts no singular value below the bulk.
    """

    size: int
    columns: int
    power: ClassVar[int] = 2
    sides: ClassVar[int] = 1

    def law(self, removed: int) -> NoiseLaw:
        """Marchenko–Pastur law of (size − removed) × (columns − removed)."""
        rows, columns = self.size - removed, self.columns - removed
        scale, ratio = columns / self.columns, rows / columns
        root = float(np.sqrt(ratio))
        return NoiseLaw(rows, root, scale * (1 + ratio), 2 * scale * root)

    def edge_scale(self, removed: FloatArray) -> tuple[FloatArray, FloatArray]:
        """√E_n and (κn)^(−2/3)/(2√E), E = (1 + √c)², κ = 1/(c^(3/4)(1 + √c)²).

        ``E_n = E(1 − √c/(2n))`` is the centring that takes the error of the Tracy–Widom
        approximation to order n^(−2/3) (Ma 2012; Johnstone 2001 for the scale).
        """
        rows, columns = self.size - removed, self.columns - removed
        root = np.sqrt(rows / columns)
        reach = 1 + root
        scale = np.sqrt(columns / self.columns)
        squared_scale = rows ** (-2 / 3) * root * reach ** (4 / 3)
        centring = reach * np.sqrt(1 - root / (2 * rows))
        return scale * centring, scale * squared_scale / (2 * reach)


@dataclass(frozen=True)
class SymmetricNoise:
    """Noise of `size` × `size`, off-diagonal entries of standard deviation σ/√size."""

    size: int
    power: ClassVar[int] = 1
    sides: ClassVar[int] = 2

    def law(self, removed: int) -> NoiseLaw:
        """Semicircle law of size − removed eigenvalues."""
        rows = self.size - removed
        return NoiseLaw(rows, 0.0, 0.0, 2 * float(np.sqrt(rows / self.size)))

    def edge_scale(self, removed: FloatArray) -> tuple[FloatArray, FloatArray]:
        """2 − 1/(2N) and N^(−2/3), each edge being the mirror image of the other."""
        rows = self.size - removed
        scale = np.sqrt(rows / self.size)
        return scale * (2 - 1 / (2 * rows)), scale * rows ** (-2 / 3)
