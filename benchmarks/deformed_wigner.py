"""Times the density of the symmetric model for many atoms, and what NumPy alone can do.

    python benchmarks/deformed_wigner.py

ν₀ is n quantile atoms (i − ½)/n of 0.5·N(−2, 0.3²) + 0.5·U(1, 3), σ = 1. Compared, in CPU seconds
of one thread, in one run, each the median of five rounds after one to warm up:

- the density at 10⁴ given points, everything included: measure, tree, edges, table, solution;
- one direct evaluation of g_ν₀ at 10⁴ points by NumPy, timed on 200 of them and scaled;
- the fixed point of Pastur's equation at those points (damping ½, η = 1e-6, points that have
  converged to 1e-10 leave), timed on 200 of them and scaled.

Then distribution function and quantiles at as many points, and the same at n = 10⁶.
"""

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from pastur import DeformedWigner, Empirical
from pastur._typing import AnyArray, ComplexArray, FloatArray
from pastur.measures import ProbabilityMeasure

ROUNDS, POINTS, SAMPLE = 5, 10_000, 200
ETA, TOLERANCE, MOST = 1e-6, 1e-10, 20_000


def quantile_atoms(n: int) -> FloatArray:
    p = (2 * np.arange(n // 2) + 1) / n
    return np.concatenate([0.3 * ndtri(p) - 2, 1 + 2 * p])


def seconds(function: Callable[..., AnyArray], *arguments: AnyArray) -> float:
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def direct(atoms: FloatArray, z: ComplexArray) -> ComplexArray:
    """g at each z, in blocks that fit the cache."""
    return np.array([np.mean(1 / (atoms - w)) for w in z])


def fixed_point(atoms: FloatArray, x: FloatArray) -> FloatArray:
    """Density by damped iteration; points that no longer move leave the active set."""
    z = x + 1j * ETA
    g = np.full(z.shape, 1j)
    active = np.arange(z.size)
    for _ in range(MOST):
        new = (g[active] + direct(atoms, z[active] + g[active])) / 2
        moving = np.abs(new - g[active]) > TOLERANCE
        g[active] = new
        active = active[moving]
        if not active.size:
            break
    density: FloatArray = g.imag / np.pi
    return density


def law_of(atoms: FloatArray) -> ProbabilityMeasure:
    return DeformedWigner(Empirical(atoms), sigma=1.0).law


def from_scratch(atoms: FloatArray, x: FloatArray) -> FloatArray:
    result: FloatArray = law_of(atoms).density(x)
    return result


def report(name: str, value: float, note: str = "") -> None:
    print(f"  {name:44s} {value:10.3f} s  {note}", flush=True)


def typical(function: Callable[..., AnyArray], *arguments: AnyArray) -> float:
    rounds = [seconds(function, *arguments) for _ in range(ROUNDS + 1)]
    return median(rounds[1:])


def measured(n: int, x: FloatArray, levels: FloatArray) -> float:
    atoms = quantile_atoms(n)
    law = law_of(atoms)
    density = typical(from_scratch, atoms, x)
    print(f"n = {n}, {len(law.support)} intervals, {x.size} points", flush=True)
    report("density, from scratch", density)
    report("density, again", typical(law.density, x))
    report("distribution function, again", typical(law.cdf, x))
    report("quantiles, again", typical(law.quantile, levels))
    miss = np.abs(law.cdf(law.quantile(levels)) - levels).max()
    print(f"  cdf of quantiles misses the levels by {miss:.1e}")
    return density


def main() -> None:
    atoms = quantile_atoms(100_000)
    law = law_of(atoms)
    x = np.linspace(law.support[0, 0], law.support[-1, 1], POINTS + 2)[1:-1]
    levels = (np.arange(POINTS) + 0.5) / POINTS
    few = x[:: POINTS // SAMPLE]
    small = measured(atoms.size, x, levels)
    scale = POINTS / few.size
    once = scale * typical(direct, atoms, few + 0.5j)
    report("one direct evaluation of g", once, f"{once / small:.1f} times the density")
    slow = scale * typical(fixed_point, atoms, few)
    report("fixed point", slow, f"{slow / small:.0f} times the density")
    error = np.abs(fixed_point(atoms, few) - law.density(few)).max()
    print(f"  the fixed point differs by {error:.1e}, its η")
    large = measured(1_000_000, x, levels)
    print(f"  growth from 10⁵ to 10⁶ atoms: {large / small:.2f}-fold")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
