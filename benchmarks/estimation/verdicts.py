"""Verdicts on matrices whose entries are noise, or are not, with and without spikes."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from draws import Shape, shape_name
from marks import mark, share

from pastur import Verdict, fit_rectangular, fit_symmetric
from pastur._typing import FloatArray

SHAPES: list[Shape] = [(500, 1000), 500]
SPIKES = 15
NOISE, OUTLIERS = Verdict.NOISE, Verdict.OUTLIERS
HEAVY, UNEVEN = Verdict.HEAVY_TAIL, Verdict.UNEVEN


# What is done to entries of variance 1, and where: a symmetric matrix stays one.


Entries = Callable[[np.random.Generator, tuple[int, int]], FloatArray]
Change = Callable[[FloatArray, np.random.Generator, bool], set[tuple[int, int]] | None]


def _entries(count: int, size: float) -> Change:
    def change(x: FloatArray, rng: np.random.Generator, symmetric: bool) -> set[tuple[int, int]]:
        places = np.column_stack([rng.choice(side, count, replace=False) for side in x.shape])
        for i, j in places:
            x[i, j] = size * rng.choice([-1, 1])
            if symmetric:
                x[j, i] = x[i, j]
        return {(int(i), int(j)) for i, j in places}

    return change


def _one_row(x: FloatArray, rng: np.random.Generator, symmetric: bool) -> None:
    i = rng.integers(len(x))
    x[i] *= 5
    if symmetric:
        x[:, i] = x[i]


def _columns(x: FloatArray, rng: np.random.Generator, symmetric: bool) -> None:
    scale = np.where(np.arange(x.shape[1]) < x.shape[1] // 2, 2**0.5, 1.0)
    x *= scale
    if symmetric:
        x *= scale[:, None]


def _all_rows(x: FloatArray, rng: np.random.Generator, symmetric: bool) -> None:
    scale = np.geomspace(1, 3, len(x)) ** 0.5
    x *= scale[:, None]
    if symmetric:
        x *= scale


def _gaussian(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    return rng.normal(size=shape)


# Entries of variance 1, what is done to them, the verdicts that are right.
KINDS: dict[str, tuple[Entries, Change | None, set[Verdict]]] = {
    "Gaussian": (_gaussian, None, {NOISE}),
    "signs": (lambda rng, shape: rng.choice([-1.0, 1.0], size=shape), None, {NOISE}),
    "uniform": (lambda rng, shape: rng.uniform(-1, 1, shape) * 3**0.5, None, {NOISE}),
    "t₅": (lambda rng, shape: rng.standard_t(5, shape) * 0.6**0.5, None, {NOISE}),
    "t₃": (lambda rng, shape: rng.standard_t(3, shape) / 3**0.5, None, {HEAVY, OUTLIERS}),
    "one entry of 40 sd": (_gaussian, _entries(1, 40.0), {OUTLIERS}),
    "20 entries of 30 sd": (_gaussian, _entries(20, 30.0), {OUTLIERS}),
    "one row times 5": (_gaussian, _one_row, {UNEVEN}),
    "half of the columns doubled": (_gaussian, _columns, {UNEVEN}),
    "row variances from 1 to 3": (_gaussian, _all_rows, {UNEVEN}),
}
UNNAMED = "wrong entries named"
# The least share of right verdicts.
LIMIT = 0.95

Task = tuple[Shape, str, int, int]


def tasks(count: int, seed: int) -> list[Task]:
    """Half of the draws of the other sections."""
    return [
        (shape, kind, seed, draw)
        for shape in SHAPES
        for kind in KINDS
        for draw in range(max(count // 2, 2))
    ]


def one_task(shape: Shape, kind: str, seed: int, draw: int) -> str:
    """Return the verdict on noise with 15 spikes on [1.5, 4] times the critical value.

    Outliers count as found where all entries that are named are among them.
    """
    symmetric = isinstance(shape, int)
    n, m = (shape, shape) if isinstance(shape, int) else shape
    rng = np.random.default_rng([seed, draw, n, m, list(KINDS).index(kind)])
    entries, change, _ = KINDS[kind]
    x = entries(rng, (n, m))
    if symmetric:
        x = np.triu(x) + np.triu(x, 1).T
    places = None if change is None else change(x, rng, symmetric)
    theta = rng.uniform(1.5, 4, SPIKES) * (n / m) ** 0.25
    left = np.linalg.qr(rng.normal(size=(n, SPIKES)))[0]
    right = left if symmetric else np.linalg.qr(rng.normal(size=(m, SPIKES)))[0]
    w = x / np.sqrt(m) + (left * theta) @ right.T
    found = (fit_symmetric((w + w.T) / 2) if symmetric else fit_rectangular(w)).goodness
    if places is not None and found.verdict == OUTLIERS:
        true = places | {(j, i) for i, j in places} if symmetric else places
        return found.verdict if found.entries and set(found.entries) <= true else UNNAMED
    return found.verdict


def summary(asked: Sequence[Task], results: Sequence[str]) -> list[dict[str, Any]]:
    """Return the verdicts on every kind of entries, the most frequent first."""
    found: dict[tuple[Shape, str], Counter[str]] = {}
    for (shape, kind, *_), verdict in zip(asked, results, strict=True):
        found.setdefault((shape, kind), Counter())[str(verdict)] += 1
    return [
        {
            "shape": shape_name(shape),
            "entries": kind,
            "right": sum(verdicts[str(one)] for one in KINDS[kind][2]),
            "verdicts": dict(verdicts.most_common()),
        }
        for (shape, kind), verdicts in found.items()
    ]


def met(cells: Sequence[dict[str, Any]]) -> bool:
    """Return whether enough verdicts are right for each kind."""
    return all(map(_right, cells))


def _right(cell: dict[str, Any]) -> bool:
    return bool(cell["right"] >= LIMIT * sum(cell["verdicts"].values()))


def table(cells: Sequence[dict[str, Any]]) -> str:
    """Return the shares and the verdicts in Markdown."""
    lines = ["| shape | entries | right | verdicts |", "|---|---|---|---|"]
    for cell in cells:
        draws = sum(cell["verdicts"].values())
        shown = ", ".join(f"{verdict} {count}" for verdict, count in cell["verdicts"].items())
        right = f"{share(cell['right'], draws)} of {draws} {mark(_right(cell))}"
        lines.append(f"| {cell['shape']} | {cell['entries']} | {right} | {shown} |")
    return "\n".join(lines)
