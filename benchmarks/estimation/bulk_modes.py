"""The modes of pure noise that the goodness of fit tests, and their p-values, draw by draw.

In the limit each has the variance that it is divided by. Values are drawn as in `pure`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pure
from draws import shape_name
from marks import mark, share
from scipy.stats import binom

from pastur._typing import FloatArray
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._low_rank.modes import mode_deviations, mode_p_value
from pastur.estimation._low_rank.noise_level import noise_level

SHAPES = [(100, 200), (200, 200), (200, 400), (400, 800)]
CHUNKS = 8
# Rates may be lower than these, and higher by chance alone.
LEVELS, CHANCE = (0.05, 0.01), 1e-3
_NO_SPIKES = np.empty(0)

Task = tuple[tuple[int, int], int, int, int]
# The standardised modes after that of σ, and their p-value.
Row = tuple[FloatArray, float]


def tasks(draws: int, seed: int) -> list[Task]:
    """Ten times as many draws as of the other sections."""
    count = max(10 * draws // CHUNKS, 1)
    return [(shape, seed, chunk, count) for shape in SHAPES for chunk in range(CHUNKS)]


def one_task(shape: tuple[int, int], seed: int, chunk: int, count: int) -> list[Row]:
    """Return the modes of some draws, σ being estimated."""
    kind, rng = RectangularKind(*shape), np.random.default_rng([seed, chunk, *shape])
    law, level, rows = kind.noise.law(0), kind.noise.level_mode, []
    for _ in range(count):
        values = np.sort(kind.to_law(pure.singular_values(shape, rng)))[::-1]
        values = values / noise_level(values, law, _NO_SPIKES)
        deviations = mode_deviations(values, law, _NO_SPIKES)
        p_value = mode_p_value(deviations, level=level, sigma_known=False)
        rows.append((deviations[level:], p_value))
    return rows


def summary(asked: Sequence[Task], results: Sequence[Sequence[Row]]) -> list[dict[str, Any]]:
    """Return the variances of the modes, and the p-values' mean and rates, of every shape."""
    rows: dict[tuple[int, int], list[Row]] = {}
    for (shape, *_), found in zip(asked, results, strict=True):
        rows.setdefault(shape, []).extend(found)
    return [_counts(shape, found) for shape, found in rows.items()]


def _counts(shape: tuple[int, int], rows: Sequence[Row]) -> dict[str, Any]:
    modes = np.array([deviations for deviations, _ in rows])
    p_values = np.array([p_value for _, p_value in rows])
    return {
        "shape": shape_name(shape),
        "draws": len(rows),
        "variances": modes.var(axis=0).round(4).tolist(),
        "mean": round(float(p_values.mean()), 4),
        "below": [int((p_values < level).sum()) for level in LEVELS],
    }


def met(cells: Sequence[dict[str, Any]]) -> bool:
    """Return whether no rate is too high beyond chance."""
    return all(_right(cell, place) for cell in cells for place in range(len(LEVELS)))


def _right(cell: dict[str, Any], place: int) -> bool:
    return bool(cell["below"][place] <= binom.isf(CHANCE, cell["draws"], LEVELS[place]))


def table(cells: Sequence[dict[str, Any]]) -> str:
    """Return variances, mean and rates in Markdown."""
    count = len(cells[0]["variances"])
    head = [f"mode {place}" for place in range(2, count + 2)]
    lines = [
        f"| shape | draws | {' | '.join(head)} | mean p | below 0.05 | below 0.01 |",
        "|---|---|" + "---|" * (count + 3),
    ]
    for cell in cells:
        variances = [f"{one:.2f}" for one in cell["variances"]]
        rates = [
            f"{share(below, cell['draws'])} {mark(_right(cell, place))}"
            for place, below in enumerate(cell["below"])
        ]
        shown = [*variances, f"{cell['mean']:.3f}", *rates]
        lines.append(f"| {cell['shape']} | {cell['draws']} | {' | '.join(shown)} |")
    return "\n".join(lines)
