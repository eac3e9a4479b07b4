"""Noise of entries with a fourth cumulant, fitted from the matrix itself, without and with spikes.

A false alarm is a spike in pure noise while a law of noise is claimed. Rates may be 0.05 ± 0.015
and 0.01 ± 0.007, of exponential entries up to 0.1 at alpha 0.05, and up to 0.08 from 200 rows; the
99.9 % interval of a binomial law is added to these ends. With two spikes of 1.5 times the critical
value the share of draws in which both are found follows.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from draws import Shape, shape_name
from marks import mark, share
from scipy.stats import binom

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, SymmetricFit

SHAPES: list[Shape] = [(50, 100), (100, 100), (200, 400), 60, 200]
ALPHAS = (0.05, 0.01)
CHUNKS = 8
# Limits of the rates at each alpha.
LIMITS = ((0.035, 0.065), (0.003, 0.017))
# In units of the critical value.
SPIKES = np.array([1.5, 1.5])

Entries = Callable[[np.random.Generator, tuple[int, int]], FloatArray]


def with_zeros(share: float) -> Entries:
    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
        kept = rng.random(shape) >= share
        return np.asarray(rng.normal(size=shape) * kept / (1 - share) ** 0.5)

    return draw


# Of variance 1.
KINDS: dict[str, Entries] = {
    "Gaussian": lambda rng, shape: rng.normal(size=shape),
    "Laplace": lambda rng, shape: rng.laplace(size=shape) / 2**0.5,
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "t₅": lambda rng, shape: rng.standard_t(5, shape) * 0.6**0.5,
    "t₆": lambda rng, shape: rng.standard_t(6, shape) / 1.5**0.5,
    "signs": lambda rng, shape: rng.choice([-1.0, 1.0], size=shape),
    "uniform": lambda rng, shape: rng.uniform(-1, 1, shape) * 3**0.5,
    "50 % zeros": with_zeros(0.5),
    "80 % zeros": with_zeros(0.8),
    "90 % zeros": with_zeros(0.9),
}


class Row(NamedTuple):
    """What one draw gave: false alarms at each alpha, whether a law was claimed, and so on."""

    alarms: tuple[bool, ...]
    claimed: bool
    sigma: bool
    signal_rank: bool
    found: bool


Task = tuple[Shape, str, int, int, int]


def tasks(draws: int, seed: int) -> list[Task]:
    """Twice as many draws as of the other sections."""
    count = max(2 * draws // CHUNKS, 1)
    return [
        (shape, kind, seed, chunk, count)
        for shape in SHAPES
        for kind in KINDS
        for chunk in range(CHUNKS)
    ]


def noise(shape: Shape, kind: str, rng: np.random.Generator) -> FloatArray:
    if isinstance(shape, int):
        w = KINDS[kind](rng, (shape, shape))
        return np.asarray((np.triu(w) + np.triu(w, 1).T) / shape**0.5)
    return np.asarray(KINDS[kind](rng, shape) / max(shape) ** 0.5)


def signal(shape: Shape, rng: np.random.Generator) -> FloatArray:
    n, m = (shape, shape) if isinstance(shape, int) else shape
    left = np.linalg.qr(rng.normal(size=(n, SPIKES.size)))[0]
    right = left if isinstance(shape, int) else np.linalg.qr(rng.normal(size=(m, SPIKES.size)))[0]
    return np.asarray((left * SPIKES * (n / m) ** 0.25) @ right.T)


def fit(w: FloatArray, shape: Shape, alpha: float) -> RectangularFit | SymmetricFit:
    return (
        fit_symmetric(w, alpha=alpha) if isinstance(shape, int) else fit_rectangular(w, alpha=alpha)
    )


def one_task(shape: Shape, kind: str, seed: int, chunk: int, count: int) -> list[Row]:
    """Return what the draws of a chunk gave."""
    size = shape if isinstance(shape, int) else 1000 * shape[0] + shape[1]
    rng = np.random.default_rng([seed, chunk, size, list(KINDS).index(kind)])
    rows = []
    for draw in range(count):
        w = noise(shape, kind, rng)
        fits = [fit(w, shape, ALPHAS[0])]
        # Noise that has no spike at one alpha has none at a smaller one.
        fits += [fit(w, shape, alpha) if fits[0].rank else fits[0] for alpha in ALPHAS[1:]]
        low, high = fits[0].sigma_interval
        planted = signal(shape, rng)
        # Power needs fewer draws.
        found = fit(w + planted, shape, ALPHAS[0]).rank >= SPIKES.size if draw % 4 == 0 else False
        rows.append(
            Row(
                alarms=tuple(one.rank > 0 and one.goodness.fits for one in fits),
                claimed=fits[0].goodness.fits,
                sigma=low <= 1 <= high,
                signal_rank=fits[0].signal_rank_interval[0] <= 0,
                found=found,
            )
        )
    return rows


def summary(asked: Sequence[Task], results: Sequence[Sequence[Row]]) -> list[dict[str, Any]]:
    """Return the counts of every shape and kind of entries."""
    rows: dict[tuple[Shape, str], list[Row]] = {}
    for (shape, kind, *_), found in zip(asked, results, strict=True):
        rows.setdefault((shape, kind), []).extend(found)
    # Every fourth draw of a chunk has spikes as well.
    planted = {task[:2]: CHUNKS * -(-task[-1] // 4) for task in asked}
    return [_counts(*cell, found, planted[cell]) for cell, found in rows.items()]


def _counts(shape: Shape, kind: str, rows: Sequence[Row], planted: int) -> dict[str, Any]:
    claims = [row for row in rows if row.claimed]
    return {
        "shape": shape_name(shape),
        "rows": shape if isinstance(shape, int) else shape[0],
        "entries": kind,
        "draws": len(rows),
        "alarms": [sum(row.alarms[place] for row in rows) for place in range(len(ALPHAS))],
        "claimed": len(claims),
        "sigma": sum(row.sigma for row in claims),
        "signal_rank": sum(row.signal_rank for row in claims),
        "found": [sum(row.found for row in rows), planted],
    }


def allowed(cell: dict[str, Any], place: int) -> tuple[float, float]:
    """Return the numbers of false alarms between which a rate is right up to chance."""
    low, high = LIMITS[place]
    if cell["entries"] == "exponential" and place == 0:
        low, high = 0.0, 0.10 if cell["rows"] < 200 else 0.08
    count = cell["draws"]
    return float(binom.ppf(0.0005, count, low)), float(binom.ppf(0.9995, count, high))


def met(cells: Sequence[dict[str, Any]]) -> bool:
    """Return whether every rate is right up to chance."""
    return all(_right(cell, place) for cell in cells for place in range(len(ALPHAS)))


def _right(cell: dict[str, Any], place: int) -> bool:
    low, high = allowed(cell, place)
    return bool(low <= cell["alarms"][place] <= high)


def table(cells: Sequence[dict[str, Any]]) -> str:
    """Return the rates in Markdown."""
    lines = [
        "| shape | entries | draws | α = 0.05 | α = 0.01 | claimed | σ | rank 0 | both found |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for cell in cells:
        rates = [
            f"{share(alarms, cell['draws'], 4)} {mark(_right(cell, place))}"
            for place, alarms in enumerate(cell["alarms"])
        ]
        held = [share(cell[what], cell["claimed"]) for what in ("sigma", "signal_rank")]
        shown = [*rates, share(cell["claimed"], cell["draws"]), *held, share(*cell["found"])]
        lines.append(
            f"| {cell['shape']} | {cell['entries']} | {cell['draws']} | {' | '.join(shown)} |"
        )
    draws = sum(cell["draws"] for cell in cells)
    alarms = [
        share(sum(cell["alarms"][place] for cell in cells), draws, 4)
        for place in range(len(ALPHAS))
    ]
    return "\n".join([*lines, f"| all | | {draws} | {' | '.join(alarms)} | | | | |"])
