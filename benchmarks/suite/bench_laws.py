"""Laws with closed forms or tables: values at 10⁵ points, and 10⁵ draws."""

from functools import cache, partial
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sides import Side, compare

from pastur._typing import FloatArray
from pastur.measures import MarchenkoPastur, Semicircle, TracyWidom

COUNT = 100_000
U = np.random.default_rng(0).random(COUNT)
RATIO = 0.5


def differs(expected: FloatArray, result: FloatArray) -> str:
    return f"differs by {np.nanmax(np.abs(result - expected)):.0e}"


@cache
def tables(beta: int) -> Any:
    return import_module("TracyWidom").TracyWidom(beta=beta)


@pytest.mark.parametrize("beta", [1, 2, 4])
@pytest.mark.parametrize("of", ["distribution function", "density", "quantiles"])
def bench_tracy_widom(benchmark: Any, beta: int, of: str) -> None:
    law = TracyWidom(beta)
    x = law.quantile(U)
    ours = {
        "distribution function": partial(law.cdf, x),
        "density": partial(law.density, x),
        "quantiles": partial(law.quantile, U),
    }[of]

    def package() -> Any:
        theirs = tables(beta)
        return {
            "distribution function": partial(theirs.cdf, x),
            "density": partial(theirs.pdf, x),
            "quantiles": partial(theirs.cdfinv, U),
        }[of]()

    compare(
        benchmark,
        f"Tracy–Widom, β = {beta}: {of}",
        Side(ours),
        {"TracyWidom": Side(package, partial(differs, ours()), "TracyWidom")},
    )


def bench_marchenko_pastur_density(benchmark: Any) -> None:
    law = MarchenkoPastur(RATIO)
    x = law.quantile(U)

    def freealg() -> Any:
        return import_module("freealg.distributions").MarchenkoPastur(RATIO).density(x)

    compare(
        benchmark,
        "Marchenko–Pastur, ratio ½: density",
        Side(partial(law.density, x)),
        {"freealg": Side(freealg, partial(differs, law.density(x)), "freealg")},
    )


def bench_marchenko_pastur_draws(benchmark: Any) -> None:
    law = MarchenkoPastur(RATIO)

    def freealg() -> Any:
        return import_module("freealg.distributions").MarchenkoPastur(RATIO).sample(COUNT, seed=0)

    def mean(draws: FloatArray) -> str:
        return f"mean {np.mean(draws):.3f} for 1"

    compare(
        benchmark,
        "Marchenko–Pastur, ratio ½: draws",
        Side(partial(law.sample, COUNT, rng=0), mean),
        {"freealg": Side(freealg, mean, "freealg")},
    )


@pytest.mark.parametrize("of", ["density", "distribution function", "quantiles"])
def bench_semicircle(benchmark: Any, of: str) -> None:
    law, theirs = Semicircle(1.0), stats.semicircular(scale=2.0)
    x = law.quantile(U)
    ours, plain = {
        "density": (partial(law.density, x), partial(theirs.pdf, x)),
        "distribution function": (partial(law.cdf, x), partial(theirs.cdf, x)),
        "quantiles": (partial(law.quantile, U), partial(theirs.ppf, U)),
    }[of]
    compare(
        benchmark,
        f"Semicircle: {of}",
        Side(ours),
        {"SciPy": Side(plain, partial(differs, ours()))},
    )
