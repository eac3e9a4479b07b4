"""Intervals of spikes that were detected near the threshold, as a table of the docs.

    python benchmarks/near_threshold.py [--draws 150] [--seed 0] [--known]

Spikes of one strength, σ unknown unless `--known`, only the spectrum given. Each cell has the share
of intervals that hold the strength, of lone spikes and of groups, with their number, and the median
upper end over the critical strength. Draws without a value beyond the noise are not fitted: nothing
is detected there.
"""

import argparse
from collections.abc import Sequence

import numpy as np

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray

SHAPES: list[tuple[int, int] | int] = [(60, 120), (300, 600), 200]
FACTORS = (1.0, 1.05, 1.1, 1.2, 1.3)
COUNTS = (1, 4)


def spectrum(sides: tuple[int, int], theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Singular values; Gaussian noise lets the signal be diagonal."""
    w = rng.normal(size=sides) / np.sqrt(sides[1])
    w[np.arange(theta.size), np.arange(theta.size)] += theta
    return np.sqrt(np.linalg.eigvalsh(w @ w.T))


def eigenvalues(size: int, theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    w = rng.normal(size=(size, size))
    w = (w + w.T) / np.sqrt(2 * size)
    w[np.arange(theta.size), np.arange(theta.size)] += theta
    return np.asarray(np.linalg.eigvalsh(w), dtype=np.float64)


def cell(
    shape: tuple[int, int] | int,
    factor: float,
    count: int,
    draws: int,
    seed: int,
    sigma: float | None,
) -> str:
    symmetric = isinstance(shape, int)
    sides = (shape, shape) if isinstance(shape, int) else shape
    ratio = sides[0] / sides[1]
    critical, edge = ratio**0.25, 2.0 if symmetric else 1 + ratio**0.5
    rng = np.random.default_rng([seed, *sides, int(symmetric), count, round(100 * factor)])
    hits: list[bool] = []
    upper: list[float] = []
    for _ in range(draws):
        theta = np.full(count, factor * critical)
        draw = eigenvalues(sides[0], theta, rng) if symmetric else spectrum(sides, theta, rng)
        if draw.max() < edge:
            continue
        if symmetric:
            spikes = fit_symmetric(eigenvalues=draw, sigma=sigma).spikes
        else:
            spikes = fit_rectangular(singular_values=draw, shape=sides, sigma=sigma).spikes
        spikes = spikes[spikes["observed"] > 0]
        for number in np.unique(spikes["group"]):
            low, high = (spikes[end][spikes["group"] == number][0] for end in ("low", "high"))
            hits.append(bool(low <= theta[0] <= high))
            upper.append(float(high / critical))
    return f"{np.mean(hits):.3f} of {len(hits)}, {np.median(upper):.2f}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--known", action="store_true", help="σ is given")
    options = parser.parse_args(arguments)
    sigma = 1.0 if options.known else None
    print("| matrix, spikes |", " | ".join(f"{factor} × critical" for factor in FACTORS), "|")
    print("|---" * (len(FACTORS) + 1) + "|")
    for shape in SHAPES:
        for count in COUNTS:
            name = f"symmetric {shape}" if isinstance(shape, int) else "{} × {}".format(*shape)
            print(f"| {name}, {count}", end="", flush=True)
            for factor in FACTORS:
                found = cell(shape, factor, count, options.draws, options.seed, sigma)
                print(f" | {found}", end="", flush=True)
            print(" |")


if __name__ == "__main__":
    main()
