"""Both models against frozen 40-digit references, which tools/law_reference.py makes on its own.

Each reference is float64 rounded from 40 digits; the library must agree to 1e-12, that is to some
thousand roundings, although the last of the cases are sums over 100 000 atoms.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

from pastur._typing import FloatArray
from pastur.measures import (
    Atoms,
    Empirical,
    MarchenkoPastur,
    ProbabilityMeasure,
    Semicircle,
    Uniform,
)
from pastur.models import DeformedWigner, InformationPlusNoise
from pastur.models._subordination.law import SubordinatedLaw

DATA = Path(__file__).parent / "data"
TOLERANCE = 1e-12


def quantile_atoms(n: int, kind: str) -> FloatArray:
    """Quantiles at (i − ½)/n of 0.5·N(−2, 0.3²) + 0.5·U(1, 3), or squares of those of a twin."""
    p = (2 * np.arange(n // 2) + 1) / n
    if kind == "line":
        return np.concatenate([0.3 * ndtri(p) - 2, 1 + 2 * p])
    return np.concatenate([0.2 * ndtri(p) + 1.5, 3 + 2 * p]) ** 2


KINDS: dict[str, Callable[..., ProbabilityMeasure]] = {
    "atoms": Atoms,
    "semicircle": Semicircle,
    "uniform": Uniform,
    "marchenko_pastur": MarchenkoPastur,
    "quantiles": lambda n, kind: Empirical(quantile_atoms(n, kind)),
}


def made(
    model: type,
    parts: Sequence[Any],
    sigma: float,
    *ratio: float,
) -> InformationPlusNoise | DeformedWigner:
    signal = sum_of([(mass, KINDS[kind](*rest)) for mass, kind, *rest in parts])
    result: InformationPlusNoise | DeformedWigner = model(signal, sigma, *ratio)
    return result


def sum_of(terms: Sequence[tuple[float, Any]]) -> Any:
    if len(terms) == 1:
        return terms[0][1]
    total = terms[0][0] * terms[0][1]
    for mass, measure in terms[1:]:
        total = total + mass * measure
    return total


def cases() -> Iterator[Any]:
    for name, model in (("additive", DeformedWigner), ("rectangular", InformationPlusNoise)):
        with np.load(DATA / f"{name}.npz") as file:
            arrays = dict(file)
        for key in arrays:
            case, kind = key.split("/")
            if kind == "signal":
                law = made(model, *json.loads(str(arrays[key]))).law
                frozen = law, arrays[f"{case}/edges"], *arrays[f"{case}/table"]
                yield pytest.param(frozen, id=f"{name}, {case}")


@pytest.fixture(params=cases(), scope="module")
def frozen(
    request: pytest.FixtureRequest,
) -> tuple[Semicircle | SubordinatedLaw, FloatArray, FloatArray, FloatArray, FloatArray]:
    """A law; its edges, points, densities and values of the distribution function, frozen."""
    result: tuple[Semicircle | SubordinatedLaw, FloatArray, FloatArray, FloatArray, FloatArray] = (
        request.param
    )
    return result


def test_number_of_intervals_and_edges(
    frozen: tuple[Semicircle | SubordinatedLaw, FloatArray, FloatArray, FloatArray, FloatArray],
) -> None:
    law, edges, *_ = frozen
    assert law.support.shape == edges.shape
    np.testing.assert_allclose(law.support, edges, rtol=0, atol=TOLERANCE * np.abs(edges).max())


def test_density(
    frozen: tuple[Semicircle | SubordinatedLaw, FloatArray, FloatArray, FloatArray, FloatArray],
) -> None:
    law, edges, x, density, _ = frozen
    assert np.abs(x[:, None] - edges.ravel()).min() > 1e-6
    # Beside a hard edge the density is in the hundreds.
    np.testing.assert_allclose(law.density(x), density, rtol=TOLERANCE, atol=TOLERANCE)


def test_distribution_function(
    frozen: tuple[Semicircle | SubordinatedLaw, FloatArray, FloatArray, FloatArray, FloatArray],
) -> None:
    law, _, x, _, cdf = frozen
    np.testing.assert_allclose(law.cdf(x), cdf, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(law.sf(x), 1 - cdf, rtol=0, atol=TOLERANCE)


def test_quantile(
    frozen: tuple[Semicircle | SubordinatedLaw, FloatArray, FloatArray, FloatArray, FloatArray],
) -> None:
    law, edges, x, density, cdf = frozen
    # A few roundings of the level, up to 1, move the quantile by the second term: less than 1e-12
    # where the density is above 1e-3.
    allowed = TOLERANCE * np.abs(edges).max() + 1e-15 / density
    np.testing.assert_array_less(np.abs(law.quantile(cdf) - x), allowed)


def test_mass(
    frozen: tuple[Semicircle | SubordinatedLaw, FloatArray, FloatArray, FloatArray, FloatArray],
) -> None:
    """The density integrates to 1: Gauss's rule in each interval's angle, halved till quiet."""
    law, *_ = frozen
    nodes, weights = np.polynomial.legendre.leggauss(16)

    def rule(ends: FloatArray) -> FloatArray:
        interval, first, last = ends
        low, high = law.support[interval.astype(int), :, None].transpose(1, 0, 2)
        angle = (first + last)[:, None] / 2 + (last - first)[:, None] / 2 * nodes
        x = low + (high - low) * np.sin(angle) ** 2
        slope = (high - low) * np.sin(2 * angle) * (last - first)[:, None] / 2
        result: FloatArray = (law.density(x) * slope) @ weights
        return result

    count = len(law.support)
    panels = np.array([np.arange(count), np.zeros(count), np.full(count, np.pi / 2)])
    total, rough = 0.0, rule(panels)
    for _ in range(25):
        middle = panels[1:].mean(axis=0)
        halves = np.hstack([[panels[0], panels[1], middle], [panels[0], middle, panels[2]]])
        fine = rule(halves)
        both = fine.reshape(2, -1).sum(axis=0)
        quiet = np.abs(both - rough) < 1e-13
        total += both[quiet].sum()
        panels, rough = halves[:, np.tile(~quiet, 2)], fine[np.tile(~quiet, 2)]
    assert not rough.size
    assert total == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize(("n", "count"), [(1_000, 2), (10_000, 4), (100_000, 10)])
def test_tiny_intervals_are_counted_right(n: int, count: int) -> None:
    """Each new one is a handful of extreme atoms; the counts are those of an exact search."""
    law = DeformedWigner(Empirical(quantile_atoms(n, "line"))).law
    assert len(law.support) == count
    # μ gives an interval the mass of the atoms below it: multiples of 1/n.
    atoms = n * law.cdf(law.support.ravel())
    np.testing.assert_allclose(atoms, np.round(atoms), rtol=0, atol=n * 1e-14)
