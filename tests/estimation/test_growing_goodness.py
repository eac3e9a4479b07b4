"""The goodness of fit of a signal of any rank: its p-values are uniform where the model is exact.

Gaussian noise and spikes along axes, whose spectra need no matrix of full size: the columns without
a spike are drawn as Bartlett's triangle.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import kstest

import pastur.estimation._deconvolution.descent as descent
import pastur.estimation._deconvolution.far as far
import pastur.estimation._deconvolution.grid as grid
from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, fit_rectangular
from pastur.estimation._deconvolution.descent import deconvolve
from pastur.estimation._deconvolution.far import far_values
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.measures import Uniform

RANK = 22


def spectrum(shape: tuple[int, int], theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Singular values of noise with σ = 1 and spikes, exact in law."""
    (n, m), rank = shape, theta.size
    first = rng.normal(size=(n, rank)) / np.sqrt(m)
    first[np.arange(rank), np.arange(rank)] += theta
    triangle = np.tril(rng.normal(size=(n, n)), -1)
    triangle[np.diag_indices(n)] = np.sqrt(rng.chisquare(m - rank - np.arange(n)))
    triangle /= np.sqrt(m)
    gram = first @ first.T + triangle @ triangle.T
    return np.sqrt(np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0))


def fits(shape: tuple[int, int], ends: tuple[float, float], draws: int) -> Sequence[RectangularFit]:
    critical = (shape[0] / shape[1]) ** 0.25
    found = []
    for draw in range(draws):
        rng = np.random.default_rng([35, *shape, draw])
        theta = critical * np.sort(rng.uniform(*ends, RANK))[::-1]
        values = spectrum(shape, theta, rng)
        found.append(fit_rectangular(singular_values=values, shape=shape))
    return found


def uniformity(found: Sequence[RectangularFit]) -> float:
    return float(kstest([fit.goodness.p_value for fit in found], "uniform").pvalue)


@pytest.mark.slow
@pytest.mark.parametrize("ends", [(1.5, 4.0), (3.0, 6.0), (10.0, 50.0)])
def test_p_values_are_uniform(ends: tuple[float, float]) -> None:
    found = fits((200, 400), ends, 120)
    assert all(fit.growing for fit in found)
    # False alarm 1e-3 each.
    assert uniformity(found) > 1e-3


@pytest.mark.slow
def test_what_the_transform_does_not_resolve_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def rejected() -> float:
        p_values = [fit.goodness.p_value for fit in fits((800, 1600), (3.0, 6.0), 20)]
        return float(np.mean([p is not None and p < 0.05 for p in p_values]))

    # Of 20 six or more at .05 have chance 3e-4.
    assert rejected() < 0.3
    # A grid of 3 %, and points of the transform above lone values: .45 in these draws.
    monkeypatch.setattr(grid, "_GRID_SHARE", np.inf)
    monkeypatch.setattr(far, "_GAP", np.inf)
    assert rejected() >= 0.3


@pytest.mark.slow
def test_fine_directions_are_no_longer_gaussian(monkeypatch: pytest.MonkeyPatch) -> None:
    def tail() -> float:
        found = []
        for draw in range(150):
            values = spectrum((60, 6000), np.empty(0), np.random.default_rng([37, draw]))
            fit = deconvolve(values, RectangularKind(60, 6000), 1.0, np.empty(0))
            assert fit is not None
            found.append(fit.p_value < 0.01)
        return float(np.sum(found))

    # Of 150 seven or more at .01 have chance 1e-3.
    assert tail() < 7
    monkeypatch.setattr(descent, "_LEAST_OF_MISFIT", 0.0)
    monkeypatch.setattr(descent, "_LEAST_VARIANCE", 1e-5)
    assert tail() >= 7


def test_far_is_what_lies_beyond_a_gap() -> None:
    bulk = np.linspace(0.5, 1.5, 101)
    lone, crowd = np.array([1.6, 2.2, 2.25, 4.9, 7.0]), np.linspace(1.5, 6.0, 200)
    assert far_values(np.append(bulk, lone), None, 0.1).nonzero()[0].tolist() == [
        102,
        103,
        104,
        105,
    ]
    # Without a gap: what is farther than five σ.
    values = np.append(bulk, crowd)
    np.testing.assert_array_equal(far_values(values, None, 0.1), values > 5)
    # Tiny values below a gap are the bulk's, and both sides of a symmetric spectrum have gaps.
    assert not far_values(np.append(0.01, bulk), None, 0.1).any()
    assert far_values(np.append(-bulk[::-1], lone + 0.5), None, 0.1)[101:].all()
    # Next to a base distances are those from it.
    wide = np.linspace(-9.0, 9.0, 181)
    assert not far_values(wide, Uniform(-8.0, 8.0), 0.1).any()
    assert far_values(np.append(wide, 10.0), Uniform(-8.0, 8.0), 0.1).nonzero()[0].tolist() == [181]
