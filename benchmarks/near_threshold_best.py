"""The best upper ends of intervals near the threshold: σ known, from the exact law of the outlier.

    python benchmarks/near_threshold_best.py [--draws 4000] [--seed 0]

The largest value of Gaussian noise and one spike is drawn for each of a grid of strengths, and kept
where it is beyond the edge at alpha = 0.05. An upper end for a value is the strength of which so
small a value, kept, has the chance 0.025 (the upper half of an interval of 95 %) or 0.05 (all of
it). Each cell has the median over the values kept: no interval that knows less, σ not even, and is
right given detection has a lower one at the same chance.
"""

import argparse
from collections.abc import Sequence

import numpy as np
from near_threshold import SHAPES
from scipy.linalg import eigvalsh_tridiagonal

from pastur._typing import FloatArray
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._kinds.symmetric import SymmetricKind
from pastur.estimation._low_rank.edge import noise_edges

FACTORS = (1.0, 1.05, 1.1, 1.2)
GRID = np.arange(1.0, 3.0001, 0.05)
TAILS = (0.025, 0.05)


def largest_singular_value(n: int, m: int, theta: float, rng: np.random.Generator) -> float:
    """Of noise, its entries of variance 1/m, and a spike in the corner, made bidiagonal."""
    diagonal = np.sqrt(rng.chisquare(m - np.arange(n)))
    diagonal[0] = np.sqrt((theta * m**0.5 + rng.normal()) ** 2 + rng.chisquare(m - 1))
    below = np.sqrt(rng.chisquare(n - 1 - np.arange(n - 1)))
    squares = diagonal**2
    squares[1:] += below**2
    top = eigvalsh_tridiagonal(
        squares, diagonal[:-1] * below, select="i", select_range=(n - 1, n - 1)
    )
    return float(np.sqrt(top[0] / m))


def largest_eigenvalue(size: int, theta: float, rng: np.random.Generator) -> float:
    """Of noise of the orthogonal ensemble and a spike in the corner, made tridiagonal."""
    diagonal = rng.normal(size=size) * (2 / size) ** 0.5
    diagonal[0] += theta
    beside = np.sqrt(rng.chisquare(size - 1 - np.arange(size - 1)) / size)
    top = eigvalsh_tridiagonal(diagonal, beside, select="i", select_range=(size - 1, size - 1))
    return float(top[0])


def kept(shape: tuple[int, int] | int, factor: float, draws: int, seed: int) -> FloatArray:
    """Return the values beyond the edge, ascending."""
    rng = np.random.default_rng([seed, round(100 * factor)])
    if isinstance(shape, int):
        kind: Kind = SymmetricKind(shape)
        found = [largest_eigenvalue(shape, factor, rng) for _ in range(draws)]
    else:
        kind, theta = RectangularKind(*shape), factor * (shape[0] / shape[1]) ** 0.25
        found = [largest_singular_value(*shape, theta, rng) for _ in range(draws)]
    edge = noise_edges(kind.noise, 0.05).edge[0]
    return np.sort([value for value in found if value > edge])


def median_upper_end(values: FloatArray, kept_of: Sequence[FloatArray], tail: float) -> float:
    """Return the median over the values of the strength that gives less with this chance."""
    median = float(np.median(values))
    # Along the strengths the chance falls; an upper end grows with the value.
    chances = np.array([np.searchsorted(one, median) / one.size for one in kept_of])
    return float(np.interp(-tail, -chances, GRID))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    print("| matrix |", " | ".join(f"{factor} × critical" for factor in FACTORS), "|")
    print("|---" * (len(FACTORS) + 1) + "|")
    for shape in SHAPES:
        kept_of = [kept(shape, factor, options.draws, options.seed) for factor in GRID]
        name = f"symmetric {shape}" if isinstance(shape, int) else "{} × {}".format(*shape)
        cells = []
        for factor in FACTORS:
            values = kept(shape, factor, options.draws, options.seed + 1)
            ends = [median_upper_end(values, kept_of, tail) for tail in TAILS]
            cells.append(", ".join(f"{end:.2f}" for end in ends))
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
