"""Entries in other places: how often further permutations go beyond what 99 say, at each chance.

A rate is right if it exceeds its chance by four of its standard errors at most. The last column is
how often matrices of such entries have a spike where the edge is that of Gaussian ones.
"""

from collections.abc import Sequence
from typing import Any

import entries
import numpy as np
from marks import mark, share

from pastur import fit_rectangular
from pastur._typing import FloatArray
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._low_rank.edge_law import SampledEdge
from pastur.estimation._low_rank.permuted import EntryNoise, entry_noise

SHAPE = (50, 100)
KINDS = ("Gaussian", "Laplace", "exponential", "t₅", "signs", "90 % zeros")
CHANCES = (0.05, 0.01, 0.001)
FIRST, MORE = 99, 200
CHUNKS = 4
WORSE = 4.0

Task = tuple[str, int, int, int]
# Further permutations beyond the value of each chance, and whether Gaussian entries' edge alarms.
Row = tuple[list[int], bool]


def tasks(draws: int, seed: int) -> list[Task]:
    """As many matrices as draws of the other sections."""
    count = max(draws // CHUNKS, 1)
    return [(kind, seed, chunk, count) for kind in KINDS for chunk in range(CHUNKS)]


def one_task(kind: str, seed: int, chunk: int, count: int) -> list[Row]:
    """Return what further permutations of some matrices do."""
    rng = np.random.default_rng([seed, chunk, KINDS.index(kind)])
    rows: list[Row] = []
    for _ in range(count):
        w = entries.noise(SHAPE, kind, rng)
        first, more = (_edge(w, draws, rng) for draws in (FIRST, MORE))
        limits = first.upper_quantile(np.array(CHANCES))
        beyond = [int((np.array(more.sample) > limit).sum()) for limit in limits]
        values = np.linalg.svd(w, compute_uv=False)
        alarm = fit_rectangular(singular_values=values, shape=SHAPE).rank > 0
        rows.append((beyond, alarm))
    return rows


def _edge(w: FloatArray, draws: int, rng: np.random.Generator) -> SampledEdge:
    seed = int(rng.integers(2**32))
    edge = entry_noise(w, RectangularKind(*SHAPE), draws, draws, _enough, seed=seed).edge
    assert isinstance(edge, SampledEdge)
    return edge


def _enough(_: EntryNoise) -> bool:
    return True


def summary(asked: Sequence[Task], results: Sequence[Sequence[Row]]) -> list[dict[str, Any]]:
    """Return the rates of every kind of entries, with their standard errors."""
    rows: dict[str, list[Row]] = {}
    for (kind, *_), found in zip(asked, results, strict=True):
        rows.setdefault(kind, []).extend(found)
    return [_rates(kind, found) for kind, found in rows.items()]


def _rates(kind: str, rows: Sequence[Row]) -> dict[str, Any]:
    # Permutations of one matrix share its limits: matrices, not permutations, are independent.
    shares = np.array([beyond for beyond, _ in rows]) / MORE
    return {
        "entries": kind,
        "draws": len(rows),
        "rates": shares.mean(axis=0).round(5).tolist(),
        "errors": (shares.std(axis=0, ddof=1) / len(rows) ** 0.5).round(5).tolist(),
        "alarms": sum(alarm for _, alarm in rows),
    }


def met(cells: Sequence[dict[str, Any]]) -> bool:
    """Return whether no rate exceeds its chance beyond its error."""
    return all(_right(cell, place) for cell in cells for place in range(len(CHANCES)))


def _right(cell: dict[str, Any], place: int) -> bool:
    beyond = cell["rates"][place] - CHANCES[place]
    return bool(beyond <= WORSE * cell["errors"][place])


def table(cells: Sequence[dict[str, Any]]) -> str:
    """Return the rates in Markdown."""
    chances = " | ".join(f"chance {chance}" for chance in CHANCES)
    lines = [
        f"| entries | matrices | {chances} | edge of Gaussian entries |",
        "|---|---|" + "---|" * (len(CHANCES) + 1),
    ]
    for cell in cells:
        rates = [
            f"{rate:.4f} ± {error:.4f} {mark(_right(cell, place))}"
            for place, (rate, error) in enumerate(zip(cell["rates"], cell["errors"], strict=True))
        ]
        shown = [*rates, share(cell["alarms"], cell["draws"])]
        lines.append(f"| {cell['entries']} | {cell['draws']} | {' | '.join(shown)} |")
    return "\n".join(lines)
