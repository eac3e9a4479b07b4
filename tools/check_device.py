"""Whether a CUDA device gives the singular values and the fits that the CPU gives.

    python tools/check_device.py [--device cuda] [--size 3000]

Compares both routes on matrices of several shapes and conditions, and every finding of
`pastur.analyze`; prints a table with the times; exits with status 1 where they disagree. Two
minutes on one core and one card. With `--device cpu` torch computes on the processor.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

import pastur
from pastur._devices import device_name, torch_device
from pastur._numerics.singular_values import singular_values
from pastur._numerics.torch_singular_values import singular_values_on
from pastur._typing import AnyArray, FloatArray

# The stated accuracy of singular values, relative to the largest.
LARGEST_DIFFERENCE = 1e-10
# What a fit makes of that.
TOLERANCE = 1e-6
# How a fit came about, not what it says: its last steps are at the level of rounding.
LEFT_OUT = {"status"}


def spiked(rng: np.random.Generator, n: int, m: int) -> FloatArray:
    thetas = np.array([4.0, 3.0, 2.0])
    left, right = (np.linalg.qr(rng.normal(size=(k, len(thetas))))[0] for k in (n, m))
    result: FloatArray = rng.normal(size=(n, m)) / max(n, m) ** 0.5 + left * thetas @ right.T
    return result


def matrices(size: int) -> dict[str, AnyArray]:
    """Return what is compared, by name."""
    rng = np.random.default_rng(20261127)
    outlier = spiked(rng, 300, 400)
    outlier[3, 4] = 1e8
    return {
        f"square {size}": rng.normal(size=(size, size)),
        "tall 4096 × 1024": spiked(rng, 4096, 1024),
        "wide 1024 × 4096": spiked(rng, 1024, 4096),
        "small": spiked(rng, 40, 60),
        "two rows": rng.normal(size=(2, 500)),
        "rank 50 of 400": rng.normal(size=(400, 50)) @ rng.normal(size=(50, 600)),
        "graded to 1e-9": rng.normal(size=(300, 300)) * np.geomspace(1, 1e-9, 300),
        "entries of 1e-200": 1e-200 * spiked(rng, 300, 400),
        "entries of 1e+200": 1e200 * spiked(rng, 300, 400),
        "one entry of 1e8": outlier,
        "float32": spiked(rng, 600, 800).astype(np.float32),
    }


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[FloatArray, float]:
    start = time.perf_counter()
    return function(*arguments), time.perf_counter() - start


def compare_values(named: Mapping[str, AnyArray], device: Any) -> list[str]:
    """Print a line for each matrix and return the names of those that differ."""
    singular_values_on(np.eye(10), device)  # What starts once is not counted.
    print(f"{'singular values':24} {'difference / s₁':>16} {'processor, s':>14} {'device, s':>10}")
    wrong = []
    for name, matrix in named.items():
        here, seconds_here = timed(singular_values, matrix)
        there, seconds_there = timed(singular_values_on, matrix, device)
        difference = float(np.abs(here - there).max() / here[0])
        print(f"{name:24} {difference:16.1e} {seconds_here:14.3f} {seconds_there:10.3f}")
        if not difference <= LARGEST_DIFFERENCE:
            wrong.append(name)
    return wrong


def disagreements(one: Any, other: Any, unit: float, path: str = "") -> Iterator[str]:
    """Yield the fields in which two results, as plain values, disagree."""
    if isinstance(one, dict):
        for key in one.keys() | other.keys():
            if key not in LEFT_OUT:
                yield from disagreements(one.get(key), other.get(key), unit, f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, pair in enumerate(zip(one, other, strict=True)):
            yield from disagreements(*pair, unit, f"{path}[{place}]")
    elif isinstance(one, float) and isinstance(other, float):
        if abs(one - other) > TOLERANCE * max(abs(one), abs(other)) + LARGEST_DIFFERENCE * unit:
            yield f"{path}: {one!r} and {other!r}"
    elif one != other:
        yield f"{path}: {one!r} and {other!r}"


def compare_fits(named: Mapping[str, AnyArray], name: str) -> list[str]:
    """Print a line for each matrix and return the names of those whose fits differ."""
    here, there = pastur.analyze(named), pastur.analyze(named, device=name)
    print(f"\n{'fits':24} {'rank':>6} {'σ':>12}  verdict")
    wrong = []
    for one, other in zip(here.matrices, there.matrices, strict=True):
        unit = float(one.singular_values[0])
        found = list(disagreements(one.fit.to_dict(), other.fit.to_dict(), unit))
        said = "agree" if not found else "DISAGREE: " + "; ".join(found[:3])
        verdict = one.fit.goodness.verdict
        print(f"{one.name:24} {one.fit.rank:6} {one.fit.sigma:12.6g}  {verdict}: {said}")
        if found:
            wrong.append(one.name)
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", type=int, default=3000, help="rows of the largest square matrix")
    options = parser.parse_args()
    device = torch_device(options.device)
    print(f"{options.device}: {device_name(device)}")
    named = matrices(options.size)
    wrong = compare_values(named, device) + compare_fits(named, options.device)
    if wrong:
        sys.exit(f"They disagree on {', '.join(dict.fromkeys(wrong))}.")
    print("They agree.")


if __name__ == "__main__":
    main()
