"""Assumptions 1 to 3, asked of sequences that meet them and of those that do not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pastur import Atoms, Semicircle, Uniform
from pastur._typing import FloatArray
from pastur.experiments import check_assumptions
from pastur.experiments.claims._testing.assumption_checks import Trend, assumption_panels
from pastur.experiments.claims._testing.assumption_checks import _trend as trend_of
from pastur.experiments.claims._testing.rates import SIGMAS
from pastur.figures import panels_figure
from pastur.measures._contract.combination import SignedSum

SIZES = (100, 400, 1600, 6400)
POINT = Atoms([0.0])
NU1 = Uniform(2.0, 3.0) - POINT


def spectrum(n: int, r: int, low: float = 2.0, high: float = 3.0) -> FloatArray:
    return np.concatenate([low + (high - low) * (np.arange(r) + 0.5) / r, np.zeros(n - r)])


def sequence(rank: Callable[[int], int] = lambda n: round(n**0.5)) -> list[FloatArray]:
    return [spectrum(n, rank(n)) for n in SIZES]


def test_a_sequence_that_meets_them() -> None:
    report = check_assumptions(sequence(), POINT, nu1=NU1)
    assert report.assumption_1 and report.assumption_2 and report.assumption_3
    assert report.rank.values.tolist() == [10, 20, 40, 80]
    assert report.rank.exponent == pytest.approx(0.5)
    assert report.distance.exponent == pytest.approx(-0.5, abs=0.02)
    assert report.outside_mass == pytest.approx(1, abs=1e-9)
    assert report.inside_mass == pytest.approx(-1, abs=1e-9)


def test_matrices_are_taken_by_their_eigenvalues() -> None:
    rng = np.random.default_rng(1)
    matrices = []
    for n in (40, 90, 160):
        q = np.linalg.qr(rng.normal(size=(n, n)))[0]
        values = spectrum(n, round(n**0.5))
        values[abs(values) < 1] = 0
        matrices.append((q * values) @ q.T)
        matrices[-1] = (matrices[-1] + matrices[-1].T) / 2
    report = check_assumptions(matrices, POINT, nu1=NU1)
    assert report.rank.values.tolist() == [6, 9, 13]


@pytest.mark.parametrize(
    "nu0", [Atoms([0.1]), Uniform(-0.5, 0.5), Atoms([0.0, 1.0], weights=[0.95, 0.05])]
)
def test_a_wrong_bulk_breaks_assumption_1(nu0: Uniform | Atoms) -> None:
    assert not check_assumptions(sequence(), nu0, nu1=NU1).assumption_1


@pytest.mark.parametrize("rank", [lambda n: n // 10, lambda n: 8])
def test_a_rank_that_grows_too_fast_or_not_at_all_breaks_assumption_2(
    rank: Callable[[int], int],
) -> None:
    assert not check_assumptions(sequence(rank), POINT, nu1=NU1).assumption_2


@pytest.mark.parametrize(
    "nu1",
    [
        Uniform(2.0, 3.2) - POINT,
        Semicircle(0.25, center=2.5) - POINT,
        0.9 * Uniform(2.0, 3.0) - 0.9 * POINT,
        Uniform(2.0, 3.0) - 0.5 * POINT,
        NU1.scale(-1.0),
    ],
)
def test_a_wrong_measure_breaks_assumption_3(nu1: SignedSum) -> None:
    report = check_assumptions(sequence(), POINT, nu1=nu1)
    assert report.assumption_1
    assert not report.assumption_3


def test_an_eigenvalue_that_runs_off_is_seen_by_the_second_moment_alone() -> None:
    runaway = sequence()
    for values in runaway:
        values[0] = 3 * np.sqrt(np.sqrt(values.size))
    report = check_assumptions(runaway, POINT, nu1=NU1)
    assert report.distance_1.vanishes
    assert not report.second_moment.vanishes
    assert not report.assumption_3


def test_masses_of_a_bulk_in_two_parts_with_spikes_in_its_gap() -> None:
    bulk = 0.5 * Uniform(-3.0, -2.0) + 0.5 * Uniform(2.0, 3.0)
    nu1 = 0.4 * Uniform(-0.5, 0.5) + 0.6 * Atoms([5.0]) - bulk
    levels = (np.arange(200) + 0.5) / 200
    spectra = [np.tile(np.concatenate([-3 + levels, 2 + levels]), k) for k in (1, 2, 4)]
    report = check_assumptions(spectra, Semicircle(1.0), nu1=nu1)
    assert report.outside_mass == pytest.approx(nu1.mass - report.inside_mass)
    of_bulk = check_assumptions(spectra, Atoms([0.0]), nu1=nu1)
    assert of_bulk.inside_mass == pytest.approx(0.4, abs=1e-6)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: check_assumptions(sequence()[:2], POINT, nu1=NU1), "at least 3 different sizes"),
        (lambda: check_assumptions([np.eye(3)] * 3, POINT, nu1=NU1), "sizes .3."),
        (lambda: check_assumptions([np.ones((2, 3))] * 3, POINT, nu1=NU1), "shape .2, 3."),
        (
            lambda: check_assumptions([np.triu(np.ones((3, 3)))], POINT, nu1=NU1),
            "a matrix that is not symmetric",
        ),
        (lambda: check_assumptions([[1.0, np.nan]], POINT, nu1=NU1), r"sequence\[0\]` must be fin"),
        (lambda: check_assumptions(sequence(), [0.0], nu1=NU1), "`nu0` must be a probability"),  # type: ignore[arg-type]
        (lambda: check_assumptions(sequence(), POINT, nu1=3), "must be a probability measure and"),  # type: ignore[arg-type]
    ],
)
def test_sentences(call: Callable[[], Any], sentence: str) -> None:
    with pytest.raises((ValueError, TypeError), match=sentence):
        call()


def test_a_report_reads_as_its_verdicts() -> None:
    """Also where the sizes come in another order."""
    report = check_assumptions(sequence()[::-1], POINT, nu1=NU1)
    assert (np.diff(report.sizes) > 0).all()
    lines = repr(report).splitlines()
    assert lines[0] == "AssumptionReport" and len(lines) == 5
    assert "Assumption 1, ν → ν₀: holds. distance " in lines[2]
    wrong = check_assumptions(sequence(), Semicircle(0.5), nu1=NU1)
    assert "Assumption 1, ν → ν₀: DOES NOT SHOW." in repr(wrong) and not wrong.holds


def trends(count: int, *, power: float, scatter: float, draws: int) -> list[Trend]:
    """Trends through `count` sizes, each four times the one before, scattered log-normally."""
    rng = np.random.default_rng([count, 8])
    sizes = np.array([100.0 * 4.0**k for k in range(count)])
    noise = np.exp(scatter * rng.normal(size=(draws, count)))
    return [trend_of(sizes, sizes**power * row) for row in noise]


@pytest.mark.parametrize("count", [3, 5])
def test_chance_alone_is_taken_for_a_trend_once_in_a_hundred(count: int) -> None:
    """At most 1 % of 3000 quantities without a trend, each way, and four standard errors of that.

    The test fails by chance with a probability below 1e-4; a rule of four standard errors is
    exceeded by more (7.8 % of Student's law of one degree of freedom, 1.4 % of that of three).
    """
    draws = 3000
    most = 0.01 + 4 * (0.01 * 0.99 / draws) ** 0.5
    found = trends(count, power=0.0, scatter=0.3, draws=draws)
    assert np.mean([trend.vanishes for trend in found]) < most
    assert np.mean([trend.grows for trend in found]) < most
    four = [abs(trend.exponent) > SIGMAS * trend.error for trend in found]
    assert np.mean(four) > 2 * 0.01 + 2 * (0.02 * 0.98 / draws) ** 0.5


def test_a_trend_is_seen_and_three_sizes_are_too_few_where_it_scatters() -> None:
    seen = trends(5, power=-0.5, scatter=0.1, draws=200)
    assert np.mean([trend.vanishes for trend in seen]) > 0.99
    assert not any(trend.grows for trend in seen)
    few = trends(3, power=-0.5, scatter=0.1, draws=200)
    assert 0.1 < np.mean([trend.vanishes for trend in few]) < 0.4
    assert np.mean([trend.may_vanish for trend in few]) > 0.9
    assert not any(trend.may_vanish for trend in trends(5, power=0.3, scatter=0.1, draws=50))


def test_what_three_sizes_leave_open_is_no_verdict() -> None:
    """ν₀ off by 0.05·(1, 1/2, 1/5) in a bulk of two halves: falling, and not along a line."""
    shifts = (0.05, 0.025, 0.01)
    spectra = [values + 0.0 for values in sequence()[:3]]
    for values, shift in zip(spectra, shifts, strict=True):
        values[values == 0] += shift
    report = check_assumptions(spectra, POINT, nu1=NU1)
    assert not report.assumption_1 and report.distance.may_vanish
    assert "Assumption 1, ν → ν₀: TOO FEW SIZES TO SAY. " in repr(report)
    assert "by more than 31.8 standard errors" in report.rule


def test_what_hardly_changes_is_drawn_from_zero_with_one_line_alone() -> None:
    report = check_assumptions(sequence(), POINT, nu1=Uniform(3.0, 4.0) - POINT)
    figure = panels_figure(assumption_panels(report))
    still = figure.axes[3]
    assert still.get_yscale() == "linear" and still.get_ylim()[0] == 0
    lines = [line for line in still.get_lines() if line.get_linestyle() == "-"]
    assert still.get_ylim()[1] == pytest.approx(1.1 * report.distance_1.values.max(), rel=0.01)
    assert len(lines) == 1 and np.ptp(np.asarray(lines[0].get_ydata())) < 0.01
    assert figure.axes[0].get_yscale() == "log"
