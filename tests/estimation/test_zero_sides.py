"""Rows and columns of zeros: the fit is that of the matrix with them cut away."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from pastur import analyze
from pastur._typing import AnyArray, FloatArray
from pastur.estimation import RectangularFit, biwhiten, fit_rectangular, fit_symmetric

SPIKES = {"noise": [], "three spikes": [3.0, 2.2, 1.8], "forty spikes": np.linspace(1.4, 5.0, 40)}
# Inner shape, and rows and columns of zeros around it.
PADDED = {
    "wide, 10 % of the longer side": ((100, 180), (0, 20)),
    "wide, half of the longer side": ((100, 200), (0, 200)),
    "wide, 90 % of the longer side": ((100, 120), (0, 1080)),
    "tall, a third of the longer side": ((200, 90), (100, 0)),
    "tall, 90 % of the longer side": ((130, 100), (1170, 0)),
    "shorter side, half": ((100, 300), (100, 0)),
    "shorter side, 80 %": ((80, 400), (320, 0)),
    "tall, shorter side, 60 %": ((350, 90), (0, 135)),
    "both sides of a square": ((120, 150), (80, 50)),
    "the longer side becomes the shorter": ((150, 100), (0, 120)),
}


def padded(
    inner: FloatArray, around: tuple[int, int], rng: np.random.Generator
) -> tuple[FloatArray, tuple[AnyArray, ...]]:
    """`inner` scattered among rows and columns of zeros, and where its own went."""
    shape = tuple(np.add(inner.shape, around))
    rows, columns = (
        np.sort(rng.permutation(n)[:k]) for n, k in zip(shape, inner.shape, strict=True)
    )
    whole: FloatArray = np.zeros(shape)
    whole[np.ix_(rows, columns)] = inner
    return whole, np.ix_(rows, columns)


def assert_same(fit: RectangularFit, cut: RectangularFit, rtol: float = 1e-9) -> None:
    """All but σ, which keeps the unit of the shape as given."""
    assert (fit.rank, fit.growing) == (cut.rank, cut.growing)
    assert fit.goodness.verdict == cut.goodness.verdict
    assert fit.goodness.p_value == pytest.approx(cut.goodness.p_value, rel=1e-6)
    assert fit.entry_sd == pytest.approx(cut.entry_sd, rel=rtol)
    unit = (max(fit.shape) / max(cut.shape)) ** 0.5
    for one, other in zip(fit.sigma_interval, cut.sigma_interval, strict=True):
        assert one == pytest.approx(unit * other, rel=rtol)
    assert fit.edge == pytest.approx(cut.edge, rel=rtol)
    assert fit.signal_rank == pytest.approx(cut.signal_rank, rel=1e-6)
    np.testing.assert_allclose(fit.law.support, cut.law.support, rtol=1e-6, atol=1e-12)
    for name in ("observed", "theta", "low", "high", "overlap_left", "overlap_right"):
        np.testing.assert_allclose(fit.spikes[name], cut.spikes[name], rtol=1e-6)


@pytest.mark.parametrize("spikes", SPIKES)
@pytest.mark.parametrize("case", PADDED)
def test_the_fit_is_that_of_the_matrix_without_them(
    make: dict[str, Callable[..., FloatArray]], case: str, spikes: str
) -> None:
    (shape, around), rng = PADDED[case], np.random.default_rng(len(case))
    inner = make["plant"](make["rectangular"](shape, rng), SPIKES[spikes])
    whole, place = padded(inner, around, rng)
    fit, cut = fit_rectangular(whole), fit_rectangular(inner)
    assert fit.zero_sides == around
    assert fit.zeros == min(whole.shape) - min(shape)
    assert_same(fit, cut)
    for count, name in zip(around, ("row", "column"), strict=True):
        assert (f"{count} {name}s" in fit.goodness.reason) == (count > 0)
    assert "of zeros were left out" in fit.goodness.reason
    denoised = fit.denoise(whole)
    np.testing.assert_allclose(denoised[place], cut.denoise(inner), atol=1e-6)
    denoised[place] = 0.0
    assert np.abs(denoised).max() < 1e-9
    assert RectangularFit.from_dict(json.loads(json.dumps(fit.to_dict()))) == fit


def test_a_known_sigma_is_in_the_unit_of_the_shape_as_given(
    make: dict[str, Callable[..., FloatArray]],
) -> None:
    rng = np.random.default_rng(3)
    inner = make["plant"](make["rectangular"]((80, 100), rng), [2.5])
    whole, _ = padded(inner, (0, 300), rng)
    assert_same(fit_rectangular(whole, sigma=2.0), fit_rectangular(inner, sigma=1.0))


@pytest.mark.parametrize("count", [20, 100, 300])
@pytest.mark.parametrize("spikes", [[], [3.0, -2.0]])
def test_a_symmetric_matrix_loses_rows_and_columns_together(
    make: dict[str, Callable[..., FloatArray]], count: int, spikes: Sequence[float]
) -> None:
    rng = np.random.default_rng(count)
    inner = make["plant"](make["symmetric"](100, rng), spikes)
    fit, cut = fit_symmetric(np.pad(inner, (0, count))), fit_symmetric(inner)
    assert (fit.rank, fit.zeros) == (cut.rank, count)
    assert fit.goodness.verdict == cut.goodness.verdict == "noise bulk"
    assert fit.entry_sd == pytest.approx(cut.entry_sd)
    np.testing.assert_allclose(fit.law.support, cut.law.support, rtol=1e-9)
    np.testing.assert_allclose(fit.spikes["theta"], cut.spikes["theta"], rtol=1e-9)
    assert f"{count} rows and {count} columns of zeros" in fit.goodness.reason


@pytest.mark.parametrize(
    ("constant", "kind"),
    [
        (1.0, np.float64),
        (0.1, np.float32),
        (1e3 / 3, np.float64),
        (1e2 / 3, np.float32),
        (1e6 + 0.1, np.float64),
    ],
)
def test_constant_columns_are_zero_once_their_mean_is_subtracted(
    constant: float, kind: type
) -> None:
    rng = np.random.default_rng(5)
    data = rng.normal(size=(120, 300))
    data[:, 200:] = constant
    data = data.astype(kind)
    centred = data - data.mean(axis=0)
    fit, cut = fit_rectangular(centred), fit_rectangular(centred[:, :200])
    assert fit.zero_sides == (0, 100)
    assert fit.entry_sd == pytest.approx(cut.entry_sd, rel=1e-6)
    assert fit.rank == cut.rank == 0


@pytest.mark.parametrize("share", [0.1, 0.5, 0.7])
def test_zeros_of_the_shorter_side_are_seen_in_the_spectrum_too(share: float) -> None:
    rng = np.random.default_rng(6)
    w = rng.normal(size=(200, 300))
    w[: int(200 * share)] = 0.0
    values = np.linalg.svd(w, compute_uv=False)
    alone, whole = fit_rectangular(singular_values=values, shape=w.shape), fit_rectangular(w)
    assert alone.rank == whole.rank == 0
    assert alone.entry_sd == pytest.approx(whole.entry_sd)
    assert alone.goodness.verdict == "noise bulk"
    # The spectrum cannot tell them from a matrix of exactly that rank, and says so.
    half = share >= 0.5
    assert (f"rank {200 - int(200 * share)} exactly as well" in alone.goodness.reason) == half
    assert "exactly" not in whole.goodness.reason


def test_a_product_is_no_noise_however_high_its_rank() -> None:
    rng = np.random.default_rng(7)
    for rank in (20, 60, 95):
        product = rng.normal(size=(200, rank)) @ rng.normal(size=(rank, 300))
        fit = fit_rectangular(product)
        assert (fit.goodness.verdict, fit.rank, fit.signal_rank) == ("no noise", rank, rank)


def false_alarms(
    fit: Callable[[FloatArray], RectangularFit], draws: int = 100
) -> tuple[int, float]:
    rng = np.random.default_rng(8)
    count = 0
    for _ in range(draws):
        w = np.zeros((160, 40))
        w[rng.permutation(160)[:80]] = rng.normal(size=(80, 40))
        count += fit(w).rank > 0
    # Chance of more false spikes than this at alpha = 0.05: 1e-6.
    return count, binom.isf(1e-6, draws, 0.05)


@pytest.mark.lengthy
def test_false_spikes_stay_rare() -> None:
    count, limit = false_alarms(fit_rectangular)
    assert count <= limit


@pytest.mark.lengthy
def test_without_the_matrix_they_are_not() -> None:
    def blind(w: FloatArray) -> RectangularFit:
        return fit_rectangular(singular_values=np.linalg.svd(w, compute_uv=False), shape=w.shape)

    count, limit = false_alarms(blind)
    assert count > 2 * limit


@pytest.mark.parametrize(
    ("shape", "filled", "verdict"),
    [
        ((200, 300), (1, 1), "no noise"),
        ((200, 300), (1, 300), "no noise"),
        ((200, 300), (2, 50), "no noise"),
        ((200, 300), (5, 7), "too small to tell"),
        ((200, 300), (19, 300), "too small to tell"),
        ((200, 300), (40, 60), "noise bulk"),
    ],
)
def test_nearly_all_zero(shape: tuple[int, int], filled: tuple[int, int], verdict: str) -> None:
    w = np.zeros(shape)
    w[: filled[0], : filled[1]] = np.random.default_rng(9).normal(size=filled)
    fit = fit_rectangular(w)
    assert fit.goodness.verdict == verdict
    assert fit.rank == (min(filled) if verdict == "no noise" else 0)
    assert np.isfinite(fit.denoise(w)).all()


def test_an_analysis_compares_with_what_is_left() -> None:
    rng = np.random.default_rng(10)
    inner = rng.normal(size=(60, 90))
    whole, _ = padded(inner, (20, 200), rng)
    options: dict[str, Any] = {"baseline": ["bema", "mp_pca", "median_rule"], "randomize": 3}
    (found,) = analyze({"w": whole}, **options).matrices
    (cut,) = analyze({"w": inner}, **options).matrices
    assert_same(found.fit, cut.fit)
    assert found.singular_values.size == 80
    assert found.singular_values[60:].tolist() == [0.0] * 20
    for method, one in found.baselines.items():
        assert (one.rank, one.edge) == (cut.baselines[method].rank, cut.baselines[method].edge)
        sd = cut.baselines[method].sigma / 90**0.5
        assert one.sigma / 290**0.5 == pytest.approx(sd)
    assert found.randomized == cut.randomized
    assert found.metrics.matrix_rank == 60
    assert found.metrics.noise_energy == pytest.approx(cut.metrics.noise_energy)
    assert found.kind == cut.kind == "noise only"


def test_whitening_leaves_them_alone(make: dict[str, Callable[..., FloatArray]]) -> None:
    rng = np.random.default_rng(11)
    inner = rng.normal(size=(90, 120)) * rng.uniform(1, 4, size=(90, 1))
    whole, place = padded(inner, (30, 60), rng)
    found = biwhiten(whole)
    assert found.status.converged
    np.testing.assert_allclose(found.restore(found.matrix), whole, atol=1e-12)
    fit = fit_rectangular(found.matrix)
    assert (fit.goodness.verdict, fit.zero_sides) == ("noise bulk", (30, 60))
    # Noise of level 1 in the unit of the shape as given.
    assert fit.sigma == pytest.approx(1.0, abs=0.02)
    np.testing.assert_allclose(
        found.matrix[place] * 180**0.5, biwhiten(inner).matrix * 120**0.5, rtol=1e-6
    )
