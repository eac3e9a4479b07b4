"""Whether a CUDA device gives the singular values and the fits that the CPU gives.

    python tools/check_device.py [--device cuda] [--size 3000]

Compares both routes on matrices of several shapes and conditions, batches of small ones with the
same one by one, and every finding of `pastur.analyze`, also of a file; prints tables with the
times; exits with status 1 where they disagree. Two minutes on one core and one card. With
`--device cpu:0` torch computes on the processor; `cpu` is the route without torch.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

import pastur
from pastur._devices import device_name, torch_device
from pastur._numerics.singular_values import singular_values
from pastur._numerics.torch_singular_values import singular_values_on
from pastur._typing import AnyArray, FloatArray

# The stated accuracy of singular values, relative to the largest.
LARGEST_DIFFERENCE = 1e-10
# What a fit makes of that.
TOLERANCE = 1e-6
# Small matrices of equal shape: how many, rows and columns.
BATCHES = ((512, 32, 32), (256, 64, 256), (64, 256, 256), (16, 512, 512))
# Layers of a file, some at a time read in advance.
LAYERS = 48
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


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    start = time.perf_counter()
    return function(*arguments), time.perf_counter() - start


def on(device: Any, matrix: AnyArray) -> FloatArray:
    return singular_values_on([matrix], device)[0]


def compare_values(named: Mapping[str, AnyArray], device: Any) -> list[str]:
    """Print a line for each matrix and return the names of those that differ."""
    on(device, np.eye(10))  # What starts once is not counted.
    print(f"{'singular values':24} {'difference / s₁':>16} {'processor, s':>14} {'device, s':>10}")
    wrong = []
    for name, matrix in named.items():
        here, seconds_here = timed(singular_values, matrix)
        there, seconds_there = timed(on, device, matrix)
        difference = float(np.abs(here - there).max() / here[0])
        print(f"{name:24} {difference:16.1e} {seconds_here:14.3f} {seconds_there:10.3f}")
        if not difference <= LARGEST_DIFFERENCE:
            wrong.append(name)
    return wrong


def compare_batches(device: Any) -> list[str]:
    """Print a line for each batch and return the names of those that differ."""
    print(f"\n{'together':24} {'difference / s₁':>16} {'one by one, s':>14} {'together, s':>12}")
    rng = np.random.default_rng(20261130)
    wrong = []
    for count, n, m in BATCHES:
        name = f"{count} of {n} × {m}"
        matrices = list(rng.normal(size=(count, n, m)))
        singular_values_on(matrices[:2], device)
        one_by_one, apart = timed(lambda some: [on(device, one) for one in some], matrices)
        together, seconds = timed(singular_values_on, matrices, device)
        both = zip(one_by_one, together, strict=True)
        difference = max(float(np.abs(one - other).max() / one[0]) for one, other in both)
        print(f"{name:24} {difference:16.1e} {apart:14.3f} {seconds:12.3f}")
        if not difference <= LARGEST_DIFFERENCE:
            wrong.append(name)
    return wrong


def compare_file(side: int, name: str) -> list[str]:
    """Print the times of a whole model and return its matrices whose ranks differ."""
    rng = np.random.default_rng(20261201)
    layers = {f"layer.{k}": spiked(rng, side, side).astype(np.float32) for k in range(LAYERS)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save_file(layers, path)
        here, seconds_here = timed(pastur.analyze, path)
        there, seconds_there = timed(lambda model: pastur.analyze(model, device=name), path)
    print(f"\na file of {LAYERS} layers of {side} × {side}: ", end="")
    print(f"processor {seconds_here:.1f} s, device {seconds_there:.1f} s")
    pairs = zip(here.matrices, there.matrices, strict=True)
    return [one.name for one, other in pairs if one.fit.rank != other.fit.rank]


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
        # Without a law of noise there is neither.
        rank, sigma = (
            "–" if value is None else f"{value:.6g}" for value in (one.fit.rank, one.fit.sigma)
        )
        print(f"{one.name:24} {rank:>6} {sigma:>12}  {verdict}: {said}")
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
    wrong = compare_values(named, device) + compare_batches(device)
    wrong += compare_fits(named, options.device) + compare_file(options.size // 4, options.device)
    if wrong:
        sys.exit(f"They disagree on {', '.join(dict.fromkeys(wrong))}.")
    print("They agree.")


if __name__ == "__main__":
    main()
