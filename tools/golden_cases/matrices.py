"""Matrices of every kind that a fit may meet, from formulas and fixed seeds."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

Matrix = np.ndarray
Maker = Callable[[np.random.Generator, int, int], Matrix]

SMALL = ((1, 5), (5, 1), (2, 3), (3, 2), (5, 40), (40, 5), (20, 20))
MIDDLE = ((30, 50), (60, 150), (150, 60), (100, 100))
LARGE = ((150, 400), (400, 150), (300, 300), (60, 900), (400, 1200), (1200, 400))


def noise(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return np.asarray(rng.normal(size=(n, m)) / max(n, m) ** 0.5)


def spiked(rng: np.random.Generator, n: int, m: int, thetas: np.ndarray) -> Matrix:
    """Return noise with σ = 1 and a signal with these singular values, directions at random."""
    thetas = np.asarray(thetas)[: min(n, m)]
    left, right = (np.linalg.qr(rng.normal(size=(side, thetas.size)))[0] for side in (n, m))
    return np.asarray(noise(rng, n, m) + (left * thetas) @ right.T)


def _few(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return spiked(rng, n, m, np.array([4.0, 2.5, 2.45, 1.2, 0.6]))


def _one(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return spiked(rng, n, m, np.array([30.0]))


def _crowd(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return spiked(rng, n, m, np.linspace(1.5, 4.0, max(min(n, m) // 4, 1)))


def _half(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return spiked(rng, n, m, np.full(max(min(n, m) // 2, 1), 2.0))


def _zero_rows(rng: np.random.Generator, n: int, m: int) -> Matrix:
    w = _few(rng, n, m)
    w[rng.permutation(n)[: n // 3]] = 0.0
    return w


def _zero_columns(rng: np.random.Generator, n: int, m: int) -> Matrix:
    w = _zero_rows(rng, n, m)
    w[:, rng.permutation(m)[: m // 4]] = 0.0
    return w


def _integers(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return rng.poisson(4.0, size=(n, m))


def _signs(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return (2 * rng.integers(0, 2, size=(n, m)) - 1).astype(np.int8)


def _low_rank(rng: np.random.Generator, n: int, m: int) -> Matrix:
    k = max(min(n, m) // 5, 1)
    return rng.normal(size=(n, k)) @ rng.normal(size=(k, m))


def _low_rank_noise(rng: np.random.Generator, n: int, m: int) -> Matrix:
    k = max(3 * min(n, m) // 4, 1)
    return np.asarray(rng.normal(size=(n, k)) @ rng.normal(size=(k, m)) / (n * m) ** 0.5)


def _orthogonal(rng: np.random.Generator, n: int, m: int) -> Matrix:
    q = np.linalg.qr(rng.normal(size=(max(n, m), min(n, m))))[0]
    return q if n >= m else q.T


def _tied(rng: np.random.Generator, n: int, m: int) -> Matrix:
    k = min(n, m)
    w = np.zeros((n, m))
    w[np.arange(k), np.arange(k)] = np.repeat(
        [3.0, 1.0, 0.5], [k // 5, k // 2, k - k // 5 - k // 2]
    )
    return w


def _steps(rng: np.random.Generator, n: int, m: int) -> Matrix:
    w = np.zeros((n, m))
    w[np.arange(min(n, m)), np.arange(min(n, m))] = np.arange(1.0, min(n, m) + 1)
    return w


def _heavy(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return rng.standard_t(1.8, size=(n, m))


def _student5(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return rng.standard_t(5, size=(n, m))


def _outliers(rng: np.random.Generator, n: int, m: int) -> Matrix:
    w = noise(rng, n, m)
    w.flat[rng.integers(0, w.size, size=3)] += 25.0
    return w


def _rows_differ(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return noise(rng, n, m) * np.exp(0.6 * rng.normal(size=(n, 1)))


def _columns_differ(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return _few(rng, n, m) * np.exp(0.4 * rng.normal(size=(1, m)))


def _correlated(rng: np.random.Generator, n: int, m: int) -> Matrix:
    w = noise(rng, n, m)
    for column in range(1, m):
        w[:, column] = 0.6 * w[:, column - 1] + 0.8 * w[:, column]
    return w


def _product(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return np.asarray(noise(rng, n, max(n, m)) @ noise(rng, max(n, m), m))


def _power_law(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return spiked(rng, n, m, 10 / np.arange(1.0, min(n, m) + 1) ** 0.5)


def _centred(rng: np.random.Generator, n: int, m: int) -> Matrix:
    w = _few(rng, n, m)
    return np.asarray(w - w.mean(axis=0))


def _sparse(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return np.asarray(noise(rng, n, m) * (rng.uniform(size=(n, m)) < 0.1))


def _repeated(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return np.repeat(noise(rng, (n + 1) // 2, m), 2, axis=0)[:n]


def _one_entry(rng: np.random.Generator, n: int, m: int) -> Matrix:
    w = np.zeros((n, m))
    w[n // 2, m // 2] = 7.0
    return w


def _tiny(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return _few(rng, n, m) * 1e-170


def _huge(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return _few(rng, n, m) * 1e170


def _half_precision(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return _few(rng, n, m).astype(np.float16)


def _single_precision(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return _few(rng, n, m).astype(np.float32)


KINDS: dict[str, Maker] = {
    "noise": noise,
    "few spikes": _few,
    "one spike": _one,
    "a crowd of spikes": _crowd,
    "half spikes": _half,
    "zero rows": _zero_rows,
    "zero rows and columns": _zero_columns,
    "counts": _integers,
    "signs": _signs,
    "exact low rank": _low_rank,
    "noise of low rank": _low_rank_noise,
    "orthogonal": _orthogonal,
    "tied": _tied,
    "1 to n": _steps,
    "heavy tail": _heavy,
    "Student t5": _student5,
    "outlying entries": _outliers,
    "rows differ": _rows_differ,
    "columns differ": _columns_differ,
    "correlated": _correlated,
    "product": _product,
    "power law": _power_law,
    "centred": _centred,
    "sparse": _sparse,
    "rows twice": _repeated,
    "zeros": lambda rng, n, m: np.zeros((n, m)),
    "constant": lambda rng, n, m: np.full((n, m), 2.5),
    "one entry": _one_entry,
    "times 1e-170": _tiny,
    "times 1e170": _huge,
    "float16": _half_precision,
    "float32": _single_precision,
}
# Kinds of which one size says as much as several.
_ONE_SIZE = {"zeros", "constant", "one entry", "times 1e-170", "times 1e170"}


def rectangular() -> Iterator[tuple[str, Callable[[], Matrix], bool]]:
    """Yield name, what makes the matrix and whether it is quick, for every kind and its sizes."""
    for number, (kind, make) in enumerate(KINDS.items()):
        if kind in _ONE_SIZE:
            sizes = [(1, 5), (20, 20), (30, 50), (100, 60)]
        else:
            small = [SMALL[(number + k) % len(SMALL)] for k in range(3)]
            sizes = [*small, *MIDDLE, *(LARGE[(number + k) % len(LARGE)] for k in range(2))]
        for n, m in sizes:
            yield f"{kind} {n}x{m}", partial(_made, make, [number, n, m], n, m), n * m <= 10_000


def symmetric() -> Iterator[tuple[str, Callable[[], Matrix], bool]]:
    """Yield the same for symmetric matrices: W + Wᵀ of some kinds, and some of their own."""
    for number, (kind, make) in enumerate(KINDS.items()):
        for n in (3, 40, 120) if kind in _ONE_SIZE else (2, 25, 80, 150 + 50 * (number % 4)):
            yield f"{kind} {n}", partial(_both_sides, make, [number, n], n), n <= 100
    for number, thetas in enumerate(
        ([3.0, -2.0, 1.5], [1.05, 0.9], [2.0] * 60, list(np.linspace(-3, 3, 80)), [50.0, -50.0])
    ):
        yield f"signal {number} 240", partial(_with_signal, thetas, [99, number], 240), False


def _made(make: Maker, seed: list[int], n: int, m: int) -> Matrix:
    return make(np.random.default_rng(seed), n, m)


def _both_sides(make: Maker, seed: list[int], n: int) -> Matrix:
    w = np.asarray(_made(make, seed, n, n), dtype=np.float64)
    return w + w.T


def _with_signal(thetas: list[float], seed: list[int], n: int) -> Matrix:
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(n, n))
    basis = np.linalg.qr(rng.normal(size=(n, len(thetas))))[0]
    return np.asarray((w + w.T) / (2 * n) ** 0.5 + (basis * np.array(thetas)) @ basis.T)
