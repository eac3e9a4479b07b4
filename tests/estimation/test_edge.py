"""Edges against the models' own scaling, and counting."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pastur._typing import AnyArray, FloatArray
from pastur.estimation import fit_rectangular
from pastur.estimation._fitting.many import leave_one_out
from pastur.estimation._fitting.task import Task
from pastur.estimation._kinds.masses import Masses
from pastur.estimation._kinds.rectangular import RectangularKind, RectangularWhiteNoise
from pastur.estimation._kinds.symmetric import SymmetricWhiteNoise
from pastur.estimation._low_rank.edge import noise_edges
from pastur.estimation._observed.spectrum import Settings
from pastur.estimation._spikes.noise_intervals import NoiseIntervals, noise_intervals
from pastur.measures import Atoms, TracyWidom
from pastur.models import DeformedWigner, InformationPlusNoise


@pytest.mark.parametrize("shape", [(200, 200), (200, 350), (40, 4000)])
@pytest.mark.parametrize("removed", [0, 7])
def test_the_rectangular_edge_is_the_one_of_the_model_for_what_is_left(
    shape: tuple[int, int], removed: int
) -> None:
    n, m = shape[0] - removed, shape[1] - removed
    # The entries keep their standard deviation: σ shrinks with the columns.
    sigma = float(np.sqrt(m / shape[1]))
    model = InformationPlusNoise(Atoms([0.0]), sigma=sigma, ratio=n / m)
    scale = model.edge_scale(n)
    edges = noise_edges(RectangularWhiteNoise(*shape), 0.05)
    centring = np.sqrt(scale.centring[1])
    assert edges.centring[removed] == pytest.approx(centring, rel=1e-9)
    # The model divides by 2√E_n where we divide by 2√E: they differ by 1/(4n).
    assert edges.scale[removed] == pytest.approx(scale.scale[1] / (2 * centring), rel=1 / n)


@pytest.mark.parametrize("removed", [0, 7])
def test_the_symmetric_edge_is_the_one_of_the_model_for_what_is_left(removed: int) -> None:
    size = 200 - removed
    model = DeformedWigner(Atoms([0.0]), sigma=float(np.sqrt(size / 200)))
    scale = model.edge_scale(size)
    edges = noise_edges(SymmetricWhiteNoise(200), 0.05)
    assert edges.centring[removed] == pytest.approx(scale.centring[1], rel=1e-9)
    assert edges.scale[removed] == pytest.approx(scale.scale[1], rel=1e-9)


@pytest.mark.parametrize("noise", [RectangularWhiteNoise(100, 150), SymmetricWhiteNoise(100)])
def test_a_value_at_the_edge_has_the_p_value_alpha(noise: RectangularWhiteNoise) -> None:
    edges = noise_edges(noise, 0.03)
    outliers = 2.5 * edges.edge[:4]
    # Shared: the k-th spike is tested at alpha/k.
    expected = 0.03 / np.arange(1, 5)
    np.testing.assert_allclose(edges.p_values(outliers, 2.5), expected, rtol=1e-6)


@pytest.mark.lengthy
def test_a_spike_is_detected_from_its_p_value_on() -> None:
    """Both rest on the σ of the hypothesis that it is noise, not on that of the rest."""
    rng, seen = np.random.default_rng(21), 0
    for _ in range(80):
        draw = rng.normal(size=(30, 60))
        values = np.asarray(np.linalg.svd(draw, compute_uv=False), dtype=np.float64)

        def spikes(alpha: float, values: FloatArray = values) -> AnyArray:
            found = fit_rectangular(singular_values=values, shape=(30, 60), alpha=alpha)
            return found.spikes["p_value"]

        one = spikes(0.4)
        if one.size != 1:
            continue
        seen += 1
        assert spikes(1.01 * one[0]).size >= 1
        assert spikes(0.99 * one[0]).size == 0
    assert seen >= 10


def test_the_margin_is_a_quantile_of_tracy_widom() -> None:
    edges = noise_edges(RectangularWhiteNoise(100, 100), 0.05)
    margin = (edges.edge - edges.centring) / edges.scale
    # Published: 0.9793 (Bejan 2005, table of F₁⁻¹).
    assert margin[0] == pytest.approx(0.9793, abs=1e-4)
    # At 0.01, for the fifth: 2.0234 in the same table.
    assert margin[4] == pytest.approx(2.0234, abs=1e-4)
    assert TracyWidom(1).sf(margin[0]) == pytest.approx(0.05, rel=1e-6)


def test_counting_stops_at_the_first_value_within() -> None:
    edges = noise_edges(RectangularWhiteNoise(100, 100), 0.05)
    values = np.linspace(1.5, 0, 100)
    values[:3] = 3.0, 2.5, 2.2
    assert edges.count(values, 1.0) == 3
    values[1] = 1.9
    assert edges.count(np.sort(values)[::-1], 1.0) == 2


def test_a_value_between_two_edges_counts_only_without_spikes_before_it() -> None:
    edges = noise_edges(RectangularWhiteNoise(100, 100), 0.05)
    assert edges.edge[0] < edges.edge[1]
    between = (edges.edge[0] + edges.edge[1]) / 2
    rest = np.linspace(1.5, 0, 98)
    assert edges.count(np.concatenate([[between, 1.6], rest]), 1.0) == 1
    assert edges.count(np.concatenate([[5.0, between], rest]), 1.0) == 1


def test_at_least_half_of_the_values_are_left() -> None:
    assert noise_edges(RectangularWhiteNoise(100, 100), 0.05).most == 50
    assert noise_edges(SymmetricWhiteNoise(2), 0.05).most == 0
    assert noise_edges(SymmetricWhiteNoise(3), 0.05).most == 1


@pytest.mark.parametrize("count", [2, 3, 6])
@pytest.mark.parametrize("share", [-0.5, 0.5])
def test_the_kth_value_is_tested_at_alpha_over_k(count: int, share: float) -> None:
    """All but the last are sure; the last is just beyond, or just within, the edge at alpha/k."""
    inf, alpha = np.inf, 0.05
    noise = NoiseIntervals(
        ends=np.array([[-inf, 2.0]]),
        critical=np.array([[-inf, 1.0]]),
        centring=np.array([[-inf, 2.0]]),
        scale=np.array([[0.0, 0.01]]),
    )
    last = 2 + 0.01 * float(TracyWidom(1).quantile(1 - alpha / (count + share)))
    values = np.array([*np.linspace(3.0, 2.5, count - 1), last, 1.0])
    expected = count if share > 0 else count - 1
    assert noise.detached(values, alpha).tolist() == list(range(expected))
    assert noise.detached(values[::-1], alpha).tolist() == list(
        range(values.size - expected, values.size)
    )


def test_p_values_of_two_ends_are_doubled_and_at_most_one() -> None:
    noise = NoiseIntervals(
        ends=np.array([[-2.0, 2.0]]),
        critical=np.array([[-1.0, 1.0]]),
        centring=np.array([[-2.0, 2.0]]),
        scale=np.array([[0.01, 0.01]]),
    )
    at = np.array([-2.05, -2.0, 0.5, 1.9, 2.0, 2.03])
    reduced = (np.abs(at) - 2) / 0.01
    expected = np.minimum(2 * TracyWidom(1).sf(reduced), 1.0)
    assert expected[2] == expected[3] == 1 > expected[4]
    np.testing.assert_allclose(noise.p_values(at), expected, rtol=1e-12)


@pytest.mark.parametrize(("p_value", "kept"), [(0.01, False), (1e-5, True)])
def test_a_doubtful_spike_is_asked_against_the_noise_without_it(p_value: float, kept: bool) -> None:
    """One far spike, and one not far above criticality that pushes the edge away from itself.

    The value of the second is put where noise beside the first alone goes with chance p_value.
    """
    kind, size, theta = RectangularKind(200, 400), 200, 1.2
    alone = Masses(np.array([9.0]), np.array([1 / size]))
    both = Masses(np.array([9.0, theta**2]), np.full(2, 1 / size))
    beside, noise = (
        noise_intervals(kind, kind.model(signal, 1.0), None, size) for signal in (alone, both)
    )
    value = beside.centring[0, 1] + beside.scale[0, 1] * TracyWidom(1).quantile(1 - p_value)
    fields = [("observed", float), ("theta", float), ("p_value", float)]
    own = float(noise.p_values(np.array([value]))[0])
    assert own < p_value / 2
    spikes = np.array([(3.5, 3.0, 0.0), (value, theta, own)], dtype=fields)
    found: Any = SimpleNamespace(sigma=1.0, signal=both)
    spectrum: Any = SimpleNamespace(values=np.empty(size))
    task = Task(spectrum, kind, Settings(None, 0.01))
    left, sure = leave_one_out(task, noise, found, spikes)
    assert sure.tolist() == [True, kept]
    if kept:
        assert spikes["p_value"][1] == pytest.approx(p_value, rel=1e-6)
        assert left is noise
    else:
        np.testing.assert_allclose(left.centring, beside.centring)
