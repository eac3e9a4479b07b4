"""Spectra of signal plus noise, and the truth about them."""

from dataclasses import dataclass

import numpy as np

from pastur import DeformedWigner, Empirical, InformationPlusNoise
from pastur._typing import FloatArray

# One number is the size of a symmetric matrix.
Shape = tuple[int, int] | int

SHAPES: list[Shape] = [(500, 500), (500, 1000), (250, 1000), 1000]
SHARES = [0.01, 0.05, 0.1, 0.2, 0.3]
RANGES = [(1.5, 4.0), (1.1, 2.0)]


@dataclass(frozen=True)
class Cell:
    """One setting: shape, rank over size, spikes in critical units."""

    shape: Shape
    share: float
    low: float
    high: float

    @property
    def symmetric(self) -> bool:
        return isinstance(self.shape, int)

    @property
    def sides(self) -> tuple[int, int]:
        return (self.shape, self.shape) if isinstance(self.shape, int) else self.shape

    @property
    def ratio(self) -> float:
        return self.sides[0] / self.sides[1]

    @property
    def critical(self) -> float:
        return 1.0 if self.symmetric else self.ratio**0.25

    @property
    def rank(self) -> int:
        return round(self.share * self.sides[0])

    @property
    def name(self) -> str:
        return f"{shape_name(self.shape)}, {100 * self.share:.0f} %, [{self.low}, {self.high}]"

    def generator(self, seed: int, draw: int) -> np.random.Generator:
        key = [
            seed,
            draw,
            *self.sides,
            int(self.symmetric),
            int(1000 * self.share),
            int(10 * self.low),
        ]
        return np.random.default_rng(key)


def shape_name(shape: Shape) -> str:
    return f"symmetric {shape}" if isinstance(shape, int) else "{} × {}".format(*shape)


def cells() -> list[Cell]:
    return [Cell(shape, share, *ends) for shape in SHAPES for ends in RANGES for share in SHARES]


def spikes(cell: Cell, rng: np.random.Generator) -> FloatArray:
    """Spikes θ, descending, σ = 1."""
    result: FloatArray = cell.critical * np.sort(rng.uniform(cell.low, cell.high, cell.rank))[::-1]
    return result


def noise(sides: tuple[int, int], rng: np.random.Generator, *, symmetric: bool) -> FloatArray:
    n, m = sides
    w = rng.normal(size=(n, m))
    result: FloatArray = (w + w.T) / np.sqrt(2 * n) if symmetric else w / np.sqrt(m)
    return result


def spectrum(cell: Cell, theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Eigenvalues or singular values, descending; Gaussian noise lets S be diagonal."""
    w = noise(cell.sides, rng, symmetric=cell.symmetric)
    index = np.arange(theta.size)
    w[index, index] += theta
    if cell.symmetric:
        return np.asarray(np.linalg.eigvalsh(w)[::-1], dtype=np.float64)
    result: FloatArray = np.sqrt(np.maximum(np.linalg.eigvalsh(w @ w.T)[::-1], 0.0))
    return result


def detached(cell: Cell, theta: FloatArray) -> int:
    """How many spikes have their predicted value beyond the interval that contains the noise."""
    n = cell.sides[0]
    signal = np.concatenate([theta, np.zeros(n - theta.size)])
    model: DeformedWigner | InformationPlusNoise
    if cell.symmetric:
        model = DeformedWigner(Empirical(signal))
        low, high = model.critical_spikes.reshape(-1, 2).T
        edge = model.law.support[np.flatnonzero((low < 0) & (high > 0))[0], 1]
    else:
        model = InformationPlusNoise(Empirical(signal**2), ratio=cell.ratio)
        edge = model.law.support[0, 1]
    return round(n * float(model.law.sf(edge)))
