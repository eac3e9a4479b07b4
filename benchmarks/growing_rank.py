"""Growing rank at finite size: predictions, and the measure μ₁ of Theorem 2.1 inside the bulk too.

    python benchmarks/growing_rank.py

Prints, for both models: the error of Theorem 2.2 and of the quantiles of the law of the whole
signal; (N/r)(μ − μ₀) of sampled matrices against what that law and its 1/N term say, for ten test
functions, five of them inside the bulk; how that tends to μ₁ as N grows with r = √N; and the time
of a prediction. About three minutes on one core.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

import pastur
from pastur import Atoms, DeformedWigner, Empirical, InformationPlusNoise, Uniform
from pastur._typing import ComplexArray, FloatArray
from pastur.measures import Measure, ProbabilityMeasure

RANKS, TABLE_DRAWS = (10, 31, 100, 200), 20
SAMPLE_DRAWS = 40
RATIO = 0.5

Model = DeformedWigner | InformationPlusNoise
Function = Callable[[FloatArray | float], Any]


# --- predictions ---


def sampled_eigenvalues(signal: FloatArray, rng: np.random.Generator) -> FloatArray:
    matrix = pastur.sample_goe(signal.size, rng=rng) + np.diag(signal)
    return np.asarray(np.linalg.eigvalsh(matrix)[::-1], dtype=np.float64)


def sampled_squares(squares: FloatArray, columns: int, rng: np.random.Generator) -> FloatArray:
    """Squared singular values of noise plus a signal with these squared singular values."""
    w = pastur.sample_gaussian((squares.size, columns), rng=rng)
    w[np.diag_indices(squares.size)] += np.sqrt(squares)
    return np.asarray(np.linalg.eigvalsh(w @ w.T)[::-1], dtype=np.float64)


def symmetric_error(
    bulk: Sequence[float],
    low: float,
    high: float,
    rank: int,
    rng: np.random.Generator,
    size: int = 1000,
) -> tuple[FloatArray, FloatArray]:
    spikes = np.sort(rng.uniform(low, high, rank))[::-1]
    signal = np.concatenate([spikes, np.resize(bulk, size - rank)])
    outliers = sampled_eigenvalues(signal, rng)[:rank]
    one_by_one = DeformedWigner(Atoms(bulk)).outlier(spikes)
    together = pastur.predict_eigenvalues(signal)[:rank]
    return outliers - one_by_one, outliers - together


def rectangular_error(
    low: float,
    high: float,
    rank: int,
    rng: np.random.Generator,
    shape: tuple[int, int] = (500, 1000),
) -> tuple[FloatArray, FloatArray]:
    critical = (shape[0] / shape[1]) ** 0.25
    spikes = np.sort(rng.uniform(low * critical, high * critical, rank))[::-1]
    squares = np.concatenate([spikes**2, np.zeros(shape[0] - rank)])
    outliers = np.sqrt(sampled_squares(squares, shape[1], rng)[:rank])
    model = InformationPlusNoise(Atoms([0.0]), ratio=shape[0] / shape[1])
    one_by_one = np.sqrt(model.outlier(spikes**2))
    together = pastur.predict_singular_values(spikes, shape)[:rank]
    return outliers - one_by_one, outliers - together


def error_table(
    title: str, draw: Callable[[int, np.random.Generator], tuple[FloatArray, FloatArray]]
) -> None:
    print(f"\n{title}\n    r   Theorem 2.2   quantiles   ratio")
    rng = np.random.default_rng(1)
    for rank in RANKS:
        errors = np.concatenate([draw(rank, rng) for _ in range(TABLE_DRAWS)], axis=1)
        first, second = np.sqrt((errors**2).mean(axis=1))
        print(f"  {rank:3d}   {first:11.4f}   {second:9.4f}   {first / second:5.1f}")


# --- μ₁ ---


def bump(center: float, radius: float) -> Function:
    def f(x: FloatArray | float) -> Any:
        t = np.clip((x - center) / radius, -1 + 1e-12, 1 - 1e-12)
        return np.exp(1 - 1 / (1 - t**2))

    return f


def test_functions(bulk: FloatArray, reach: float) -> list[Function]:
    """Five bumps inside the bulk, and five functions that see outliers."""
    low, high = bulk
    width = high - low
    inside = [bump(low + s * width, 0.14 * width) for s in (0.16, 0.33, 0.5, 0.67, 0.84)]
    middle = (high + reach) / 2
    outside: list[Function] = [
        bump(middle, reach - middle + 0.3 * width),
        lambda x: np.exp(-(((x - high) / (0.3 * width)) ** 2)),
        np.cos,
        lambda x: 1 / (1 + x**2),
        np.arctan,
    ]
    return inside + outside


class Symmetric:
    name = "symmetric, ν₀ = δ₀, spikes at the quantiles of the uniform law on [1.8, 3]"
    base = Atoms([0.0])
    nu1 = Uniform(1.8, 3.0) - Atoms([0.0])

    def signal(self, size: int, rank: int) -> FloatArray:
        spikes = 1.8 + 1.2 * (np.arange(rank) + 0.5) / rank
        return np.concatenate([spikes, np.zeros(size - rank)])

    def model(self, nu: ProbabilityMeasure) -> Model:
        return DeformedWigner(nu)

    def sample(self, signal: FloatArray, rng: np.random.Generator) -> FloatArray:
        return sampled_eigenvalues(signal, rng)


class Rectangular:
    name = "n × 2n, H = δ₀, squared spikes at the quantiles of the uniform law on [2, 6]"
    base = Atoms([0.0])
    nu1 = Uniform(2.0, 6.0) - Atoms([0.0])

    def signal(self, size: int, rank: int) -> FloatArray:
        squares = 2.0 + 4.0 * (np.arange(rank) + 0.5) / rank
        return np.concatenate([squares, np.zeros(size - rank)])

    def model(self, nu: ProbabilityMeasure) -> Model:
        return InformationPlusNoise(nu, ratio=RATIO)

    def sample(self, signal: FloatArray, rng: np.random.Generator) -> FloatArray:
        return sampled_squares(signal, round(signal.size / RATIO), rng)


Case = Symmetric | Rectangular


def law_integrals(
    law: ProbabilityMeasure, functions: Sequence[Function], nodes: int = 8000
) -> FloatArray:
    """∫ f dμ by the midpoint rule in the angle on each interval of the support."""
    total = np.zeros(len(functions))
    for low, high in law.support:
        angle = (np.arange(nodes) + 0.5) * np.pi / nodes
        x = (low + high) / 2 - (high - low) / 2 * np.cos(angle)
        weight = law.density(x) * (high - low) / 2 * np.sin(angle) * np.pi / nodes
        total += [f(x) @ weight for f in functions]
    return total


def integral(measure: Measure, f: Function) -> float:
    return measure.integrate(lambda x: float(f(x)))


def next_order(model: Model, functions: Sequence[Function], points: int = 40_001) -> FloatArray:
    """∫ f dλ for E g = g + λ's transform/N, which is ω″/(2N ω′): potential −½ log ω′.

    So λ has the mass −arg ω′(x + i0)/2π to the right of x.
    """
    low, high = model.law.support[[0, -1], [0, 1]]
    x = np.linspace(low - 0.01, high + 0.01, points)
    z = x + 1e-8j
    tail = -np.angle(omega_slope(model, z)) / (2 * np.pi)
    middle = (x[1:] + x[:-1]) / 2
    return np.array([f(middle) @ (tail[:-1] - tail[1:]) for f in functions])


def omega_slope(model: Model, z: ComplexArray) -> ComplexArray:
    slope: ComplexArray = model.law.stieltjes_derivative(z)
    if isinstance(model, DeformedWigner):
        return 1 + model.sigma**2 * slope
    pull = model.sigma**2 * model.ratio
    stretch: ComplexArray = 1 + pull * model.law.stieltjes(z)
    rest = model.sigma**2 * (1 - model.ratio)
    return stretch**2 + (2 * z * stretch - rest) * pull * slope


def expected(
    case: Case, functions: Sequence[Function], size: int, rank: int
) -> tuple[FloatArray, FloatArray]:
    """(N/r)(μ − μ₀) as the law of the whole signal has it, and its 1/N term."""
    model = case.model(Empirical(case.signal(size, rank)))
    first = law_integrals(model.law, functions) - law_integrals(
        case.model(case.base).law, functions
    )
    return size / rank * first, next_order(model, functions) / rank


def mu1_against_samples(case: Case, size: int = 2000, rank: int = 45) -> None:
    base = case.model(case.base).law
    signal = case.signal(size, rank)
    mu1 = case.model(case.base).outlier_measure(case.nu1)
    functions = test_functions(base.support[0], mu1.support[-1, 1])
    rng = np.random.default_rng(2)
    centre = law_integrals(base, functions)
    draws = []
    for _ in range(SAMPLE_DRAWS):
        values = case.sample(signal, rng)
        draws.append(size / rank * (np.array([f(values).mean() for f in functions]) - centre))
    mean = np.mean(draws, axis=0)
    error = np.std(draws, axis=0, ddof=1) / np.sqrt(SAMPLE_DRAWS)
    law, term = expected(case, functions, size, rank)
    limit = [integral(mu1, f) for f in functions]
    z = (mean - law - term) / error
    print(f"\n(N/r)(μ − μ₀), N = {size}, r = {rank}, {SAMPLE_DRAWS} draws; {case.name}")
    print("  function   sampled   law of all   + 1/N term   std error   deviation   μ₁")
    for k in range(len(functions)):
        place = "inside" if k < 5 else "across"
        print(
            f"  {place} {k % 5 + 1}   {mean[k]:8.5f}   {law[k]:10.5f}   {law[k] + term[k]:10.5f}   "
            f"{error[k]:9.5f}   {z[k]:7.2f}   {limit[k]:10.5f}"
        )
    worst, typical = np.abs(z).max(), np.sqrt((z**2).mean())
    print(f"  largest deviation {worst:.2f} standard errors, root mean square {typical:.2f}")


def mu1_as_the_size_grows(case: Case) -> None:
    base = case.model(case.base)
    mu1 = base.outlier_measure(case.nu1)
    functions = test_functions(base.law.support[0], mu1.support[-1, 1])
    limit = np.array([integral(mu1, f) for f in functions])
    sizes = [400, 1600, 6400, 25600, 102400, 409600]
    print(f"\n(N/r)(ν_N ⊞ noise − μ₀) against μ₁, r = √N; {case.name}")
    print("       N     r   inside: error, with 1/N term   across: error, with 1/N term")
    rows = []
    for size in sizes:
        rank = round(size**0.5)
        law, term = expected(case, functions, size, rank)
        gaps = np.abs(np.array([law, law + term]) - limit).reshape(2, 2, 5).max(axis=2)
        rows.append(gaps.T.ravel())
        print(f"  {size:6d}   {rank:3d}   " + "   ".join(f"{e:12.3e}" for e in rows[-1]))
    share = np.log(1 / np.sqrt(np.array(sizes, dtype=float)))
    slopes = [np.polyfit(share[-4:], np.log(column[-4:]), 1)[0] for column in np.array(rows).T]
    print("  slope in r/N  " + "   ".join(f"{s:12.2f}" for s in slopes))


# --- speed ---


def prediction_time(size: int = 100_000) -> None:
    levels = (np.arange(size // 2) + 0.5) / (size // 2)
    signal = np.concatenate([-2 + 0.3 * ndtri(levels), 1 + 2 * levels])
    x = np.linspace(-4, 5, 100) + 1e-3j
    start = time.perf_counter()
    for z in x:
        (1 / (signal - z)).mean()
    direct = (time.perf_counter() - start) * size / x.size
    start = time.perf_counter()
    pastur.predict_eigenvalues(signal)
    ours = time.perf_counter() - start
    print(f"\npredict_eigenvalues, N = {size}: {ours:.1f} s")
    print(f"  one direct evaluation of g at N points: {direct:.0f} s; ratio {ours / direct:.3f}")


def main() -> None:
    error_table(
        "N = 1000, ν₀ = δ₀, σ = 1, spikes uniform on [1.8, 3]",
        lambda rank, rng: symmetric_error([0.0], 1.8, 3.0, rank, rng),
    )
    error_table(
        "N = 1000, ν₀ = two atoms ∓1.5, σ = 1, spikes uniform on [2.7, 3.9]",
        lambda rank, rng: symmetric_error([-1.5, 1.5], 2.7, 3.9, rank, rng),
    )
    error_table(
        "500 × 1000, H = δ₀, σ = 1, spikes uniform on [1.5, 3] times the critical one",
        lambda rank, rng: rectangular_error(1.5, 3.0, rank, rng),
    )
    for case in (Symmetric(), Rectangular()):
        mu1_as_the_size_grows(case)
    prediction_time()
    for case in (Symmetric(), Rectangular()):
        mu1_against_samples(case)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
