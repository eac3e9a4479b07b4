"""Verdicts on matrices whose entries are noise, or are not, with and without spikes."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from pastur import Verdict, fit_rectangular, fit_symmetric
from pastur._typing import FloatArray

SHAPES: list[tuple[int, int] | int] = [(500, 1000), 500]
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


def tasks(count: int, seed: int) -> list[tuple[tuple[int, int] | int, str, int, int]]:
    """Half of the draws of the other sections."""
    return [
        (shape, kind, seed, draw)
        for shape in SHAPES
        for kind in KINDS
        for draw in range(max(count // 2, 2))
    ]


def one_task(shape: tuple[int, int] | int, kind: str, seed: int, draw: int) -> str:
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


def report(
    asked: Sequence[tuple[tuple[int, int] | int, str, int, int]], results: Sequence[str]
) -> bool:
    """Print the verdicts and return whether 95 % are right for each kind."""
    print("\nVerdicts")
    good = []
    for shape in SHAPES:
        for kind, (_, _, right) in KINDS.items():
            found = Counter(
                v for t, v in zip(asked, results, strict=True) if t[:2] == (shape, kind)
            )
            share = sum(found[v] for v in right) / found.total()
            good.append(share >= 0.95)
            name = f"symmetric {shape}" if isinstance(shape, int) else "{} × {}".format(*shape)
            shown = ", ".join(f"{v} {c}" for v, c in found.most_common())
            print(f"  {name:15s} {kind:28s} {share:.3f} {'✓' if good[-1] else '✗'}  {shown}")
    return all(good)
