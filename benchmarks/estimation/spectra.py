"""Noise level, counts and intervals, all on the same draws."""

from collections.abc import Mapping, Sequence
from typing import Any

import draws
import numpy as np
from draws import Cell
from marks import mark
from methods import OURS, finite_rank_inversion, fit, parallel_analysis, published

from pastur._typing import AnyArray, FloatArray
from pastur.estimation import RectangularFit, SymmetricFit
from pastur.estimation.baselines import Baseline

# Limits of |bias| of σ in per cent: by range of the spikes, then by the largest share of the rank.
BIAS = {
    1.5: [(0.1, 0.3), (0.2, 0.7), (0.3, 1.5)],
    1.1: [(0.1, 0.5), (0.2, 0.8), (0.3, 1.2)],
}
PARALLEL_DRAWS = 20

Rows = Sequence[Mapping[str, Any]]  # what `one_draw` returns
Results = Mapping[Cell, Rows]


def one_draw(cell: Cell, seed: int, draw: int) -> dict[str, Any]:
    """Everything that one spectrum gives, as plain numbers."""
    rng = cell.generator(seed, draw)
    theta = draws.spikes(cell, rng)
    values = draws.spectrum(cell, theta, rng)
    found, others = fit(cell, values), published(cell, values)
    if draw < PARALLEL_DRAWS:
        others["parallel"] = parallel_analysis(cell, values, rng)
    result = {
        "truth": draws.detached(cell, theta),
        "sigma": {OURS: found.sigma, **{k: b.sigma for k, b in others.items()}},
        "rank": {OURS: found.rank, **{k: b.rank for k, b in others.items()}},
        "signal_rank": found.signal_rank,
        "signal_rank_covered": within(found.signal_rank_interval, theta.size),
        "sigma_covered": within(found.sigma_interval, 1.0),
        "p_value": found.goodness.p_value,
        "converged": found.status.converged,
    }
    return result | _strengths(cell, theta, values, found, others)


def _strengths(
    cell: Cell,
    theta: FloatArray,
    values: FloatArray,
    found: RectangularFit | SymmetricFit,
    others: Mapping[str, Baseline],
) -> dict[str, Any]:
    """Coverage of θ, alone and in groups; squared errors of θ̂ next to finite-rank inversion."""
    isolated, groups = held(cell, theta, found)
    rows = _positive(found, theta)
    if not rows.size:
        return {"isolated": [], "groups": [], "errors": None}
    true = theta[: rows.size]
    sigma = others["BEMA" if cell.symmetric else "MP-PCA"].sigma
    inverted = finite_rank_inversion(cell, rows["observed"], sigma)
    exact = _own_term_out(cell, theta, values, rows.size)
    errors = [float(np.mean((e - true) ** 2)) for e in (rows["theta"], inverted, exact)]
    return {"isolated": isolated, "groups": groups, "errors": errors}


def _positive(found: RectangularFit | SymmetricFit, theta: FloatArray) -> AnyArray:
    """Return the rows that have a truth.

    All true spikes are positive: rows below zero, and more rows than spikes, are false ones, which
    are `rank`'s affair.
    """
    rows: AnyArray = found.spikes[found.spikes["observed"] > 0][: theta.size]
    return rows


def held(
    cell: Cell, theta: FloatArray, found: RectangularFit | SymmetricFit
) -> tuple[list[bool], list[bool]]:
    """Return whether the interval holds of each isolated spike, and of each group."""
    rows, everything = _positive(found, theta), np.bincount(found.spikes["group"])
    true = theta[: rows.size]
    covered = (rows["low"] < true) & (true < rows["high"])
    groups = []
    for number in np.flatnonzero(everything > 1):
        members = rows["group"] == number
        if members.sum() < everything[number]:
            continue
        mean = true[members].mean() if cell.symmetric else np.sqrt(np.mean(true[members] ** 2))
        groups.append(bool(rows["low"][members][0] < mean < rows["high"][members][0]))
    return covered[rows["isolated"]].tolist(), groups


def _own_term_out(cell: Cell, theta: FloatArray, values: FloatArray, count: int) -> FloatArray:
    """θ of the strongest by ω of the observed spectrum at the true σ: what one draw allows."""
    power = 1 if cell.symmetric else 2
    y, found = values**power, []
    for i in range(count):
        z = (values[i] + 1j * values.size**-0.5) ** power
        m = np.delete(1 / (y - z), i).sum() / y.size
        a = 1 + cell.ratio * m
        w = z + m if cell.symmetric else z * a**2 - (1 - cell.ratio) * a
        found.append(w.real if cell.symmetric else np.sqrt(w.real))
    return np.array(found)


def within(interval: tuple[float, float], value: float) -> bool:
    return bool(interval[0] <= value <= interval[1])


def report(results: Results, parts: Sequence[str]) -> bool:
    """Print the tables; `results` maps cells to lists of draws. Return whether all limits hold."""
    return all([PARTS[part](results) for part in parts])


def _errors(rows: Rows, name: str) -> FloatArray:
    return np.array([row["sigma"][name] - 1 for row in rows if name in row["sigma"]])


def _names(rows: Rows, kind: str) -> list[str]:
    return [name for name in rows[0][kind] if name != "parallel" or kind == "rank"]


def _sigma(results: Results) -> bool:
    print("\nσ: bias and root-mean-square error in per cent")
    good = []
    for cell, rows in results.items():
        figures = {name: _errors(rows, name) for name in _names(rows, "sigma")}
        bias = {name: 100 * e.mean() for name, e in figures.items()}
        rmse = {name: 100 * np.sqrt(np.mean(e**2)) for name, e in figures.items()}
        best = min(v for name, v in rmse.items() if name != OURS)
        limit = next(b for share, b in BIAS[cell.low] if cell.share <= share)
        limited = cell.low == 1.5 or cell.share >= 0.1
        ok = (abs(bias[OURS]) <= limit or not limited) and rmse[OURS] <= max(1.1 * best, 0.5)
        good.append(ok)
        shown = "  ".join(f"{name} {bias[name]:+6.2f} {rmse[name]:5.2f}" for name in bias)
        print(f"  {cell.name:32s} {shown}  {mark(ok)}")
    return all(good)


def _counts(results: Results) -> bool:
    print("\nCounts: mean absolute error of rank; mean signal rank")
    good = []
    for cell, rows in results.items():
        errors = {
            name: np.mean([abs(r["rank"][name] - r["truth"]) for r in rows if name in r["rank"]])
            for name in _names(rows, "rank")
        }
        mean = np.mean([row["signal_rank"] for row in rows])
        ok = all(_no_worse(rows, name) for name in errors if name != OURS)
        if cell.low == 1.1 and cell.share >= 0.1:
            ok = ok and abs(mean / cell.rank - 1) <= 0.06
        good.append(ok)
        truth = np.mean([row["truth"] for row in rows])
        shown = "  ".join(f"{name} {value:6.2f}" for name, value in errors.items())
        print(
            f"  {cell.name:32s} truth {truth:6.1f}  {shown}  signal rank {mean:6.1f} "
            f"of {cell.rank} {mark(ok)}"
        )
    return all(good)


def _no_worse(rows: Rows, name: str) -> bool:
    """Whether our ranks are as near as those of a baseline on the draws that it saw."""
    seen = [row for row in rows if name in row["rank"]]
    ours, theirs = (sum(abs(row["rank"][n] - row["truth"]) for row in seen) for n in (OURS, name))
    return bool(ours <= theirs)


def _intervals(results: Results) -> bool:
    print("\nIntervals at 95 %: coverage; root-mean-square error of θ̂ at 10 % rank")
    gathered: dict[str, list[bool]] = {"isolated θ": [], "groups": [], "σ": [], "signal rank": []}
    good = True
    for cell, rows in results.items():
        isolated = [hit for row in rows for hit in row["isolated"]]
        groups = [hit for row in rows for hit in row["groups"]]
        sigma = [row["sigma_covered"] for row in rows]
        ranks = [row["signal_rank_covered"] for row in rows]
        for name, hits in zip(gathered, (isolated, groups, sigma, ranks), strict=True):
            gathered[name] += hits
        shares = [f"{np.mean(h):.3f} of {len(h):5d}" if h else " " * 14 for h in (isolated, groups)]
        shown, ok = _strength_errors(cell, rows)
        good = good and ok
        print(
            f"  {cell.name:32s} isolated θ {shares[0]}  groups {shares[1]}  σ {np.mean(sigma):.3f}"
            f"  signal rank {np.mean(ranks):.3f}{shown}"
        )
    for name, hits in gathered.items():
        if not hits:
            continue
        ok = bool(0.93 <= np.mean(hits) <= 0.97)
        good = good and (ok or name == "signal rank")
        print(f"  all cells, {name}: {np.mean(hits):.4f} of {len(hits)} {mark(ok)}")
    return good


def _strength_errors(cell: Cell, rows: Rows) -> tuple[str, bool]:
    """Return what to print of the errors of θ̂ at 10 % rank, and whether ours are at most half."""
    found = [row["errors"] for row in rows if row["errors"]]
    if cell.share != 0.1 or not found:
        return "", True
    ours, inverted, exact = np.sqrt(np.mean(found, axis=0))
    ok = bool(ours <= inverted / 2)
    shown = f"  θ̂ {ours:.4f}, finite rank {inverted:.4f}, σ known {exact:.4f}: "
    return f"{shown}ratio {ours / inverted:.2f} {mark(ok)}", ok


PARTS = {"sigma": _sigma, "counts": _counts, "intervals": _intervals}
