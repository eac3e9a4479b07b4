"""Kernels whose instructions are counted: each builds its arguments and returns what to call.

    python benchmarks/suite/kernels.py

calls each of them once, then twice, each time in a process of its own whose instructions someone
else counts, and prints the numbers of these processes. They are forks of one, so that the packages
are loaded once.
"""

import os
from collections.abc import Callable
from functools import partial

import numpy as np

import pastur
from pastur import DeformedWigner, Empirical, InformationPlusNoise
from pastur._typing import FloatArray
from pastur.measures import Atoms, MarchenkoPastur, TracyWidom

Kernel = Callable[[], Callable[[], object]]


def _normals(*shape: int) -> FloatArray:
    return np.random.default_rng(0).standard_normal(shape)


def _planted() -> FloatArray:
    w = _normals(200, 400) / 20
    w[np.arange(20), np.arange(20)] += np.linspace(4, 1.5, 20)
    return w


def stieltjes() -> Callable[[], object]:
    atoms = Empirical(np.sort(_normals(20_000)))
    return partial(atoms.stieltjes, np.linspace(-3, 3, 2000) + 0.1j)


def density() -> Callable[[], object]:
    atoms, x = np.sort(_normals(500)), np.linspace(-4, 4, 200)
    return lambda: DeformedWigner(Empirical(atoms), sigma=1.0).law.density(x)


def outlier_map() -> Callable[[], object]:
    model = InformationPlusNoise(Atoms([0.0, 1.0], [0.7, 0.3]), ratio=0.5)
    return partial(model.omega, np.linspace(0.1, 20.0, 500) + 0.1j)


def tracy_widom() -> Callable[[], object]:
    return partial(TracyWidom(1).cdf, np.linspace(-8, 8, 20_000))


def marchenko_pastur() -> Callable[[], object]:
    return partial(MarchenkoPastur(0.5).quantile, np.linspace(0, 1, 2000))


def outliers() -> Callable[[], object]:
    spikes = np.linspace(3.0, 1.5, 30)
    return partial(pastur.sample_spiked_outliers, 10_000, spikes, rng=0)


def fit() -> Callable[[], object]:
    return partial(pastur.fit_rectangular, _planted())


def tests() -> Callable[[], object]:
    return partial(pastur.law_free_tests, _planted())


KERNELS: dict[str, Kernel] = {
    "g of 20 000 atoms": stieltjes,
    "density, 500 atoms": density,
    "omega of two atoms": outlier_map,
    "Tracy–Widom cdf": tracy_widom,
    "Marchenko–Pastur quantiles": marchenko_pastur,
    "sampler, 30 outliers": outliers,
    "fit_rectangular, 200 × 400": fit,
    "law_free_tests, 200 × 400": tests,
}


def called(kernel: Kernel, calls: int) -> int:
    """Return the number of a process that has called a kernel so often."""
    process = os.fork()
    if process == 0:
        call = kernel()
        for _ in range(calls):
            call()
        os._exit(0)
    _, status = os.waitpid(process, 0)
    if status:
        raise SystemExit(f"process {process} failed")
    return process


def main() -> None:
    for name, kernel in KERNELS.items():
        print(name, called(kernel, 1), called(kernel, 2), sep="\t", flush=True)


if __name__ == "__main__":
    main()
