"""Neighbours in the order of storage: what they have in common is measured, and named."""

from collections.abc import Callable

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.estimation import fit_rectangular, fit_symmetric
from pastur.estimation._observed.copies import copies
from pastur.estimation._observed.entries import EntryDiagnosis, diagnose_entries
from pastur.estimation._observed.neighbours import Neighbours, neighbours

SHAPES = [(200, 400), (300, 300), (1200, 60)]
DRAWS = 10
Draw = Callable[[np.random.Generator, tuple[int, int]], FloatArray]


def autoregressive(x: FloatArray, correlation: float) -> FloatArray:
    """Make each row `correlation` times the one before plus noise, of the same variance."""
    found = x.copy()
    for i in range(1, len(x)):
        found[i] = correlation * found[i - 1] + (1 - correlation**2) ** 0.5 * x[i]
    return found


def spiked(x: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """Add spikes in no special direction, from just above the edge of the noise on."""
    n, m = x.shape
    left = np.linalg.qr(rng.normal(size=(n, count)))[0]
    right = np.linalg.qr(rng.normal(size=(m, count)))[0]
    found: FloatArray = x + (left * np.linspace(1.2, 4, count) * (n * m) ** 0.25) @ right.T
    return found


def diagnosis(x: FloatArray) -> EntryDiagnosis:
    return diagnose_entries(x, np.linalg.svd(x, compute_uv=False).astype(np.float64, copy=False))


def gaussian(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    found: FloatArray = rng.normal(size=shape)
    return found


def power_law(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """A signal of full rank in no special basis, on noise."""
    short, long = min(shape), max(shape)
    left = np.linalg.qr(rng.normal(size=(short, short)))[0]
    right = np.linalg.qr(rng.normal(size=(long, short)))[0]
    signal = (left * (10 * long**0.5 * np.arange(1, short + 1) ** -0.5)) @ right.T
    found: FloatArray = rng.normal(size=shape) + (signal if shape[0] == short else signal.T)
    return found


def separable(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    rows, columns = (np.exp(0.7 * rng.normal(size=side)) for side in shape)
    return rng.normal(size=shape) * rows[:, None] ** 0.5 * columns**0.5


NULL: dict[str, Draw] = {
    "gaussian": gaussian,
    "5 spikes": lambda rng, shape: spiked(gaussian(rng, shape), 5, rng),
    "40 spikes": lambda rng, shape: spiked(gaussian(rng, shape), 40, rng),
    "power law": power_law,
    "row and column variances": separable,
    "t3": lambda rng, shape: rng.standard_t(3, size=shape),
    "mostly zeros": lambda rng, shape: rng.normal(size=shape) * (rng.random(shape) > 0.9),
    "a mean": lambda rng, shape: rng.normal(2.0, 1.0, size=shape),
    "skewed": lambda rng, shape: rng.exponential(size=shape),
}


def named(found: Neighbours) -> bool:
    return found.chance < 1e-3 and found.edge_shift > 0.05


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("noise", list(NULL))
def test_neighbours_of_independent_noise_have_nothing_in_common(
    noise: str, shape: tuple[int, int]
) -> None:
    rng = np.random.default_rng(110)
    for _ in range(DRAWS):
        found = neighbours(NULL[noise](rng, shape))
        assert not named(found)
        assert max(found.variances_of_rows.mean, found.variances_of_columns.mean) < 0.1


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spikes", [0, 5, 40])
@pytest.mark.parametrize("axis", ["rows", "columns", "both"])
def test_correlated_neighbours_are_named(shape: tuple[int, int], spikes: int, axis: str) -> None:
    rng = np.random.default_rng(111)
    for _ in range(DRAWS):
        x = rng.normal(size=shape)
        if axis != "columns":
            x = autoregressive(x, 0.3)
        if axis != "rows":
            x = autoregressive(x.T, 0.3).T
        found = diagnosis(spiked(x, spikes, rng) if spikes else x)
        assert found.verdict == "entries correlated"
        assert "from one row to the next" in found.reason


@pytest.mark.parametrize("correlation", [-0.4, 0.1, 0.5])
def test_the_correlation_is_measured(correlation: float) -> None:
    # Ten of two hundred directions are taken out, which costs a little of it.
    found = neighbours(
        autoregressive(np.random.default_rng(112).normal(size=(200, 400)), correlation)
    )
    assert found.rows.mean == pytest.approx(correlation, abs=0.05)
    assert abs(found.columns.mean) < 4 * found.columns.error
    # Of m − 1 cosines of columns, whose n entries have Σρ^(2|k|) as their variance over n.
    inflation = (1 + correlation**2) / (1 - correlation**2)
    assert found.columns.error == pytest.approx((inflation / (200 * 399)) ** 0.5, rel=0.1)


def test_a_correlation_that_moves_nothing_is_left_alone() -> None:
    # Significant, by eight standard deviations, and the edge moves by a hundredth of its own.
    x = autoregressive(np.random.default_rng(113).normal(size=(1000, 1000)), 0.008)
    found = neighbours(x)
    assert found.rows.deviations > 4
    assert not named(found)
    assert named(neighbours(autoregressive(x, 0.05)))


def test_changing_signs_of_rows_changes_signs_alone() -> None:
    # What the bound of the chance rests on: the cosines keep their sizes.
    rng = np.random.default_rng(114)
    x = autoregressive(rng.normal(size=(200, 400)), 0.3)
    signs = rng.choice([-1.0, 1.0], size=(200, 1))
    plain, flipped = neighbours(x), neighbours(x * signs)
    assert flipped.rows.error == pytest.approx(plain.rows.error, rel=1e-4)
    assert flipped.columns == pytest.approx(plain.columns, rel=1e-3, abs=1e-6)
    assert plain.rows.chance < 1e-9 and flipped.rows.chance > 1e-3


def test_a_trend_is_a_signal_and_no_correlation() -> None:
    rng = np.random.default_rng(115)
    trend = 12.0 * np.outer(np.linspace(-1, 1, 200), np.sin(np.arange(400) / 30))
    assert diagnosis(rng.normal(size=(200, 400)) + trend).verdict is None


def test_band_matrices_have_variances_of_no_product() -> None:
    rng = np.random.default_rng(116)
    apart = np.abs(np.subtract.outer(np.arange(200) / 200, np.arange(400) / 400))
    for width in (0.2, 0.6):
        inside = np.minimum(apart, 1 - apart) < width / 2
        found = diagnosis(rng.normal(size=(200, 400)) * inside)
        assert found.verdict == "row or column variances differ"
        assert not found.separable
        assert "not products" in found.reason
    assert diagnosis(separable(rng, (200, 400))).separable


def test_repeated_rows_are_named() -> None:
    rng = np.random.default_rng(117)
    x = rng.normal(size=(200, 400))
    assert copies(x, 1.0) == (0, 1, (0, 0))
    x[150], x[40], x[160] = -2.5 * x[7], x[7], x[12]
    found = copies(x, 1.0)
    assert (found.repeated, found.largest) == (3, 3)
    assert copies(np.asarray(x, dtype=np.float32), 1.0).repeated == 3
    rows, columns = diagnosis(x), diagnosis(x.T)
    assert rows.verdict == columns.verdict == "entries correlated"
    assert "3 of 200 rows repeat others" in rows.reason
    assert "3 of 200 columns repeat others" in columns.reason


def test_a_few_copies_among_many_rows_make_no_spike() -> None:
    # The variance of two equal rows, of 4000 that are 40 long, is within what noise has anyway.
    x = np.random.default_rng(118).normal(size=(4000, 40))
    x[1] = x[0]
    assert diagnosis(x).verdict is None
    x[1:14] = x[0]
    assert diagnosis(x).verdict == "entries correlated"


def test_rows_of_single_entries_are_no_copies() -> None:
    x = np.zeros((100, 30))
    x[np.arange(100), np.arange(100) % 30] = 1.0
    assert copies(x, 1.0).repeated == 0


def test_the_fits_carry_the_verdict() -> None:
    rng = np.random.default_rng(119)
    x = autoregressive(rng.normal(size=(150, 300)), 0.3)
    found = fit_rectangular(x).goodness
    assert found.verdict == "entries correlated" and not found.fits
    z = autoregressive(autoregressive(rng.normal(size=(200, 200)), 0.3).T, 0.3)
    assert fit_symmetric(z + z.T).goodness.verdict == "entries correlated"
    x = rng.normal(size=(150, 300))
    assert fit_rectangular(x).goodness.fits


@pytest.mark.parametrize("shape", [(30, 50_000), (50_000, 30)])
def test_long_matrices_are_examined_in_runs(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(120)
    x = rng.normal(size=shape)
    x = autoregressive(x, 0.3) if shape[0] == 30 else autoregressive(x.T, 0.3).T
    found = neighbours(x)
    short, long = (found.rows, found.columns)[:: 1 if shape[0] == 30 else -1]
    assert short.mean == pytest.approx(0.3, abs=0.05)
    assert abs(long.mean) < 5 * long.error and long.error < 0.003


@pytest.mark.parametrize("seed", range(4))
def test_rows_of_which_nothing_is_left_are_not_compared(seed: int) -> None:
    """Entries of all scales: the largest are the leading directions, and rows lie in these."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(30, 30)) * 10.0 ** rng.uniform(-100, 100, (30, 30))
    with np.errstate(all="raise", under="ignore"):
        found = neighbours(w)
    figures = [found.chance, found.edge_shift, found.rows.mean, found.columns.mean]
    assert np.isfinite(figures).all()
    assert found.chance > 0.01
