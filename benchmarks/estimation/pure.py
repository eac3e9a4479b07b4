"""Pure noise: false spikes, coverage of σ, rejected bulks.

The singular values of Gaussian noise are drawn from the bidiagonal model, the eigenvalues of the
orthogonal ensemble from the tridiagonal one (Dumitriu, Edelman 2002): exact in law at every size.
A rate is right if it lies in the 99.9 % interval of a binomial law with the rate it should have.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from draws import Shape, shape_name
from marks import mark, share
from scipy.linalg import eigvalsh_tridiagonal
from scipy.stats import binom

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, SymmetricFit

SHAPES: list[Shape] = [
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

Task = tuple[Shape, int, int, int]


class Row(NamedTuple):
    """What one draw gave: whether rank > 0 at each alpha, and at the first one what else."""

    alarms: tuple[bool, ...]
    covered: bool
    sigma: float
    rejected: bool


def tasks(draws: int, seed: int) -> list[Task]:
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


def one_task(shape: Shape, seed: int, chunk: int, count: int) -> list[Row]:
    """Return what the draws of a chunk gave."""
    sides = (shape, 0) if isinstance(shape, int) else shape
    rng = np.random.default_rng([seed, chunk, *sides])
    rows = []
    for _ in range(count):
        values = eigenvalues(shape, rng) if isinstance(shape, int) else singular_values(shape, rng)
        fits = [fit(values, shape, ALPHAS[0])]
        # Noise that has no spike at one alpha has none at a smaller one.
        fits += [fit(values, shape, alpha) if fits[0].rank else fits[0] for alpha in ALPHAS[1:]]
        low, high = fits[0].sigma_interval
        p_value = fits[0].goodness.p_value
        rows.append(
            Row(
                alarms=tuple(one.rank > 0 for one in fits),
                covered=low < 1 < high,
                sigma=fits[0].sigma,
                rejected=p_value is not None and p_value < 0.01,
            )
        )
    return rows


def fit(values: FloatArray, shape: Shape, alpha: float) -> RectangularFit | SymmetricFit:
    if isinstance(shape, int):
        return fit_symmetric(eigenvalues=values, alpha=alpha)
    return fit_rectangular(singular_values=values, shape=shape, alpha=alpha)


def summary(asked: Sequence[Task], results: Sequence[Sequence[Row]]) -> list[dict[str, Any]]:
    """Return the counts of every shape."""
    rows: dict[Shape, list[Row]] = {}
    for (shape, *_), found in zip(asked, results, strict=True):
        rows.setdefault(shape, []).extend(found)
    return [
        {
            "shape": shape_name(shape),
            "draws": len(found),
            "alarms": [sum(row.alarms[place] for row in found) for place in range(len(ALPHAS))],
            "covered": sum(row.covered for row in found),
            "bias": round(float(np.mean([row.sigma for row in found])) - 1, 6),
            "rejected": sum(row.rejected for row in found),
        }
        for shape, found in rows.items()
    ]


def met(cells: Sequence[dict[str, Any]]) -> bool:
    """Return whether the rates of false spikes are right up to chance."""
    return all(_right(cell, place) for cell in cells for place in range(len(ALPHAS)))


def _right(cell: dict[str, Any], place: int) -> bool:
    low, high = binom.interval(0.999, cell["draws"], ALPHAS[place])
    return bool(low <= cell["alarms"][place] <= high)


def table(cells: Sequence[dict[str, Any]]) -> str:
    """Return the rates in Markdown."""
    lines = [
        "| shape | draws | α = 0.05 | α = 0.01 | σ covered | bias of σ, % | p < 0.01 |",
        "|---|---|---|---|---|---|---|",
    ]
    for cell in cells:
        draws = cell["draws"]
        rates = [
            f"{share(alarms, draws, 4)} {mark(_right(cell, place))}"
            for place, alarms in enumerate(cell["alarms"])
        ]
        shown = [
            *rates,
            share(cell["covered"], draws),
            f"{100 * cell['bias']:+.3f}",
            share(cell["rejected"], draws, 4),
        ]
        lines.append(f"| {cell['shape']} | {draws} | {' | '.join(shown)} |")
    return "\n".join(lines)
