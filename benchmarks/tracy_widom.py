"""Times 1e5 values of the Tracy–Widom laws beside the TracyWidom package.

    pip install TracyWidom && python benchmarks/tracy_widom.py

The two alternate in one process; the figure is the median of five rounds after one to warm up.
The errors of the package are measured against ours.
"""

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from TracyWidom import TracyWidom as Package

from pastur._typing import FloatArray
from pastur.measures import TracyWidom

COUNT, ROUNDS = 100_000, 5


def seconds(function: Callable[[FloatArray], object], argument: FloatArray) -> float:
    start = time.perf_counter()
    function(argument)
    return time.perf_counter() - start


def compare(
    name: str,
    ours: Callable[[FloatArray], object],
    theirs: Callable[[FloatArray], object],
    argument: FloatArray,
) -> None:
    rounds = [(seconds(ours, argument), seconds(theirs, argument)) for _ in range(ROUNDS + 1)]
    a, b = (1e3 * median(column) for column in zip(*rounds[1:], strict=True))
    print(f"  {name:9s} pastur {a:7.1f} ms   package {b:7.1f} ms   ratio {a / b:6.3f}")


def main() -> None:
    rng = np.random.default_rng(0)
    for beta in (1, 2, 4):
        law, package = TracyWidom(beta), Package(beta=beta)
        q = rng.random(COUNT)
        x = law.quantile(q)
        print(f"beta = {beta}, {COUNT} values")
        compare("cdf", law.cdf, package.cdf, x)
        compare("density", law.density, package.pdf, x)
        compare("quantile", law.quantile, package.cdfinv, q)
        print(
            f"  largest error of the package's cdf: {np.abs(package.cdf(x) - law.cdf(x)).max():.1e}"
        )


if __name__ == "__main__":
    main()
