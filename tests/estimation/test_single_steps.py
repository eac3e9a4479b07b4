"""Single steps of the fits, against closed forms and against loops that are written out."""

import re
from collections.abc import Sequence
from dataclasses import replace
from math import log, pi, sqrt
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.sparse import coo_matrix
from scipy.stats import chi2, norm

import pastur
from pastur import figures
from pastur._stored import Damaged
from pastur._typing import FloatArray
from pastur.estimation._bounds.guarantee import sigma_guarantee
from pastur.estimation._bounds.ordered_noise import low_positions
from pastur.estimation._curves import _equal, _widening
from pastur.estimation._deconvolution import descent
from pastur.estimation._deconvolution.grid import critical_points, spike_grid
from pastur.estimation._deconvolution.masses import smoothest_weights, split_into_spikes
from pastur.estimation._deconvolution.residual import residual_mean
from pastur.estimation._fitting import own_noise
from pastur.estimation._fitting.in_part import fit_in_part
from pastur.estimation._fitting.many import reaches_into_noise
from pastur.estimation._fitting.profile import _whitened, _wider
from pastur.estimation._fitting.sentences import assess
from pastur.estimation._fitting.task import Found, Task
from pastur.estimation._free.leading import _read, _read_together, read_leading
from pastur.estimation._free.rests import all_others
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._kinds.free_reading import Rest, read_singular_values
from pastur.estimation._kinds.masses import Masses
from pastur.estimation._kinds.noise_law import NoiseLaw
from pastur.estimation._kinds.rectangular import RectangularKind, RectangularWhiteNoise
from pastur.estimation._kinds.symmetric import SymmetricKind, SymmetricWhiteNoise
from pastur.estimation._law_free_tests import run
from pastur.estimation._low_rank.edge import noise_edges
from pastur.estimation._low_rank.modes import (
    _tail_of_sum,
    mode_deviations,
    mode_distance,
    mode_p_value,
)
from pastur.estimation._low_rank.sampled_modes import _variance_of_first
from pastur.estimation._low_rank.split import Split, split_spectrum
from pastur.estimation._observed.entries import EntryDiagnosis, _side, diagnose_entries
from pastur.estimation._observed.spectrum import Settings, Spectrum
from pastur.estimation._profile import estimate
from pastur.estimation._result.partial_spectrum import PartialSpectrum
from pastur.estimation._result.verdict import Verdict
from pastur.estimation._spikes.table import Detection, SpikeContext, _spans, _widen, spike_table
from pastur.estimation._spikes.threshold import (
    Selected,
    Threshold,
    _shift_law,
    interval_given_detection,
)
from pastur.estimation._streamed.sources import Multiplied, source_of
from pastur.estimation._whitened.mapping import Mapped, Side
from pastur.estimation._whitened.table import _merged
from pastur.estimation._whitened.variances import Variances
from pastur.estimation.covariance import shrunk_variances
from pastur.measures import Atoms

SYMMETRIC, WIDE = SymmetricKind(50), RectangularKind(40, 100)


def values_of(w: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.svd(w, compute_uv=False), dtype=np.float64)


# --- the modes of the bulk ---


@pytest.mark.parametrize(
    "law",
    [
        SymmetricWhiteNoise(300).law(0),
        RectangularWhiteNoise(300, 300).law(0),
        RectangularWhiteNoise(40, 1000).law(0),
    ],
)
def test_the_first_mode_of_one_value_has_variance_one(law: NoiseLaw) -> None:
    # 2t is (x − center)/(half_width/2): the law of x has the variance half_width²/4.
    assert _variance_of_first(law) == pytest.approx(1.0, rel=1e-14)


def test_the_distance_of_modes_is_that_from_what_cumulants_allow() -> None:
    deviations = np.array([2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0])
    # κ₄ = 6 moves the second mode by 6/√4 and makes the variance of the first 1 + 6/2 times 1.
    squares = [2.0**2 / 4, 0.0, *(deviations[2:] ** 2)]
    known = mode_distance(deviations, level=1, sigma_known=True)
    free = mode_distance(deviations, level=1, sigma_known=False)
    assert (known[0], free[0]) == (8, 7)
    assert (known[1], free[1]) == pytest.approx((sum(squares), sum(squares[1:])))


@pytest.mark.parametrize("value", [0.3, 4.0, 30.0])
def test_chi_squared_next_to_a_distance(value: float) -> None:
    """From a point the distance is that of a Gaussian; from an interval it is an integral."""
    assert _tail_of_sum(5, value, 0.0, 0.0) == pytest.approx(chi2.sf(value, 6), rel=1e-9)
    low, high = -0.7, 1.2
    inside = (norm.cdf(high) - norm.cdf(low)) * chi2.sf(value, 5)
    beyond = [
        quad(lambda s, end=end: norm.pdf(end + s) * chi2.sf(value - s * s, 5), 0, sqrt(value))[0]
        + norm.sf(end + sqrt(value))
        for end in (-low, high)
    ]
    assert _tail_of_sum(5, value, low, high) == pytest.approx(inside + sum(beyond), rel=1e-7)


# --- the law of an outlier near the threshold ---


OTHERS = np.append(2 * np.cos(pi * (np.arange(47) + 0.5) / 47), [2.9])
NEAR = Selected(np.array([2.35, 2.3]), np.array([2.25, 2.25]), None, OTHERS, 0.1)
THRESHOLD = Threshold(2.0, 1.0, 50 ** (-2 / 3))


def test_hidden_spikes_push_as_half_a_value_each() -> None:
    law = _shift_law(SYMMETRIC, 1.0, THRESHOLD, NEAR)
    largest = sorted(OTHERS[OTHERS < 2.3])[-3:]
    expected = [sum(0.5 * log(z - y) for y in largest) for z in law.z]
    np.testing.assert_allclose(law.hidden, expected, rtol=1e-12)


def test_all_of_the_law_lies_below_its_end() -> None:
    law = _shift_law(SYMMETRIC, 1.0, THRESHOLD, NEAR)
    shares = law.shares_below(1.6, [law.shifts[0], 0.0, law.shifts[-1]], hidden=False)
    assert shares[0] == 0.0 and 0 < shares[1] < 1 and shares[2] == 1.0


def test_the_lower_end_has_the_tail_given_isolation() -> None:
    selected = Selected(np.array([2.9]), np.array([2.2]), 2.62, OTHERS[:-1], 0.1)
    ends = interval_given_detection(SYMMETRIC, 1.0, THRESHOLD, selected, tail=0.1)
    assert ends is not None and ends[0] > 1.0
    law = _shift_law(SYMMETRIC, 1.0, THRESHOLD, selected)
    # So near the edge, next to spikes as strong that are hidden.
    below, not_isolated = law.shares_below(ends[0], [0.0, -0.28], hidden=True)
    assert 0.1 < not_isolated < 0.9
    assert (1 - below) / (1 - not_isolated) == pytest.approx(0.1, rel=2e-3)


# --- the deconvolution ---


def test_critical_points_are_the_first_on_either_side() -> None:
    grid, sigma = np.linspace(-2, 2, 42), 0.8
    first = np.isclose(np.abs(grid), min(np.abs(grid)[np.abs(grid) >= sigma]))
    # A point mass at 0 is no signal: both ways of asking agree.
    for base in (None, Atoms([0.0])):
        np.testing.assert_array_equal(critical_points(SYMMETRIC, grid, base, sigma), first)


@pytest.mark.parametrize(("known", "share"), [(False, 0.9), (True, 0.3)])
def test_spikes_are_sought_from_a_share_of_the_critical_one(known: bool, share: float) -> None:
    near = np.linspace(0.5, 3.0, 30)
    grid = np.sqrt(spike_grid(WIDE, near, None, 0.7, 0.05, known=known))
    assert grid[0] == pytest.approx(share * WIDE.critical * 0.7)
    assert grid[-1] <= 3.0 < grid[-1] + 0.03


def test_weights_without_a_spectrum_are_smoothed_by_the_widest_kernel() -> None:
    grid = np.append(-np.arange(80.0, 0, -1), np.arange(1.0, 121))
    weights = np.zeros(grid.size)
    weights[[10, 150]] = 0.02, 0.05
    found = smoothest_weights(grid, weights, np.zeros((3, grid.size)), np.zeros(3))
    expected = np.zeros(grid.size)
    for place, mass, side in ((10, 0.02, range(80)), (150, 0.05, range(80, 200))):
        kernel = {k: np.exp(-((k - place) ** 2) / (2 * 24.0**2)) for k in side}
        for k, value in kernel.items():
            expected[k] += mass * value / sum(kernel.values())
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_weights_are_split_on_either_side() -> None:
    grid = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
    weights = np.array([0.0, 0.3, 0.0, 0.1, 0.1, 0.1])
    found = split_into_spikes(grid, weights, 10)
    # Three between −2.5 and −1.5, and one in the middle of each of the others' cells.
    expected = [-2.5 + 1 / 6, -2.0, -1.5 - 1 / 6, 1.0, 2.0, 3.0]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("kind", [SYMMETRIC, WIDE], ids=["symmetric", "rectangular"])
def test_the_mean_of_the_residual_is_that_of_a_logarithm(kind: Kind) -> None:
    """−(log Φ′)′/2n, by differences."""
    signal = Masses(np.array([1.4, 2.5]), np.array([0.1, 0.05]))
    w, step = np.array([1.5 + 0.4j, 0.7 + 0.9j]), 1e-5

    def curve(at: Any) -> Any:
        return kind.curve(at, signal.transforms(at), 0.7)

    slope = (np.log(curve(w + step).first) - np.log(curve(w - step).first)) / (2 * step)
    np.testing.assert_allclose(residual_mean(curve(w), 30), -slope / (2 * 30), rtol=1e-7)


@pytest.mark.parametrize(("misfits", "tried"), [([10.0], 1), ([27.0], 1), ([29.0, 9.0], 2)])
def test_other_starts_are_tried_where_the_misfit_is_more_than_chance(
    misfits: list[float], tried: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 10 degrees of freedom four standard deviations more are 10 + 4·√20 = 27.9."""
    starts: list[float] = []

    def descend(values: Any, kind: Any, start: float, *_: Any) -> descent.Deconvolution:
        starts.append(start)
        signal = Masses(np.array([2.0]), np.array([0.02]))
        misfit = misfits[len(starts) - 1]
        return descent.Deconvolution(start, 0.1, signal, 1.0, 0.1, misfit, 10, 0.0, 1, known=False)

    monkeypatch.setattr(descent, "_descend", descend)
    found = descent.deconvolve(np.ones(50), SYMMETRIC, 2.0, np.empty(0))
    assert starts == [2.0, 1.6][:tried]
    assert found is not None and found.misfit == misfits[-1]


# --- noise of the entries ---


def test_the_largest_entry_acts_like_a_spike_of_its_size() -> None:
    kind, sigma, largest = RectangularKind(100, 200), 0.7, 2.1
    edges = noise_edges(kind.noise, 0.05)
    split: Any = SimpleNamespace(law=kind.noise.law(0), sigma=sigma)
    task: Any = SimpleNamespace(kind=kind)
    theta, c = largest / sigma, 0.5
    outlier = sqrt((theta**2 + 1) * (theta**2 + c)) / theta
    reach = sigma * (outlier + 4 / sqrt(200))
    expected = (reach / sigma - edges.centring[0]) / edges.scale[0]
    assert own_noise._limit(task, split, edges, 0.0, largest) == pytest.approx(expected)
    # A small one is no spike: what is left is where one value of noise in ten thousand lies.
    quantile = float(pastur.TracyWidom(1).upper_quantile(1e-4))
    assert own_noise._limit(task, split, edges, 0.2, 0.1) == pytest.approx(quantile + 0.3)


def test_what_is_left_of_entries_next_to_a_spike_is_enlarged() -> None:
    rng = np.random.default_rng(0)
    # So strong that its directions are found to all digits.
    w = rng.normal(size=(12, 20)) + 1e6 * np.outer([30.0, *range(1, 12)], [9.0, *range(1, 20)])
    task: Any = SimpleNamespace(kind=RectangularKind(12, 20), spectrum=SimpleNamespace(unit=2.0))
    left, values, right = np.linalg.svd(w / 2, full_matrices=False)
    rest = w / 2 - values[0] * np.outer(left[:, 0], right[0])
    seen = np.outer(np.maximum(1 - left[:, 0] ** 2, 0.1), np.maximum(1 - right[0] ** 2, 0.1))
    np.testing.assert_allclose(own_noise._rest(task, w, 1), rest / np.sqrt(seen), atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_sums_of_rows_are_compared_as_the_formulas_say(scale: float) -> None:
    """The variances of `diagnose_entries`, in loops, of a row of twice the others' squares."""
    n, m, cumulant = 20, 40, 0.5
    sums = scale * np.array([2.0] + [1.0] * (n - 1))
    mean = float(np.mean(sums))
    squares = np.linspace(1.5, 0.5, n)
    squares *= sums.sum() / squares.sum()
    rotation = 2 * (sum(s**2 for s in squares) - sum(squares) ** 2 / n) / (n * (n + 2))
    variance = rotation + cumulant * (mean / m) ** 2 * m
    weights = (squares - squares.mean()) / n
    kurtosis = 48 * sum(a**4 for a in weights) / variance**2
    spread = float(np.mean((sums - mean) ** 2)) / variance
    found = _side("row", sums, np.arange(n) + 3, squares, cumulant, n * m)
    assert found.spread == pytest.approx(spread)
    assert found.limit == pytest.approx(1 + 6 * sqrt(14 / n))
    assert found.excess == pytest.approx((spread - 1) / sqrt((2 + kurtosis) / n))
    assert (found.name, found.place, found.alone) == ("row", 3, True)
    assert found.ratio == pytest.approx(2.0 * scale / mean)


def test_equal_sums_of_rows_have_no_spread() -> None:
    found = _side("row", np.full(9, 2.0), np.arange(9), np.ones(9), 0.0, 90)
    assert (found.spread, found.excess, found.chance, found.alone) == (0.0, 0.0, 1.0, False)


# --- what the bulk shows ---


def split_of(values: FloatArray, kind: Kind) -> Split:
    edges = noise_edges(kind.noise, 0.05)
    return split_spectrum(values, kind, kind.noise, edges, sigma=None)[0]


def test_permutations_judge_the_bulk_where_there_are_some() -> None:
    values = values_of(np.random.default_rng(0).normal(size=(40, 100)))
    split = split_of(values, WIDE)
    measured: Any = SimpleNamespace(mode_p_value=lambda deviations, level: 0.123)

    def p_value(sigma_known: bool, measured: Any) -> float | None:
        return assess(
            split,
            WIDE,
            WIDE.noise,
            sigma_known=sigma_known,
            remark="",
            unit=1.0,
            measured=measured,
        ).p_value

    assert p_value(False, measured) == 0.123
    assert p_value(False, None) != 0.123
    # They are of the σ that they were drawn for.
    assert p_value(True, measured) == p_value(True, None) != 0.123


def test_gaussian_entries_have_no_fourth_cumulant() -> None:
    w = np.random.default_rng(12).normal(size=(30, 60))
    values = values_of(w)
    fit = pastur.fit_rectangular(singular_values=values, shape=w.shape)
    law = RectangularWhiteNoise(30, 60).law(0)
    deviations = mode_deviations((values / fit.sigma) ** 2, law, np.empty(0))
    # A cumulant would move the second mode, which lies beyond what it may.
    assert deviations[1] * 2 < -3
    expected = mode_p_value(deviations, level=1, sigma_known=False)
    assert fit.goodness.p_value == pytest.approx(expected, rel=1e-9)


def test_the_sentence_on_uneven_rows() -> None:
    w = np.random.default_rng(0).normal(size=(120, 200))
    w[:60] *= 3
    found = diagnose_entries(w, values_of(w)).reason
    assert re.fullmatch(
        r"The mean squares of rows spread \d+\.\d times as much as noise of one variance and a "
        r"signal in no special direction would \(up to \d+\.\d is left to chance and to signals "
        r"with favourite rows\)\. `biwhiten` brings such matrices back to one variance\.",
        found,
    )


def test_what_contradicts_the_noise_in_words() -> None:
    assert {str(one): one.contradiction for one in Verdict if one.contradiction} == {
        "not the law": "the shape of the bulk",
        "heavy tail": "entries of a heavy tail",
        "entries with outliers": "single large entries",
        "row or column variances differ": "different variances of rows or columns",
        "entries correlated": "correlated entries",
        "broad spectrum": "a broad spectrum",
    }


# --- spikes ---


def context_of(values: FloatArray, **given: Any) -> SpikeContext:
    ends = np.array([[-2.0, 2.0]])
    scales = np.full((1, 2), 50 ** (-2 / 3))
    return SpikeContext(values, 1.0, SYMMETRIC, ends, ends / 2, scales, 0.0, 2.0, **given)


SEEN = np.array([6.0, 4.0, *OTHERS[:48]])


@pytest.mark.parametrize("together", [False, True])
def test_a_range_of_sigma_moves_the_ends_of_intervals(together: bool) -> None:
    """θ = y + σ²h(y), h the transform of the others; of a group it is the mean that moves."""
    table = np.zeros(2, dtype=SYMMETRIC.fields)
    table["isolated"], table["group"] = not together, [0, 0 if together else 1]
    _widen(table, context_of(SEEN), np.array([0, 1]), 1.2)
    others = [SEEN[2:], SEEN[2:]] if together else [np.delete(SEEN, 0), np.delete(SEEN, 1)]
    h = np.array([(1 / (others[k] - SEEN[k])).sum() / 50 for k in range(2)])
    h = np.full(2, h.mean()) if together else h
    np.testing.assert_allclose(table["low"], (1.2**2 - 1) * h, rtol=1e-9)
    np.testing.assert_allclose(table["high"], -h, rtol=1e-9)


def test_a_spike_near_the_threshold_may_be_critical_for_the_largest_sigma() -> None:
    values = np.array([2.3, *OTHERS[:47], -1.9, -1.8])
    context = replace(context_of(values), sigma_deviation=1.0)
    detection = Detection(np.array([0.01]), np.array([2.2]))
    table = spike_table(context, np.array([0]), detection, z=2.5)
    assert table["high"][0] == pytest.approx(1.0 * (1 + 2.5 * 1.0))


def test_the_span_lacks_what_lies_in_directions_without_signal() -> None:
    table = np.zeros(1, dtype=SYMMETRIC.fields)
    table["theta"] = 5.8
    context = context_of(SEEN)
    (found,) = _spans(context, np.array([0]), table)
    z = np.array([6.0 + 1j * 50 ** (-2 / 3)])
    h = np.array([sum(1 / (y - z[0]) for y in SEEN[1:]) / 50])
    (stray,) = SYMMETRIC.strays(z, h, 1.0, np.zeros(1))
    # 48 of 50 directions have no signal.
    assert found[0] == pytest.approx(1 - 48 * float(stray[0, 0]), abs=1e-12)


@pytest.mark.parametrize(("points", "reaches"), [(10, True), (3, False)])
def test_a_crowd_at_the_threshold_reaches_into_the_noise(points: int, reaches: bool) -> None:
    """Of a symmetric matrix more than four close spikes are a crowd."""

    def found(signal: Masses, rank: float) -> descent.Deconvolution:
        return descent.Deconvolution(1.0, 0.1, signal, rank, 0.1, 9.0, 10, 0.0, 1, known=False)

    close = Masses(np.full(points, 1.2), np.full(points, 0.02))
    assert reaches_into_noise(SYMMETRIC, found(close, 0.0), 0) == reaches
    # Next to a bulk those are close that have not become detached.
    beyond = Masses(np.full(points, 9.0), np.full(points, 0.02), Atoms([0.0]))
    assert reaches_into_noise(SYMMETRIC, found(beyond, 2.0 + points), 2) == reaches


def test_intervals_read_together_hold_those_read_alone() -> None:
    kind = RectangularKind(30, 50)
    values = np.append([9.0, 8.95, 8.9], np.linspace(2.0, 0.5, 27))
    near = np.arange(3)
    alone = _read(kind, values, near, all_others(values, near), 2.0).table
    table = alone.copy()
    _read_together(kind, values, table, near, 2.0)
    rest = Rest(np.broadcast_to(values[3:], (3, 27)), np.ones((3, 27), dtype=bool))
    found = _read(kind, values, near, rest, 2.0).table
    assert (alone["high"] > found["high"]).any()
    np.testing.assert_array_equal(table["low"], np.fmin(alone["low"], found["low"]))
    np.testing.assert_array_equal(table["high"], np.fmax(alone["high"], found["high"]))


# --- figures of a fit ---


def spiked(count: int = 20) -> FloatArray:
    rng = np.random.default_rng(0)
    u = np.linalg.qr(rng.normal(size=(200, count)))[0]
    return np.asarray(pastur.sample_goe(200, rng=rng) + (u * np.linspace(2, 4, count)) @ u.T)


def test_the_level_next_to_a_bulk_is_known_up_to_a_factor() -> None:
    fit = pastur.fit_symmetric(spiked(), bulk=Atoms([0.0]))
    low, high = fit.sigma_interval
    assert low < fit.sigma < high
    assert low * high == pytest.approx(fit.sigma**2)
    assert fit.noise.assumption.endswith("; next to a bulk the entries are not checked")


def test_the_law_next_to_a_bulk_is_the_same_in_any_unit() -> None:
    w = pastur.sample_goe(100, rng=0) + np.diag(np.repeat([-1.0, 1.0], 50))
    fit = pastur.fit_symmetric(w, bulk=Atoms([-1.0, 1.0]))
    assert not fit.signal.points.size
    support = pastur.DeformedWigner(Atoms([-1.0, 1.0]), sigma=fit.sigma).law.support
    for unit in (0.5, 2.0):
        np.testing.assert_allclose(unit * fit.law_in(unit).support, support, rtol=1e-9)


@pytest.mark.parametrize("energy_deviation", [0.0, 0.02])
def test_an_energy_that_is_sampled_widens_the_interval(energy_deviation: float) -> None:
    kind, size = RectangularKind(100, 200), 100
    angles = kind.noise.law(0).angles((np.arange(size) + 0.5) / size)
    values = np.append([4.0], np.sqrt(kind.noise.law(0).points(angles))[1:])

    def fitted(deviation: float) -> Found:
        partial = PartialSpectrum(5, 1e-9, 64, 20, deviation)
        spectrum = Spectrum((100, 200), values, 1.0, 0, 0, (0, 0), None, None, False, False, 0, 0)
        spectrum = replace(spectrum, partial=partial)
        return fit_in_part(Task(spectrum, kind, Settings(None, 0.05)), partial)

    found, exact = fitted(energy_deviation), fitted(0.0)
    assert not found.growing
    z = norm.isf(0.025)
    assert found.sigma_interval is not None and exact.sigma_interval is not None
    widening = found.sigma_interval[1] / exact.sigma_interval[1]
    assert widening == pytest.approx(np.exp(z * energy_deviation / 2))


def test_figures_have_the_unit_of_the_matrix() -> None:
    w = spiked(2)
    one, other = pastur.fit_symmetric(w), pastur.fit_symmetric(1000 * w)
    names = ("sigma", "edge", "lower_edge", "bulk_edge", "lower_bulk_edge")
    for name in names:
        assert getattr(other, name) == pytest.approx(1000 * getattr(one, name), rel=1e-9), name
    # Without undetached signal the bulk ends where noise does.
    assert (one.bulk_edge, one.lower_bulk_edge) == (one.edge, one.lower_edge)


def test_singular_values_are_called_so() -> None:
    assert (WIDE.value_name, SYMMETRIC.value_name) == ("singular value", "eigenvalue")


def test_a_stored_shape_that_is_none_is_named() -> None:
    values = pastur.fit_rectangular(np.random.default_rng(0).normal(size=(30, 40))).to_dict()
    with pytest.raises(Damaged, match=r"^`shape` must be positive$"):
        pastur.estimation.RectangularFit.from_dict(values | {"shape": [0, 40]})


def test_a_direction_without_variance_has_none_where_samples_are_enough() -> None:
    rng = np.random.default_rng(0)
    data = np.column_stack([rng.normal(size=(40, 39)), np.full((40, 6), 2.0)])
    data -= data.mean(axis=0)
    data[:, 39:] = 0.0
    values = values_of(data)
    fit = pastur.fit_rectangular(data)
    found = shrunk_variances(fit, values, samples=39, features=39)
    assert found.leading[-1] == 0.0 < found.rest
    fewer = shrunk_variances(fit, values, samples=38, features=39)
    assert fewer.leading[-1] == fewer.rest > 0


# --- variances of rows and columns ---


VARIANCES = Variances(np.array([0.0, 0.5, 1.5, 1.0]), np.array([0.8, 1.2, 0.9, 1.1, 1.0]))


def test_the_error_of_the_variances_widens_the_interval() -> None:
    found: Any = SimpleNamespace(sigma_interval=(0.9, 1.2), sigma=1.0, rank=1, shape=(4, 5))
    left = 3 * 5 * (1 - 1 / 4) * (1 - 1 / 5)
    spread = np.var([0.5, 1.5, 1.0]) + np.var(VARIANCES.columns)
    error = 2.0 * sqrt(spread / (2 * left))
    low, high = _wider(found, VARIANCES, 2.0)
    assert log(1.0 / low) == pytest.approx(sqrt(log(1 / 0.9) ** 2 + error**2))
    assert log(high / 1.0) == pytest.approx(sqrt(log(1.2) ** 2 + error**2))
    found.sigma_interval = (0.0, 1.2)
    assert _wider(found, VARIANCES, 2.0) == pytest.approx((0.0, high), abs=0.0)


def test_the_spectrum_of_the_scaled_matrix_has_that_matrix() -> None:
    given: Any = np.zeros((2, 3))
    before = Spectrum((2, 3), np.ones(2), 9.0, 1, 0, (0, 0), None, given, False, False, 0.0, 0.0)
    white, diagnosis = np.ones((2, 3)), EntryDiagnosis(cumulant=1.0)
    found = _whitened(before, white, np.array([-4.0, 3.0, 2.0]), diagnosis)
    assert found.matrix is white and found.diagnosis is diagnosis
    assert (found.unit, found.shape, found.zeros) == (4.0, (2, 3), 1)
    np.testing.assert_array_equal(found.values, [-1.0, 0.75])


def test_gaps_have_variances_of_their_rows_and_columns() -> None:
    rng = np.random.default_rng(3)
    w = rng.normal(size=(60, 80))
    w[rng.random(w.shape) > np.linspace(0.4, 1.0, 80)] = np.nan
    found = pastur.fit_incomplete(w)
    profile = found.fit.profile
    assert profile is not None and profile.given
    for own, rates in ((profile.rows, found.rows), (profile.columns, found.columns)):
        np.testing.assert_allclose(own / own.mean(), (1 / rates) / np.mean(1 / rates))


@pytest.mark.parametrize("c", [0.3, 0.8])
def test_the_map_of_directions_in_all_rows_errs_by_the_spread_of_the_variances(c: float) -> None:
    """G is D in the mean, over N rows: its error is (1 − c²)/c² Var D/N, twice on the diagonal."""
    n = 16
    signs = np.ones(n)
    signs[::2] = -1.0
    # Of squares 1/n each, which are the same in every row.
    vectors = np.column_stack([np.ones(n), signs]) / sqrt(n)
    variances = np.repeat(np.linspace(0.6, 1.4, n // 2), 2)
    side = Side(vectors, np.full(2, c), np.full(2, c), variances)
    plain = (1 - c**2) / c**2 * np.var(variances) / n
    expected = plain * np.array([[2, 1], [1, 2]])
    np.testing.assert_allclose(side.error(np.eye(2)), expected, rtol=1e-12)


def test_strengths_that_the_map_cannot_keep_apart_are_joined() -> None:
    theta = np.array([5.0, 1.0, 4.7, 4.4, -4.4])
    nothing = np.zeros((5, 5))
    mapped = Mapped(theta, theta, theta, nothing, nothing, np.full(5, 0.02))
    found = _merged(mapped, np.arange(5))
    # Four errors of 0.02·√(5/4) of themselves are 0.39 to 0.45, and signs are kept apart.
    expected = [0, 1, 0, 0, 2]
    np.testing.assert_array_equal(np.equal.outer(found, found), np.equal.outer(expected, expected))


# --- the reading without a law ---


def errors_of_overlaps(y: float, others: Sequence[float], empty: int) -> list[float]:
    """Standard deviations of log overlaps by the delta method, slopes taken as differences.

    A, A′, B, B′ are quadratic forms of random vectors, x and x′ are products of both.
    """
    n, m = len(others), len(others) + empty
    gaps = [(s, y * y - s * s) for s in others]
    terms = np.array([[y / gap, -(y * y + s * s) / gap**2] for s, gap in gaps])
    zeros = np.array([[1 / y, -1 / y**2]] * empty).reshape(-1, 2)
    longer = np.concatenate([terms, zeros])
    mixed = np.array([[s / gap, -2 * y * s / gap**2] for s, gap in gaps])
    covariance = np.zeros((6, 6))
    covariance[:2, :2] = 2 / n * np.cov(terms.T, bias=True)
    covariance[2:4, 2:4] = 2 / m * np.cov(longer.T, bias=True)
    covariance[4:, 4:] = mixed.T @ mixed / (n * m)
    means = np.array([*terms.mean(axis=0), *longer.mean(axis=0), 0.0, 0.0])

    def log_overlap(forms: FloatArray, first: bool) -> float:
        a, a1, b, b1, x, x1 = forms
        q = sqrt(a * b) - x
        q1 = (a1 * b + a * b1) / (2 * sqrt(a * b)) - x1
        return log(sqrt(a / b if first else b / a) * q**2 / -q1)

    found = []
    for first in (True, False):
        slopes = np.zeros(6)
        for k in range(6):
            step = np.zeros(6)
            step[k] = 1e-6
            slopes[k] = log_overlap(means + step, first) - log_overlap(means - step, first)
        slopes /= 2e-6
        found.append(sqrt(slopes @ covariance @ slopes))
    return found


@pytest.mark.parametrize("empty", [0, 7])
def test_overlaps_err_by_the_forms_that_they_are_made_of(empty: int) -> None:
    others = [2.1, 1.7, 1.2, 0.9, 0.5, 0.2]
    rest = Rest(np.array([others]), np.ones((1, 6), dtype=bool))
    found = read_singular_values(np.array([3.0]), rest, empty)
    assert found.readable.all()
    deviations = [float(one[0]) for one in found.overlap_deviations]
    assert deviations == pytest.approx(errors_of_overlaps(3.0, others, empty), rel=1e-6)


def test_a_value_that_the_rest_has_as_well_cannot_be_read() -> None:
    rest = Rest(np.array([[3.0, 2.0, 1.0]]), np.ones((1, 3), dtype=bool))
    assert not read_singular_values(np.array([3.0]), rest, 0).readable[0]


@pytest.mark.parametrize(("size", "count"), [(3, 1), (4, 1), (7, 1), (8, 2), (12, 3)])
def test_a_quarter_of_the_values_are_read_and_one_at_least(size: int, count: int) -> None:
    values = np.arange(size, 0.0, -1)
    assert len(read_leading(RectangularKind(size, size + 3), values, 0.05)) == count


# --- bounds ---


def test_sigma_at_most_compares_seven_ranks_and_the_norm() -> None:
    kind, n, m = RectangularKind(60, 90), 60, 90
    values = values_of(np.random.default_rng(1).normal(size=(n, m)))
    shares = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
    # The chance of 0.05 is shared by eight comparisons.
    z = norm.isf(0.05 / 8)
    bounds = [np.linalg.norm(values) / sqrt(chi2.ppf(0.05 / 8, n * m) / m)]
    for share in shares:
        k = int(np.ceil(share * n))
        position = float(kind.to_matrix(low_positions(kind.noise.law(0), np.array([k]), z))[0])
        if 2 < k <= n - 2 and position > 0:
            bounds.append(values[k - 1] / position)
    assert len(bounds) == 8
    assert sigma_guarantee(kind, values, 0.05) == pytest.approx(min(bounds), rel=1e-6)


def test_a_doubtful_direction_is_given_back_to_the_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    ones = Variances(np.ones(4), np.ones(6))

    def found(count: int, doubt: float) -> Any:
        removal = SimpleNamespace(
            count=count,
            leverage=0.25,
            doubt=lambda edges: doubt,
            squares=lambda w, variances: w**2,
            split=SimpleNamespace(spikes=np.zeros(count)),
        )
        return SimpleNamespace(
            variances=ones, removal=removal, change=0.0, unequal=0.0, steps=3, p_value=0.5
        )

    others = iter([found(1, 0.5), found(1, 0.5)])
    monkeypatch.setattr(estimate, "_first_found", lambda state, again: found(2, 0.5))
    monkeypatch.setattr(estimate, "_descent", lambda *given, most: next(others))
    w = np.random.default_rng(0).normal(size=(4, 6))
    # Of two the weaker is noise, and the one that is left is a spike again: there it ends.
    assert estimate.estimate_profile(w).removed == 1


# --- tests without a law ---


def test_of_long_matrices_random_columns_are_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    w = np.arange(1.0, 501.0).reshape(5, 100)
    np.testing.assert_allclose(run._part(w, 0), w / 500, rtol=1e-7)
    monkeypatch.setattr(run, "_MOST", 150)
    for some in (run._part(w, 0), run._part(w.T, 0).T):
        # Of 5 rows 30 columns are 150 entries, in their order.
        assert some.shape == (5, 30) and (np.diff(some[0]) > 0).all()
        assert np.isin(np.round(500 * some[0]), w[0]).all()
    monkeypatch.setattr(run, "_MOST", 10)
    # Four times as many as a square has are kept in any case.
    assert run._part(w, 0).shape == (5, 20)


# --- pictures ---


def test_values_are_equal_where_all_are() -> None:
    assert _equal(np.array([2.0, 2.0, 2.0 * (1 + 1e-13)]))
    assert not _equal(np.array([0.0, 1.0, 1.0]))
    assert not _equal(np.array([-1.0, -1.0, 0.0]))


@pytest.mark.parametrize("length", [1e-3, 1.0, 7.3, 400.0])
def test_widening_bins_reach_past_a_length(length: float) -> None:
    found = _widening(length, 0.5)
    assert found[-1] >= length
    steps = 0.5 * 1.06 ** np.arange(1, found.size + 1)
    np.testing.assert_allclose(np.diff(found, prepend=0.0), steps)


def test_the_histogram_has_all_values_on_either_side() -> None:
    rng = np.random.default_rng(0)
    noise = pastur.sample_goe(100, rng=rng)
    u, v = np.linalg.qr(rng.normal(size=(100, 2)))[0].T
    values = np.linalg.eigvalsh(noise + 5 * np.outer(u, u) - 4 * np.outer(v, v))
    found = figures.histogram(pastur.fit_symmetric(eigenvalues=values), values)
    assert found.counts.sum() == 100
    assert found.bins[0] <= values[0] and values[-1] <= found.bins[-1]


def test_without_a_law_there_is_no_name_of_a_curve() -> None:
    heavy = np.random.default_rng(1).standard_t(1.5, size=(60, 80))
    assert figures.law_name(pastur.fit_rectangular(heavy, noise="auto")) == ""


# --- matrices that are not in memory ---


def test_a_sparse_matrix_without_parts_is_read() -> None:
    w = np.arange(15.0).reshape(3, 5) % 4
    found = source_of("W", coo_matrix(w)).gram()
    np.testing.assert_array_equal(np.tril(found), np.tril(w @ w.T))


@pytest.mark.parametrize("shape", [(3, 5), (5, 3)], ids=["wide", "tall"])
@pytest.mark.parametrize("wrong", ["matmat", "rmatmat"])
def test_a_product_of_the_wrong_shape_is_named(shape: tuple[int, int], wrong: str) -> None:
    a = np.arange(15.0).reshape(shape)

    def product(method: str, factor: FloatArray) -> Any:
        return lambda x: (factor @ x)[:-1] if method == wrong else factor @ x

    given = Multiplied("W", shape, product("matmat", a), product("rmatmat", a.T))
    with pytest.raises(pastur.PasturError, match=rf"^`W\.{wrong}` must return an array"):
        given.gram_product(np.eye(3), double=True)
