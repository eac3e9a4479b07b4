"""The exponent of a count, and the panels of Figures 1 and 2."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import linregress, t

from pastur.estimation import Verdict
from pastur.experiments import TrainingConfig, growth, spike_panels
from pastur.experiments.fashion_mnist import EpochFindings, LayerFindings, NetworkRecord
from pastur.experiments.fashion_mnist._study.growth import power_law


def record(
    size: int, rank: int, seed: int = 0, fits: bool = True, accuracy: float | None = 0.88
) -> NetworkRecord:
    layer = LayerFindings(
        layer="fc2.weight",
        shape=(size, size),
        sigma=1.0,
        sigma_low=0.9,
        sigma_high=1.1,
        edge=2.1,
        rank=rank,
        signal_rank=rank + 0.5,
        signal_rank_low=0.0,
        signal_rank_high=8.0,
        distance=0.1,
        p_value=None,
        verdict=Verdict("noise bulk" if fits else "heavy tail"),
        reason="",
        fits=fits,
        converged=True,
        bema_rank=rank,
        bema_sigma=1.0,
        coefficient=1.0,
        sigma_initial=1.0,
        above_critical=rank,
        residual_rank=rank,
        leading=(3.0,),
        theta=(),
    )
    layers = () if accuracy is None else (layer,)
    epochs = (EpochFindings(25, accuracy, layers),)
    return NetworkRecord(TrainingConfig(size=size, seed=seed), {}, (0.5,), epochs, True)


def test_a_power_is_found() -> None:
    found = growth([record(n, 3 * n) for n in (10, 20, 40, 80)])
    assert found is not None
    assert found.exponent == pytest.approx(1)
    # No scatter: what is left is the rounding of a count, uniform within ½.
    counts = 3 * np.array([10, 20, 40, 80])
    x = np.log(counts)
    variance = np.mean(1 / counts.astype(float) ** 2) / 12
    reach = t.ppf(0.975, 2) * np.sqrt(variance / ((x - x.mean()) ** 2).sum())
    assert [found.low, found.high] == pytest.approx([1 - reach, 1 + reach])
    assert (found.networks, found.fitting) == (4, 4)


def test_two_sizes_have_no_exponent() -> None:
    """Any power passes through them, however many networks there are of each."""
    assert growth([record(n, n // 10, seed=i) for n in (200, 400) for i in range(3)]) is None


def test_the_interval_is_that_of_a_regression() -> None:
    sizes, ranks = [200, 400, 600, 800, 1000], [11, 19, 24, 40, 37]
    found = growth([record(n, k, fits=n < 900) for n, k in zip(sizes, ranks, strict=True)])
    expected = linregress(np.log(sizes), np.log(ranks))
    reach = t.ppf(0.975, 3) * expected.stderr
    assert found is not None
    assert found.exponent == pytest.approx(expected.slope)
    assert (found.low, found.high) == pytest.approx(
        (expected.slope - reach, expected.slope + reach)
    )
    assert found.fitting == 4


def test_counts_of_zero_and_trainings_that_ran_away_are_left_out() -> None:
    records = [record(10, 0), record(20, 4, accuracy=None), record(40, 5), record(80, 9)]
    assert growth(records) is None
    found = growth([*records, record(160, 20)])
    assert found is not None and found.networks == 3
    assert growth([record(10, k) for k in (1, 2, 3)]) is None


def test_another_count() -> None:
    found = growth([record(n, n) for n in (10, 20, 40)], count="spikes, detached or not")
    assert found is not None
    assert found.count == "spikes, detached or not"
    assert 0.9 < found.exponent < 1


def test_records_without_a_count_are_left_out() -> None:
    sizes = (10, 20, 40, 80)
    old = [record(n, n) for n in sizes]
    assert growth(old, count="stand out from the rest") is None
    layers = [one.last.layers[0] for one in old]
    new = [
        replace(one, epochs=(EpochFindings(25, 0.9, (replace(layer, standing_out=2 * n),)),))
        for n, one, layer in zip(sizes, old, layers, strict=True)
    ]
    found = growth([*old, *new], count="stand out from the rest")
    assert found is not None and found.networks == 4
    assert found.exponent == pytest.approx(1)
    labels = [[s.label for s in spike_panels(records)[0].series] for records in (old, new)]
    assert ["stand out from the rest" in names for names in labels] == [False, True]


def test_the_interval_of_a_power_holds_the_truth() -> None:
    """In 950 of 1000 draws; outside ±28 (four standard errors) with chance 6e-5."""
    rng, size = np.random.default_rng(20261129), np.repeat((200, 400, 800, 1600), 2)
    found = [power_law(size, size**0.7 * np.exp(0.1 * rng.normal(size=8))) for _ in range(1000)]
    held = sum(law.low <= 0.7 <= law.high for law in found)
    assert abs(held - 950) <= 28
    assert np.mean([law.scatter**2 for law in found]) == pytest.approx(0.01, rel=0.1)
    # A third realisation that is a copy of the second claims more than there is.
    twice = [
        power_law(np.tile(size, 2), np.tile(size**0.7 * np.exp(e), 2))
        for e in 0.1 * rng.normal(size=(1000, 8))
    ]
    assert sum(law.low <= 0.7 <= law.high for law in twice) < 950 - 28


def test_a_panel_for_each_realisation_and_one_for_the_accuracies() -> None:
    records = [record(n, n // 10, seed=s, fits=n < 300) for s in (0, 1) for n in (400, 100, 200)]
    first, second, accuracy = spike_panels(records)
    assert (first.title, second.title) == (
        "fc2.weight, realisation 1",
        "fc2.weight, realisation 2",
    )
    names = [series.label for series in first.series]
    assert names[0] == "detached spikes" and names[-1] == "bulk does not fit"
    assert np.asarray(first.series[0].x).tolist() == [100, 200, 400]
    assert np.asarray(first.series[0].y).tolist() == [10, 20, 40]
    assert np.asarray(first.series[-1].x).tolist() == [400]
    assert np.asarray(accuracy.series[0].y).tolist() == [88.0] * 6
