"""Small and ugly inputs: nothing but the documented errors, no NaN in a result that converged.

Overlaps of spikes that are not isolated are NaN on purpose.
"""

import contextlib
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pastur import PasturError, fit_rectangular, fit_symmetric
from pastur._typing import AnyArray, FloatArray
from pastur.estimation import RectangularFit, SymmetricFit

LARGEST, CHUNKS, SHOWN = 30, 40, 5


def _low_rank(rng: np.random.Generator, n: int, m: int) -> FloatArray:
    rank = rng.integers(1, min(n, m) + 1)
    return rng.normal(size=(n, rank)) @ rng.normal(size=(rank, m))


def _sparse(rng: np.random.Generator, n: int, m: int) -> FloatArray:
    return np.where(rng.random((n, m)) < 0.1, rng.normal(size=(n, m)), 0.0)


def _repeated(rng: np.random.Generator, n: int, m: int) -> FloatArray:
    return rng.normal(size=(n, m))[rng.integers(0, n, n)][:, rng.integers(0, m, m)]


def _mixed_scales(rng: np.random.Generator, n: int, m: int) -> FloatArray:
    return rng.normal(size=(n, m)) * 10.0 ** rng.uniform(-300, 300, (n, m))


def _half(rng: np.random.Generator, n: int, m: int) -> AnyArray:
    result: AnyArray = np.clip(
        rng.normal(size=(n, m)) * 10.0 ** rng.uniform(-7, 5), -6e4, 6e4
    ).astype("f2")
    return result


def _one_huge(rng: np.random.Generator, n: int, m: int) -> FloatArray:
    w = rng.normal(size=(n, m))
    w[rng.integers(n), rng.integers(m)] = 10.0 ** rng.uniform(0, 20)
    return w


def _not_finite(rng: np.random.Generator, n: int, m: int) -> FloatArray:
    w = rng.normal(size=(n, m))
    w[rng.integers(n), rng.integers(m)] = rng.choice([np.nan, np.inf, -np.inf])
    return w


KINDS: dict[str, Callable[[np.random.Generator, int, int], AnyArray]] = {
    "Gaussian": lambda rng, n, m: rng.normal(size=(n, m)),
    "single": lambda rng, n, m: rng.normal(size=(n, m)).astype("f4"),
    "low rank": _low_rank,
    "sparse": _sparse,
    "repeated": _repeated,
    "diagonal": lambda rng, n, m: np.eye(n, m) * rng.integers(0, 4, m),
    "integers": lambda rng, n, m: rng.integers(-2, 3, (n, m)),
    "bytes": lambda rng, n, m: rng.integers(-128, 128, (n, m), dtype="i1"),
    "truth values": lambda rng, n, m: rng.random((n, m)) < 0.5,
    "zero": lambda rng, n, m: np.zeros((n, m)),
    "constant": lambda rng, n, m: np.full((n, m), rng.normal()),
    "mixed scales": _mixed_scales,
    "half precision": _half,
    "one huge": _one_huge,
    "not finite": _not_finite,
    "heavy tail": lambda rng, n, m: rng.standard_cauchy((n, m)),
}


def tasks(draws: int, seed: int) -> list[tuple[int, ...]]:
    """Fifty times as many inputs as draws of the other sections."""
    return [(seed, chunk, max(50 * draws // CHUNKS, 1)) for chunk in range(CHUNKS)]


def one_task(seed: int, chunk: int, count: int) -> tuple[Counter[str], list[str]]:
    """Return how each input ended, and the first few failures in words."""
    rng = np.random.default_rng([seed, chunk])
    ends: Counter[str] = Counter()
    failures: list[str] = []
    for _ in range(count):
        kind = list(KINDS)[rng.integers(len(KINDS))]
        n, m = rng.integers(1, LARGEST + 1, 2)
        w, call = _input(kind, rng, int(n), int(m))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                ends[_outcome(*call(w), w)] += 1
        except PasturError as error:
            ends[type(error).__name__] += 1
        except Exception as error:
            ends["failure"] += 1
            failures.append(f"{kind}, {w.shape}: {_last_line(error)}")
    return ends, failures[:SHOWN]


def _last_line(error: Exception) -> str:
    """Say what was raised, and where of our files."""
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "pastur" in f.filename]
    place = f" in {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}: {error}{place}"


def _input(
    kind: str, rng: np.random.Generator, n: int, m: int
) -> tuple[AnyArray, Callable[[AnyArray], tuple[RectangularFit | SymmetricFit, bool]]]:
    """Return an input of that kind, and the function that fits it, by one of four routes."""
    symmetric, from_matrix = rng.random(2) < 0.5
    w = KINDS[kind](rng, n, n if symmetric else m)
    if rng.random() < 0.3 and w.dtype == float:
        with np.errstate(over="ignore", under="ignore"):
            w = w * 10.0 ** rng.uniform(-300, 300)
    if symmetric:
        w = np.triu(w) | np.triu(w, 1).T if w.dtype == bool else np.triu(w) + np.triu(w, 1).T
    given = {"alpha": float(rng.uniform(0.001, 0.5))}
    if rng.random() < 0.2:
        given["sigma"] = float(10.0 ** rng.uniform(-3, 3))
    return w, lambda w: (_fit(w, symmetric, from_matrix, given), from_matrix)


def _fit(
    w: AnyArray, symmetric: bool, from_matrix: bool, given: Mapping[str, Any]
) -> RectangularFit | SymmetricFit:
    if from_matrix:
        return fit_symmetric(w, **given) if symmetric else fit_rectangular(w, **given)
    dense = w.astype(float)
    values = np.full(min(w.shape), np.nan)
    # What LAPACK makes of such inputs is not the fit's affair.
    with contextlib.suppress(np.linalg.LinAlgError), np.errstate(all="ignore"):
        if np.isfinite(dense).all():
            values = np.linalg.eigvalsh(dense) if symmetric else _singular_values(dense)
    if symmetric:
        return fit_symmetric(eigenvalues=values, **given)
    return fit_rectangular(singular_values=values, shape=w.shape, **given)


def _singular_values(w: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.svd(w, compute_uv=False), dtype=np.float64)


def _outcome(fit: RectangularFit | SymmetricFit, from_matrix: bool, w: AnyArray) -> str:
    """Return how the fit ended; raise where a result that converged has a NaN not meant."""
    numbers = [fit.sigma, *fit.sigma_interval, fit.edge, fit.signal_rank]
    numbers += [*fit.signal_rank_interval, fit.entry_sd, fit.rank, fit.signal_measure.mass]
    numbers += [x for one in fit.spikes for x in _numbers_of(one)]
    numbers += [x for x in (fit.goodness.statistic, fit.goodness.p_value) if x is not None]
    if from_matrix:
        numbers += fit.denoise(w).ravel().tolist()
    if not fit.status.converged:
        return "not converged"
    if np.isnan(np.array(numbers, dtype=float)).any():
        raise ArithmeticError("NaN in a result that converged")
    return "converged"


def _numbers_of(spike: AnyArray) -> list[float]:
    """Return the numbers of a spike that have to be there.

    One that is not isolated has the share in the span of its group, and no overlap of its own.
    """
    return [
        float(spike[name])
        for name in spike.dtype.names or ()
        if spike["isolated"] or not name.startswith("overlap")
    ]


def summary(
    asked: Sequence[tuple[int, ...]], results: Sequence[tuple[Counter[str], Sequence[str]]]
) -> list[dict[str, Any]]:
    """Return how the inputs ended, and the first few failures in words."""
    ends = sum((found for found, _ in results), Counter[str]())
    failures = [sentence for _, some in results for sentence in some][:SHOWN]
    return [{"ends": dict(ends.most_common()), "failures": failures}]


def met(cells: Sequence[dict[str, Any]]) -> bool:
    """Return whether no input failed."""
    return not any(cell["failures"] for cell in cells)


def table(cells: Sequence[dict[str, Any]]) -> str:
    """Return the counts, and what failed, in Markdown."""
    lines = [f"| how it ended, 1 × 1 to {LARGEST} × {LARGEST} | inputs |", "|---|---|"]
    for cell in cells:
        lines += [f"| {name} | {count} |" for name, count in cell["ends"].items()]
        lines += ["", *cell["failures"]] if cell["failures"] else []
    return "\n".join(lines)
