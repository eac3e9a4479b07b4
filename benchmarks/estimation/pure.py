"""Pure noise: false spikes, coverage of σ, rejected bulks.

The singular values of Gaussian noise are drawn from the bidiagonal model, the eigenvalues of the
orthogonal ensemble from the tridiagonal one (Dumitriu, Edelman 2002): exact in law at every size.
Each rate stands beside the 99.9 % interval of a binomial law with the rate it should have.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.linalg import eigvalsh_tridiagonal
from scipy.stats import binom

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, SymmetricFit

SHAPES: list[tuple[int, int] | int] = [
    (100, 100),
    (100, 1000),
    (300, 300),
    (300, 600),
    (2000, 500),
    100,
    300,
    1000,
]
ALPHAS = (0.05, 0.01)
CHUNKS = 8


def tasks(draws: int, seed: int) -> list[tuple[tuple[int, int] | int, int, int, int]]:
    """Ten times as many draws as of the other sections: rates of 1 % need them."""
    count = 10 * draws // CHUNKS
    return [(shape, seed, chunk, count) for shape in SHAPES for chunk in range(CHUNKS)]


def singular_values(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    n, m = sorted(shape)
    diagonal = np.sqrt(rng.chisquare(m - np.arange(n)))
    below = np.sqrt(rng.chisquare(n - 1 - np.arange(n - 1)))
    squares = diagonal**2
    squares[1:] += below**2
    gram = eigvalsh_tridiagonal(squares, below * diagonal[:-1], lapack_driver="sterf")
    result: FloatArray = np.sqrt(np.maximum(gram, 0) / m)
    return result


def eigenvalues(size: int, rng: np.random.Generator) -> FloatArray:
    diagonal = np.sqrt(2) * rng.normal(size=size)
    below = np.sqrt(rng.chisquare(size - 1 - np.arange(size - 1)))
    result: FloatArray = eigvalsh_tridiagonal(diagonal, below, lapack_driver="sterf") / np.sqrt(
        size
    )
    return result


def one_task(
    shape: tuple[int, int] | int, seed: int, chunk: int, count: int
) -> dict[float, list[tuple[bool, bool, float, float | None]]]:
    """Return rank > 0, σ covered, σ, p-value of each draw, for each alpha."""
    sides = (shape, 0) if isinstance(shape, int) else shape
    rng = np.random.default_rng([seed, chunk, *sides])
    found: dict[float, list[tuple[bool, bool, float, float | None]]] = {
        alpha: [] for alpha in ALPHAS
    }
    for _ in range(count):
        values = eigenvalues(shape, rng) if isinstance(shape, int) else singular_values(shape, rng)
        for alpha in ALPHAS:
            fit: RectangularFit | SymmetricFit
            if isinstance(shape, int):
                fit = fit_symmetric(eigenvalues=values, alpha=alpha)
            else:
                fit = fit_rectangular(singular_values=values, shape=shape, alpha=alpha)
            low, high = fit.sigma_interval
            found[alpha].append((fit.rank > 0, low < 1 < high, fit.sigma, fit.goodness.p_value))
    return found


def report(
    asked: Sequence[tuple[tuple[int, int] | int, int, int, int]],
    results: Sequence[Mapping[float, Any]],
) -> bool:
    """Print the rates and return whether those of false spikes are right."""
    print("\nPure noise: rate of rank > 0, coverage of σ, bias of σ, bulks rejected at 1 %")
    good = []
    for shape in SHAPES:
        name = f"symmetric {shape}" if isinstance(shape, int) else "{} × {}".format(*shape)
        for alpha in ALPHAS:
            rows = np.array(
                [
                    row
                    for task, found in zip(asked, results, strict=True)
                    if task[0] == shape
                    for row in found[alpha]
                ]
            )
            false, covered, sigma, p_value = rows.T
            low, high = binom.interval(0.999, len(rows), alpha)
            good.append(low <= false.sum() <= high)
            print(
                f"  {name:15s} alpha {alpha:.2f}  {false.mean():.4f} "
                f"[{low / len(rows):.4f}, {high / len(rows):.4f}] {'✓' if good[-1] else '✗'}  "
                f"{covered.mean():.4f}  {sigma.mean() - 1:+.5f}  {np.mean(p_value < 0.01):.4f}"
            )
    return all(good)
