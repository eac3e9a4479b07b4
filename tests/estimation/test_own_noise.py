"""The noise of the entries at hand: alpha is the rate of false spikes whatever their law.

Seeds are fixed; the chance of a false alarm with a fresh one is stated.
"""

from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest
from scipy import stats

from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, SymmetricFit, fit_rectangular, fit_symmetric
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._kinds.symmetric import SymmetricKind
from pastur.estimation._low_rank.edge import GAUSSIAN, edge_shift, noise_edges
from pastur.estimation._low_rank.edge_law import SampledEdge, TracyWidomEdge
from pastur.estimation._low_rank.permuted import EntryNoise
from pastur.estimation._low_rank.permuted import entry_noise as measured_noise
from pastur.measures import TracyWidom

Rng = np.random.Generator
Draw = Callable[[Rng, tuple[int, int]], FloatArray]
Shape = tuple[int, int] | int


def with_zeros(share: float) -> Draw:
    def draw(rng: Rng, shape: tuple[int, int]) -> FloatArray:
        return np.asarray(rng.normal(size=shape) * (rng.random(shape) >= share))

    return draw


def logistic(rng: Rng, shape: tuple[int, int]) -> FloatArray:
    return rng.logistic(size=shape)


def mixture(rng: Rng, shape: tuple[int, int]) -> FloatArray:
    return np.asarray(rng.normal(size=shape) * np.where(rng.random(shape) < 0.1, 3.0, 1.0))


ENTRIES: dict[str, Draw] = {
    "Laplace": lambda rng, shape: rng.laplace(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "t5": lambda rng, shape: rng.standard_t(5, size=shape),
    "signs": lambda rng, shape: rng.choice([-1.0, 1.0], size=shape),
    "half zeros": with_zeros(0.5),
    "four fifths zeros": with_zeros(0.8),
    "logistic": logistic,
    "mixture": mixture,
    "binomial": lambda rng, shape: rng.binomial(8, 0.1, size=shape).astype(float) - 0.8,
}


def noise(name: str, shape: Shape, rng: Rng) -> FloatArray:
    if isinstance(shape, int):
        upper = ENTRIES[name](rng, (shape, shape))
        return np.asarray((np.triu(upper) + np.triu(upper, 1).T) / np.sqrt(shape))
    return np.asarray(ENTRIES[name](rng, shape) / np.sqrt(max(shape)))


def fit(w: FloatArray, shape: Shape, alpha: float = 0.05) -> RectangularFit | SymmetricFit:
    if isinstance(shape, int):
        return fit_symmetric(w, alpha=alpha)
    return fit_rectangular(w, alpha=alpha)


def false_alarms(name: str, shape: Shape, draws: int, seed: int, alpha: float = 0.05) -> int:
    """Return how often a law of noise is claimed together with spikes."""
    rng = np.random.default_rng(seed)
    fits = (fit(noise(name, shape, rng), shape, alpha) for _ in range(draws))
    return sum(one.rank > 0 and one.goodness.fits for one in fits if one.rank is not None)


@pytest.mark.lengthy
@pytest.mark.parametrize("name", ["Laplace", "four fifths zeros"])
def test_alpha_is_the_rate_of_false_spikes(name: str) -> None:
    # At a rate of 0.05 more than 6 of 40 have a chance of 5e-3.
    assert false_alarms(name, (40, 80), 40, 1) <= 6


@pytest.mark.lengthy
@pytest.mark.parametrize(("name", "least"), [("Laplace", 7), ("four fifths zeros", 20)])
def test_the_edge_of_gaussian_entries_is_rejected(name: str, least: int) -> None:
    rng, shape = np.random.default_rng(1), (40, 80)
    found = 0
    for _ in range(40):
        values = np.linalg.svd(noise(name, shape, rng), compute_uv=False)
        found += fit_rectangular(singular_values=values, shape=shape).rank > 0
    assert found >= least


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ENTRIES))
@pytest.mark.parametrize("shape", [(50, 100), (100, 50), (60, 60), 60])
def test_alpha_is_the_rate_of_false_spikes_for_any_entries(name: str, shape: Shape) -> None:
    # At a rate of 0.05 more than 16 of 150 have a chance of 1e-3; rates of 0.1 are found in half.
    assert false_alarms(name, shape, 150, 2) <= 16


def test_permutations_of_gaussian_entries_give_the_law_of_tracy_and_widom() -> None:
    rng = np.random.default_rng(3)
    found = entry_noise(rng.normal(size=(50, 100)), RectangularKind(50, 100), 99)
    symmetric = rng.normal(size=(60, 60))
    both = found, entry_noise(symmetric + symmetric.T, SymmetricKind(60), 99)
    for one in both:
        # Standard errors are 0.13 and 0.19, where the chance is 0.05 by the law.
        chance = np.array([0.5, 0.05])
        expected = TracyWidom(1).upper_quantile(chance)
        assert one.edge.upper_quantile(chance) == pytest.approx(expected, abs=0.6)


def test_the_law_of_permutations_does_not_depend_on_where_the_entries_are() -> None:
    rng = np.random.default_rng(4)
    w = rng.laplace(size=(30, 50))
    kind = RectangularKind(30, 50)
    first = entry_noise(w, kind, 5)
    for other in (rng.permutation(w.ravel()).reshape(w.shape), w.T):
        again = entry_noise(other, kind, 5)
        # Their mean is rounded in another order, to single precision.
        assert sampled(again) == pytest.approx(sampled(first), abs=1e-3)
        assert again.modes == pytest.approx(first.modes, abs=1e-3)
    cubes = entry_noise(w**3, kind, 5)
    assert np.abs(sampled(cubes) - sampled(first)).min() > 0.5


def test_permutations_keep_the_entries() -> None:
    rng = np.random.default_rng(5)
    w = rng.normal(size=(7, 7))
    w = w + w.T
    for one in islice(SymmetricKind(7).permuted(w, rng), 3):
        assert one.tolist() == one.T.tolist()
        above = np.triu_indices(7)
        assert sorted(one[above]) == sorted(w[above])
        assert sorted(np.diagonal(one)) != sorted(np.diagonal(w))
    wide = rng.normal(size=(3, 5))
    one = next(RectangularKind(3, 5).permuted(wide, rng))
    assert sorted(one.ravel()) == sorted(wide.ravel())


def of_samples(draws: int, chance: Callable[[list[float], float], float]) -> FloatArray:
    """Return the chances of one more exponential value after each of 4000 samples."""
    rng = np.random.default_rng(draws)
    samples = -np.sort(-rng.exponential(size=(4000, draws)), axis=1)
    more = rng.exponential(size=4000)
    return np.array([chance(*one) for one in zip(samples.tolist(), more.tolist(), strict=True)])


def by_law(sample: list[float], value: float) -> float:
    return float(SampledEdge(tuple(sample)).sf(np.array([value]))[0])


def with_certain_mean(sample: list[float], value: float) -> float:
    count = round(len(sample) ** 0.5)
    excess = np.mean(sample[:count]) - sample[count]
    beyond = max(value - sample[count], 0.0)
    return float((count + 1) / (len(sample) + 1) * np.exp(-beyond / excess))


@pytest.mark.parametrize("draws", [29, 198])
def test_one_more_exponential_value_has_the_chance_that_the_sample_says(draws: int) -> None:
    """Exactly beyond the start of the tail, and as ranks do below it."""
    chances = of_samples(draws, by_law)
    for level in (0.5, 0.05, 0.01, 0.002):
        # Eight bounds of chance 1e-4 each.
        least, most = stats.binom.ppf([1e-4, 1 - 1e-4], chances.size, level)
        assert least <= np.count_nonzero(chances < level) <= most


def test_a_tail_whose_mean_is_taken_for_certain_is_rejected() -> None:
    chances = of_samples(29, with_certain_mean)
    most = stats.binom.ppf(1 - 1e-4, chances.size, 0.002)
    assert np.count_nonzero(chances < 0.002) > most


def test_a_sampled_edge_by_hand() -> None:
    """Of eight values the three largest are the tail: 3, 1 and 0 beyond 4 by 2, 1 and 0.6."""
    law = SampledEdge((6.0, 5.0, 4.6, 4.0, 3.0, 2.0, 1.0, 0.0))
    excess = (2.0 + 1.0 + 0.6) / 3
    reduced = np.array([-1.0, 0.0, 2.5, 4.0, 4.0 + 3 * excess, 4.0 + 27 * excess])
    expected = np.array([1.0, 8 / 9, 5.5 / 9, 4 / 9, 4 / 9 / 8, 4 / 9 / 1000])
    np.testing.assert_allclose(law.sf(reduced), expected, rtol=1e-12)
    np.testing.assert_allclose(law.upper_quantile(expected[1:]), reduced[1:], rtol=1e-12)
    assert law.upper_quantile(np.array([0.95]))[0] == 0.0


def test_values_that_are_equal_leave_a_law() -> None:
    """As wide as single precision: of an entry so large that it alone makes the largest value."""
    law = SampledEdge((7.0,) * 29)
    assert law.sf(np.array([6.9, 7.0, 7.0001, 7.1])) == pytest.approx([1, 0.2, 0.18, 0], abs=0.03)
    assert law.upper_quantile(np.array([0.05]))[0] == pytest.approx(7.0, abs=2e-3)


def test_edges_follow_their_law() -> None:
    noise_of = RectangularKind(50, 100).noise
    plain, moved = noise_edges(noise_of, 0.05), noise_edges(noise_of, 0.05, TracyWidomEdge(0.7))
    quantile = float(TracyWidom(1).quantile(0.95))
    assert moved.edge[0] == pytest.approx(plain.centring[0] + plain.scale[0] * (0.7 + quantile))
    at_edge = moved.edge[:1]
    assert moved.p_values(at_edge, 1.0)[0] == pytest.approx(0.05)
    assert plain.p_values(at_edge, 1.0)[0] < 0.02


def test_the_shift_is_that_of_a_fourth_cumulant() -> None:
    """By κ/(2√(nm)) of itself (rectangular) and κ/(2N) (symmetric), up to 1 % of the centring."""
    for kind, reach in ((RectangularKind(200, 800), 1.5), (SymmetricKind(400), 2.0)):
        scale = kind.noise.edge_scale(np.zeros(1))[1][0]
        assert edge_shift(kind, 3.0) * scale == pytest.approx(reach * 3 / (2 * 400), rel=0.01)
    assert edge_shift(RectangularKind(200, 800), 0.0) == 0.0


def test_far_modes_have_the_chance_of_hotelling() -> None:
    rng = np.random.default_rng(6)
    modes = rng.normal(size=(40, 8)) @ rng.normal(size=(8, 8))
    deviations = rng.normal(size=8)
    found = EntryNoise(GAUSSIAN, modes).mode_p_value(deviations, level=1)
    off = deviations[1:] - modes[:, 1:].mean(axis=0)
    squared = off @ np.linalg.inv(np.cov(modes[:, 1:].T)) @ off * 40 / 41
    assert found == pytest.approx(stats.f.sf(squared * 33 / (7 * 39), 7, 33), rel=1e-8)
    # And it is uniform: below 0.1 in more than 37 of 200 with chance 1e-4.
    below = 0
    for _ in range(200):
        sample = rng.normal(size=(41, 8))
        below += EntryNoise(GAUSSIAN, sample[1:]).mode_p_value(sample[0], level=1) < 0.1
    assert below <= 37


def test_gaussian_entries_are_fitted_as_their_spectrum() -> None:
    rng = np.random.default_rng(7)
    for _ in range(5):
        w = rng.normal(size=(40, 80))
        found = fit_rectangular(w)
        values = np.linalg.svd(w, compute_uv=False)
        spectrum = fit_rectangular(singular_values=values, shape=w.shape)
        assert found.edge == pytest.approx(spectrum.edge, rel=1e-9)
        assert "permutations" not in found.goodness.reason


def test_a_spectrum_alone_says_what_alpha_rests_on() -> None:
    rng = np.random.default_rng(8)
    w = rng.normal(size=(40, 80))
    values = np.linalg.svd(w, compute_uv=False)
    spectrum = fit_rectangular(singular_values=values, shape=w.shape)
    assert "fourth cumulant" in str(spectrum.noise)
    assert "fourth cumulant" not in str(fit_rectangular(w).noise)


@pytest.mark.lengthy
def test_the_level_of_symmetric_noise_is_not_moved_by_its_entries() -> None:
    """Entries with κ = 6 and a diagonal like the others take 1/(2N) + 1.4/N off without that."""
    rng, of_matrix, of_spectrum = np.random.default_rng(14), [], []
    for _ in range(40):
        w = noise("exponential", 60, rng)
        of_matrix.append(fit_symmetric(w).sigma)
        of_spectrum.append(fit_symmetric(eigenvalues=np.linalg.eigvalsh(w)).sigma)
    # The standard error of either mean is 0.0047: 0.016 is exceeded with chance 7e-4.
    assert abs(np.mean(of_matrix) - 1) < 0.016
    assert np.mean(of_spectrum) - 1 < -0.016


def sampled(found: EntryNoise) -> FloatArray:
    assert isinstance(found.edge, SampledEdge)
    return np.array(found.edge.sample)


def entry_noise(w: FloatArray, kind: Kind, draws: int) -> EntryNoise:
    return measured_noise(w, kind, draws, draws, lambda _: False, seed=0)


def test_permutations_end_where_a_few_are_enough() -> None:
    w, kind = np.random.default_rng(9).laplace(size=(20, 30)), RectangularKind(20, 30)
    assert len(measured_noise(w, kind, 20, 10, lambda _: True, seed=0).modes) == 10
    assert len(measured_noise(w, kind, 20, 10, lambda _: False, seed=0).modes) == 20


def planted(name: str, theta: list[float], rng: Rng) -> FloatArray:
    w = noise(name, (60, 120), rng)
    w /= np.sqrt((w**2).sum() / 60)
    left, right = (np.linalg.qr(rng.normal(size=(side, len(theta))))[0] for side in w.shape)
    return np.asarray(w + (left * np.array(theta)) @ right.T)


def test_clear_spikes_cost_no_permutations() -> None:
    found = fit_rectangular(planted("Laplace", [9.0], np.random.default_rng(10)), alpha=0.01)
    assert found.rank == 1
    assert "permutations" not in found.goodness.reason


@pytest.mark.lengthy
def test_a_doubtful_value_next_to_a_clear_spike_is_weighed_with_the_entries_that_are_left() -> None:
    rng = np.random.default_rng(11)
    later = [fit_rectangular(planted("four fifths zeros", [9.0], rng)) for _ in range(20)]
    # A false spike more at 0.025 each: more than 4 have a chance of 1e-4.
    assert sum(one.rank > 1 for one in later) <= 4
    assert all(one.rank >= 1 for one in later)
    reasons = [one.goodness.reason for one in later]
    assert sum("permutations" in reason for reason in reasons) >= 10


def test_entries_of_a_large_matrix_move_the_edge_by_their_cumulant() -> None:
    from pastur.estimation._fitting.own_noise import _of_rest

    rng = np.random.default_rng(12)
    rest = rng.laplace(size=(60, 120))
    kind = RectangularKind(2000, 4000)
    found = _of_rest(rest, kind, 3.0, lambda _: True)
    assert found.measured is None
    assert found.edge == TracyWidomEdge(edge_shift(kind, 3.0))
    assert found.remark.endswith("3.000, and the edge is moved by it.")
    rest[0, 0] = 60.0 * 1.4
    assert "alpha holds only roughly" in _of_rest(rest, kind, 3.0, lambda _: True).remark
