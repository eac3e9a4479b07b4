"""P-values of the goodness of fit: uniform where the model is exact, small where it is not.

Exact: Gaussian noise with spikes along axes, the columns without a spike drawn as Bartlett's
triangle. Not exact: rows whose variances are log-normal, and neighbouring columns correlated.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import binom, kstest

from pastur import fit_rectangular
from pastur._typing import FloatArray

Shape = tuple[int, int]
# Shape, rank, ends of the spikes in critical units, kind of noise, its strength.
Setting = tuple[Shape, int, tuple[float, float], str, float]

NEAR, FAR = (1.5, 4.0), (10.0, 50.0)
SHAPES = [(200, 200), (200, 400), (400, 800), (1000, 2000), (2000, 4000)]
EXACT: list[Setting] = [
    (shape, rank, ends, "white", 0.0)
    for shape in SHAPES
    for rank in (0, 5, 22, 100)
    for ends in (NEAR, FAR)
    if (rank or ends == NEAR) and 4 * rank <= shape[0]
]
WRONG: list[Setting] = [
    ((200, 400), rank, FAR, kind, strength)
    for rank in (0, 22)
    for kind, strength in (("rows", 0.1), ("rows", 0.2), ("neighbours", 0.2))
]
CHUNKS = 4
# Matrices of 2000 × 4000 take a second each.
LARGE, LARGE_SHARE = 2000, 8


def tasks(draws: int, seed: int) -> list[tuple[Setting, int, int, int]]:
    """Twice as many draws as of the other sections, of large matrices an eighth of that."""

    def count(setting: Setting) -> int:
        return max(2 * draws // (LARGE_SHARE if setting[0][0] >= LARGE else 1) // CHUNKS, 1)

    return [(s, seed, chunk, count(s)) for s in EXACT + WRONG for chunk in range(CHUNKS)]


def one_task(setting: Setting, seed: int, chunk: int, count: int) -> list[float]:
    """Return the p-values of some draws."""
    shape, rank, ends, kind, strength = setting
    key = [seed, chunk, *shape, rank, round(ends[0]), len(kind), round(100 * strength)]
    rng = np.random.default_rng(key)
    critical, found = (shape[0] / shape[1]) ** 0.25, []
    for _ in range(count):
        theta = critical * np.sort(rng.uniform(*ends, rank))[::-1]
        gram = _white(shape, theta, rng) if kind == "white" else _wrong(setting, theta, rng)
        values = np.sqrt(np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0))
        p_value = fit_rectangular(singular_values=values, shape=shape).goodness.p_value
        assert p_value is not None
        found.append(p_value)
    return found


def _white(shape: Shape, theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    (n, m), rank = shape, theta.size
    first = rng.normal(size=(n, rank)) / np.sqrt(m)
    first[np.arange(rank), np.arange(rank)] += theta
    rest = rng.normal(size=(n, min(n, m - rank)))
    if n <= m - rank:
        rest = np.tril(rest, -1)
        rest[np.diag_indices(n)] = np.sqrt(rng.chisquare(m - rank - np.arange(n)))
    gram: FloatArray = first @ first.T + rest @ rest.T / m
    return gram


def _wrong(setting: Setting, theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    (n, m), rank, _, kind, strength = setting
    w = rng.normal(size=(n, m)) / np.sqrt(m)
    if kind == "rows":
        w *= np.exp(strength * rng.normal(size=(n, 1)))
    else:
        for column in range(1, m):
            w[:, column] = strength * w[:, column - 1] + np.sqrt(1 - strength**2) * w[:, column]
    left, right = (np.linalg.qr(rng.normal(size=(k, rank)))[0] for k in (n, m))
    w += left * theta @ right.T
    gram: FloatArray = w @ w.T
    return gram


def report(
    asked: Sequence[tuple[Setting, int, int, int]], results: Sequence[Sequence[float]]
) -> bool:
    """Print the table and return whether the p-values of the exact model are uniform."""
    good = []
    for settings, title in (
        (EXACT, "Goodness where the model is exact: p of Kolmogorov's test, rates below .05, .01"),
        (WRONG, "Where it is not: rates below .05 and .01"),
    ):
        print(f"\n{title}")
        for setting in settings:
            (n, m), rank, ends, kind, strength = setting
            found = [
                np.asarray(p) for task, p in zip(asked, results, strict=True) if task[0] == setting
            ]
            p_values = np.concatenate(found)
            spikes = f"rank {rank:3d}" + (f" on [{ends[0]}, {ends[1]}]" if rank else "")
            noise = "" if kind == "white" else f", {kind} {strength}"
            below, far_below = np.mean(p_values < 0.05), np.mean(p_values < 0.01)
            line = f"  {f'{n} × {m}, {spikes}{noise}':48s} {p_values.size:4d} draws"
            if kind == "white":
                uniform = float(kstest(p_values, "uniform").pvalue)
                most = binom.isf(1e-3, p_values.size, 0.01) / p_values.size
                good.append(uniform > 1e-3 and far_below <= most)
                line += f"  {uniform:.3f} {'✓' if good[-1] else '✗'}"
            print(f"{line}  {below:.3f}  {far_below:.3f}")
    return all(good)
