"""Spectra of which the ends are known one by one, and of the rest what random vectors show."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator
from scipy.stats import chi2

from pastur import fit_operator, fit_rectangular
from pastur._typing import FloatArray
from pastur.estimation import RectangularFit
from pastur.estimation._kinds.rectangular import RectangularWhiteNoise
from pastur.estimation._low_rank.sampled_modes import _covariance, sampled_modes
from pastur.estimation._low_rank.split import Split
from pastur.estimation._observed.spectrum import Settings
from pastur.estimation._result.partial_spectrum import PartialSpectrum
from pastur.estimation._streamed.in_part import InPart
from pastur.estimation._streamed.sources import Survey
from pastur.estimation.operators import fit_in_part

SHAPE = (560, 1120)
CRITICAL = 0.5**0.25
STRENGTHS = np.array([4, 2.5, 1.8, 1.4, 1.2]) * CRITICAL
SMALL = "1MB"


class Diagonal:
    """A matrix of given singular values: to random vectors it is one with any singular vectors."""

    def __init__(self, values: FloatArray, shape: tuple[int, int] = SHAPE) -> None:
        self.shape, self._squares = shape, values**2

    def survey(self) -> Survey:
        found = Survey(min(self.shape))
        found.energy, found.across = float(self._squares.sum()), max(self.shape)
        found.lines[:] = True
        return found

    def gram(self) -> FloatArray:
        return np.diag(self._squares)

    def gram_product(self, vectors: FloatArray, *, double: bool) -> FloatArray:
        return np.asarray(self._squares[:, None] * vectors)


def spectrum(strengths: Any, seed: int) -> FloatArray:
    w = np.random.default_rng(seed).normal(size=SHAPE) / SHAPE[1] ** 0.5
    np.fill_diagonal(w[: len(strengths)], w.diagonal()[: len(strengths)] + strengths)
    return np.sqrt(np.linalg.eigvalsh(w @ w.T)[::-1])


def in_part(values: FloatArray, seed: int = 0, noise: str = "white") -> RectangularFit:
    return fit_in_part(InPart(Diagonal(values), seed), Settings(None, 0.05, noise=noise))


def planted(seed: int = 0) -> FloatArray:
    rng = np.random.default_rng(seed)
    u, v = (np.linalg.qr(rng.normal(size=(side, 5)))[0] for side in SHAPE)
    return np.asarray(rng.normal(size=SHAPE) / SHAPE[1] ** 0.5 + (u * STRENGTHS) @ v.T)


W = planted()


def test_it_agrees_with_the_whole_spectrum() -> None:
    whole, part = fit_rectangular(W), fit_operator(W, memory=SMALL)
    assert part.partial is not None and part.partial.known >= part.rank == whole.rank
    # Half of the wider interval of the whole is ten times as far.
    assert part.sigma == pytest.approx(whole.sigma, rel=5e-3)
    np.testing.assert_allclose(part.spikes["observed"], whole.spikes["observed"], rtol=1e-5)
    np.testing.assert_allclose(part.spikes["theta"], whole.spikes["theta"], rtol=5e-3)
    assert part.sigma_interval[0] < 1 < part.sigma_interval[1]
    assert "16 random vectors" in part.goodness.reason


@pytest.mark.parametrize("form", ["single", "operator", "tall"])
def test_other_forms(form: str) -> None:
    forms = {"single": W.astype(np.float32), "operator": aslinearoperator(W), "tall": W.T}
    part, found = fit_operator(W, memory=SMALL), fit_operator(forms[form], memory=SMALL)
    assert found.rank == part.rank
    np.testing.assert_allclose(found.spikes["observed"], part.spikes["observed"], rtol=1e-5)
    wide = [found.sigma_interval[1] - found.sigma_interval[0] for found in (found, part)]
    if form == "operator":
        # The sum of squares is not known.
        assert found.partial is not None and found.partial.energy_deviation > 0
        assert wide[0] > 1.2 * wide[1]
    else:
        assert found.sigma == pytest.approx(part.sigma, rel=1e-6)


def test_it_is_reproducible() -> None:
    first, again, other = (fit_operator(W, memory=SMALL, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    # σ does not depend on the vectors: it comes from the sum of squares.
    assert first.sigma == pytest.approx(other.sigma, rel=1e-4)


def test_it_can_be_stored() -> None:
    fit = fit_operator(W, memory=SMALL)
    assert RectangularFit.from_dict(fit.to_dict()) == fit
    assert RectangularFit.from_dict(fit.to_dict()).partial == fit.partial
    assert "partial" not in fit_rectangular(W).to_dict()


def held(spikes: Any, truth: FloatArray) -> list[bool]:
    """Whether intervals hold: of a group that for its root mean square."""
    found = []
    for group in np.unique(spikes["group"]):
        members = np.flatnonzero(spikes["group"] == group)
        if members.max() < truth.size:
            mean = float(np.sqrt(np.mean(truth[members] ** 2)))
            inside = bool(spikes["low"][members[0]] <= mean <= spikes["high"][members[0]])
            found += [inside] * members.size
    return found


@pytest.fixture(scope="module")
def draws() -> list[tuple[FloatArray, RectangularFit, RectangularFit]]:
    """Spectra with five spikes and twenty that are hidden, their fits, and those without a law."""
    found = []
    for seed in range(20):
        hidden = np.full(20 if seed % 2 else 0, 0.8 * CRITICAL)
        values = spectrum(np.append(STRENGTHS, hidden), seed)
        found.append((values, in_part(values, seed), in_part(values, seed, "free")))
    return found


@pytest.mark.slow
def test_intervals_hold(draws: list[tuple[FloatArray, RectangularFit, RectangularFit]]) -> None:
    # Of 20 intervals of level .95 fewer than 16 hold with chance 3e-3. Spikes depend on each other
    # within a draw; of 80 fewer than 69 would hold with chance 1e-3 if they did not.
    sigma = sum(fit.sigma_interval[0] <= 1 <= fit.sigma_interval[1] for _, fit, _ in draws)
    assert sigma >= 16
    theta = [one for _, fit, _ in draws for one in held(fit.spikes, STRENGTHS)]
    assert len(theta) > 80 and np.mean(theta) > 0.86
    free = [
        free.leading["low"][place] <= STRENGTHS[place] <= free.leading["high"][place]
        for *_, free in draws
        for place in range(4)
    ]
    assert np.mean(free) > 0.86
    # Intervals for strengths that are 10 % larger do not hold.
    assert np.mean([one for _, fit, _ in draws for one in held(fit.spikes, 1.1 * STRENGTHS)]) < 0.7


@pytest.mark.slow
def test_intervals_are_as_much_wider_as_stated(
    draws: list[tuple[FloatArray, RectangularFit, RectangularFit]],
) -> None:
    values, _, free = draws[0]
    whole = fit_rectangular(singular_values=values, shape=SHAPE, noise="free").leading[:3]
    part = free.leading[:3]
    # Of 1/θ: θ itself is not linear in what is estimated.
    wide = [1 / one["low"] - 1 / one["high"] for one in (part, whole)]
    np.testing.assert_allclose(wide[0] / wide[1], (1 + 1 / 16) ** 0.5, rtol=0.05)


@pytest.mark.slow
def test_p_values_of_noise(
    draws: list[tuple[FloatArray, RectangularFit, RectangularFit]],
) -> None:
    # Of 10 without hidden spikes at most 3 below .05: more have the chance .001. Allowing for any
    # fourth cumulant of the entries makes them larger, not smaller.
    found = np.array([fit.goodness.p_value for _, fit, _ in draws[::2]])
    assert np.count_nonzero(found < 0.05) <= 3
    assert np.median(found) > 0.2


def test_a_bulk_that_is_not_noise_is_noticed() -> None:
    # Rows of two variances, and forty spikes that never left the bulk.
    rng = np.random.default_rng(1)
    rows = np.repeat([0.7, 1.2], 280)[:, None]
    uneven = rows * rng.normal(size=SHAPE) / SHAPE[1] ** 0.5
    fit = fit_operator(uneven, memory=SMALL)
    assert str(fit.goodness.verdict) == "not the law" and fit.sigma_interval[0] == 0.0
    free = fit_operator(uneven, memory=SMALL, noise="auto")
    assert free.noise == "free" and free.sigma is None and free.white is not None
    assert len(free.standing_out) == 0


def test_no_more_is_believed_than_of_the_whole_spectrum() -> None:
    # Seven of ten spikes are close to the threshold: others may lie below it.
    strengths = np.append([4, 3, 2.5], np.linspace(1.42, 1.3, 7)) * CRITICAL
    values = spectrum(strengths, 3)
    whole = fit_rectangular(singular_values=values, shape=SHAPE, noise="auto")
    part = in_part(values, noise="auto")
    assert whole.noise == "free" and part.noise == "free"
    assert str(whole.goodness.verdict) == str(part.goodness.verdict) == "broad spectrum"
    clear = spectrum(np.linspace(4, 2, 10) * CRITICAL, 3)
    assert in_part(clear, noise="auto").noise == "white"


@pytest.mark.parametrize("form", [np.asarray, np.float32, aslinearoperator])
def test_a_matrix_of_low_rank_has_no_noise(form: Any) -> None:
    rng = np.random.default_rng(0)
    w = rng.integers(-3, 4, size=(540, 3)).astype(float) @ rng.integers(-3, 4, size=(3, 700))
    fit = fit_operator(form(w), memory=SMALL)
    assert str(fit.goodness.verdict) == "no noise" and fit.rank == 3 and fit.sigma == 0.0
    values = np.linalg.svd(w, compute_uv=False)[:3]
    np.testing.assert_allclose(fit.spikes["observed"], values, rtol=1e-6)


@pytest.mark.parametrize("form", [np.asarray, aslinearoperator])
def test_a_level_that_is_given_is_tested(form: Any) -> None:
    right, wrong = (fit_operator(form(W), sigma=sigma, memory=SMALL) for sigma in (1.0, 1.1))
    assert right.goodness.fits and right.sigma == 1.0
    assert not wrong.goodness.fits


def test_rows_and_columns_of_zeros() -> None:
    padded = np.zeros((580, 1200))
    padded[: SHAPE[0], : SHAPE[1]] = W
    found, inside = (fit_operator(w, memory=SMALL) for w in (padded, W))
    assert found.zero_sides == (580 - SHAPE[0], 1200 - SHAPE[1])
    assert found.entry_sd == pytest.approx(inside.entry_sd, rel=1e-3)


def test_a_large_singular_value_takes_double_precision() -> None:
    # 1e4 times the noise: single precision leaves nothing of it.
    large = W + 1e4 * np.outer(np.ones(SHAPE[0]), np.ones(SHAPE[1])) / (SHAPE[0] * SHAPE[1]) ** 0.5
    fit = fit_operator(large.astype(np.float32), memory=SMALL)
    assert fit.goodness.fits and fit.sigma == pytest.approx(1.0, rel=0.01)


def test_more_spikes_than_are_known() -> None:
    values = np.concatenate([np.linspace(9, 4, 200), spectrum([], 0)[:360]])
    fit = in_part(values)
    assert fit.partial is not None and fit.rank <= fit.partial.known
    assert not fit.goodness.fits


def test_the_bound_of_sigma_holds_for_any_bulk() -> None:
    fit = in_part(spectrum(np.linspace(0.9, 0.2, 300), 0))
    assert fit.sigma_bound is not None and fit.sigma_bound > 1
    whole = fit_rectangular(singular_values=spectrum(np.linspace(0.9, 0.2, 300), 0), shape=SHAPE)
    assert whole.sigma_bound is not None and fit.sigma_bound >= whole.sigma_bound * 0.999


def law_sample() -> tuple[Any, FloatArray]:
    law = RectangularWhiteNoise(300, 500).law(0)
    return law, law.angles((np.arange(300) + 0.5) / 300)


def test_the_covariance_of_modes_is_that_of_samples() -> None:
    law, angle = law_sample()
    waves = 2 * np.cos(np.arange(1, 9)[:, None] * angle)
    # Midpoints have the covariance of the law up to 1/300².
    truth = np.cov(waves, bias=True)
    np.testing.assert_allclose(truth[1:, 1:], _covariance(law, given_sum=False), atol=0.02)
    left = waves - np.outer(truth[0] / truth[0, 0], waves[0])
    found = _covariance(law, given_sum=True)
    np.testing.assert_allclose(np.cov(left, bias=True)[1:, 1:], found, atol=0.02)


@pytest.mark.lengthy
def test_sampled_modes_have_the_covariance_stated() -> None:
    # Relative errors of variances from 1500 samples are .037: five times that.
    law, angle = law_sample()
    waves = 2 * np.cos(np.arange(2, 9)[:, None] * angle)
    rng, vectors = np.random.default_rng(2), 16
    sampled = []
    for _ in range(1500):
        basis = np.linalg.qr(rng.normal(size=(300, vectors)))[0]
        sampled.append(300 / vectors * waves @ (basis**2).sum(axis=1))
    stated = np.diag(_covariance(law, given_sum=False)) * 2 * 300 / vectors * (1 - vectors / 300)
    ratio = np.var(sampled, axis=0) / stated
    assert (np.abs(ratio - 1) < 0.19).all()
    assert not (np.abs(ratio / 1.5 - 1) < 0.19).all()


def test_the_p_value_is_that_of_a_slow_transcription() -> None:
    # Values that swing round their places by one of the modes, as far as chance does.
    law, angle = law_sample()
    bulk = law.points(angle - 0.015 * np.sin(3 * angle))
    split = Split(1.0, np.empty(0), np.empty(0), bulk, law)
    found = sampled_modes(split, PartialSpectrum(1, 0.0, 16, 10, 0.0), 1.96, sigma_known=False)
    turns, weight = (np.arange(20_000) + 0.5) * np.pi / 20_000, np.pi / 20_000
    waves = 2 * np.cos(np.arange(1, 9)[:, None] * turns)
    density = 2 / np.pi * np.sin(turns) ** 2 / (1 + 0.6 + 2 * 0.6**0.5 * np.cos(turns)) * weight
    mean = waves @ density
    spread = (waves * density) @ waves.T - np.outer(mean, mean)
    left = spread - np.outer(spread[0], spread[0]) / spread[0, 0]
    covariance = np.diag(2.0 * np.arange(1, 9)) + 2 * 300 / 16 * (1 - 16 / 300) * left
    places = np.arccos((bulk - law.center) / law.half_width)
    # Of real noise the even modes have the mean 1.
    sums = 2 * np.cos(np.arange(1, 9)[:, None] * places).sum(axis=1) - np.arange(8) % 2
    moved = (sums - 300 * mean)[1:]
    moved[0] -= np.clip(moved[0], -2, 6)
    squared = float(moved @ np.linalg.solve(covariance[1:, 1:], moved))
    assert found.p_value == pytest.approx(float(chi2(7).sf(squared)), rel=1e-4)
    assert 0.001 < found.p_value < 0.999


@pytest.mark.parametrize("shape", [(300, 500), (300, 300), (20, 500)])
def test_a_scale_moves_the_first_mode_alone(shape: tuple[int, int]) -> None:
    law = RectangularWhiteNoise(*shape).law(0)
    angle = (np.arange(20_000) + 0.5) * np.pi / 20_000
    weights = law.density(angle) * np.pi / 20_000

    def modes(factor: float) -> FloatArray:
        t = (factor * law.points(angle) - law.center) / law.half_width
        return np.asarray(2 * np.polynomial.chebyshev.chebvander(t, 8)[:, 1:].T @ weights)

    slope = (modes(1 + 1e-5) - modes(1 - 1e-5)) / 2e-5
    mean = float(law.points(angle) @ weights)
    np.testing.assert_allclose(slope, np.eye(8)[0] * 2 * mean / law.half_width, atol=1e-3)


@pytest.mark.parametrize("factor", [2.0**200, 2.0**-200])
def test_the_fit_scales_with_the_matrix(factor: float) -> None:
    w = planted()
    one, other = (fit_operator(v, memory=SMALL) for v in (w, w * factor))
    assert (other.rank, other.goodness.verdict) == (one.rank, one.goodness.verdict)
    assert one.partial is not None and other.partial is not None
    assert other.partial.known == one.partial.known
    assert one.sigma is not None and other.sigma is not None
    assert other.sigma / factor == pytest.approx(one.sigma, rel=1e-9)
    assert other.edge / factor == pytest.approx(one.edge, rel=1e-9)
    np.testing.assert_allclose(other.spikes["theta"] / factor, one.spikes["theta"], rtol=1e-9)
