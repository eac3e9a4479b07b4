"""What is put beside the fit: published estimators, shuffled entries, the p-value of a tail."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from pastur import analyze, law_free_tests
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._numerics.power_law import PowerLaw, fit_power_law, power_law_p_value
from pastur._typing import AnyArray, FloatArray
from pastur.analysis import Analysis, InitialComparison, MatrixAnalysis
from pastur.analysis._matrix.published import METHODS
from pastur.analysis._matrix.shuffled import randomized
from pastur.analysis._result.rows import row
from pastur.cli._analyze.analyze_options import BASELINES
from pastur.estimation import baselines


@pytest.fixture(scope="module")
def analysis(planted: dict[str, AnyArray], trained: dict[str, FloatArray]) -> Analysis:
    return analyze(planted | trained, baseline=METHODS, randomize=1, seed=3)


def by_name(analysis: Analysis) -> dict[str, MatrixAnalysis]:
    return {matrix.name: matrix for matrix in analysis.matrices}


def shuffled_rank(matrix: MatrixAnalysis) -> int:
    assert matrix.randomized is not None
    return matrix.randomized.rank


def tail_of(logarithms: FloatArray) -> PowerLaw:
    found = fit_power_law(logarithms)
    assert found is not None
    return found


def spectrum(matrix: FloatArray) -> FloatArray:
    return np.linalg.svd(matrix, compute_uv=False).astype(np.float64, copy=False)


@pytest.mark.parametrize("method", ["bema", "kritchman_nadler", "median_rule", "mp_pca"])
def test_a_method_says_what_it_says_alone(
    analysis: Analysis, planted: dict[str, AnyArray], method: str
) -> None:
    values = spectrum(planted["spiked"].astype(np.float64))
    alone = getattr(baselines, method)(values, (200, 300))
    said = by_name(analysis)["spiked"].baselines[method]
    assert said.rank == alone.rank == 3
    assert said.sigma == pytest.approx(alone.sigma)
    assert said.edge == pytest.approx(alone.edge)


def test_parallel_analysis_counts_what_was_planted(analysis: Analysis) -> None:
    found = by_name(analysis)
    assert found["spiked"].baselines["parallel_analysis"].rank == 3
    # With chance 0.05 the noise is given a value; the seed is fixed.
    assert found["noise"].baselines["parallel_analysis"].rank == 0


def test_the_level_reaches_the_methods(planted: dict[str, AnyArray]) -> None:
    edges = [
        analyze({"w": planted["noise"]}, baseline="bema", alpha=alpha).matrices[0].baselines["bema"]
        for alpha in (0.3, 0.001)
    ]
    assert edges[0].edge < edges[1].edge


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_methods_at_any_scale(planted: dict[str, AnyArray], scale: float) -> None:
    plain = analyze({"w": planted["noise"]}, baseline=METHODS).matrices[0]
    far = analyze({"w": scale * planted["noise"]}, baseline=METHODS).matrices[0]
    for method in METHODS:
        assert far.baselines[method].rank == plain.baselines[method].rank
        assert far.baselines[method].sigma == pytest.approx(scale * plain.baselines[method].sigma)


def test_the_smallest_matrix_is_no_obstacle() -> None:
    rows = np.random.default_rng(0).normal(size=(2, 50))
    (matrix,) = analyze({"w": rows}, baseline=METHODS).matrices
    assert list(matrix.baselines) == list(METHODS)


def test_unknown_methods_are_refused(planted: dict[str, AnyArray]) -> None:
    with pytest.raises(InvalidInputError, match=r"`baseline` must be among bema, .*Got 'horn'"):
        analyze(planted, baseline="horn")
    with pytest.raises(InvalidTypeError, match=r"must be names of methods\. Got 3"):
        analyze(planted, baseline=[3])  # type: ignore[list-item]
    with pytest.raises(InvalidInputError, match="`seed` must be at least 0"):
        analyze(planted, randomize=1, seed=-1)


def test_the_command_knows_all_methods() -> None:
    assert BASELINES == METHODS


def test_shuffled_entries_against_a_slow_comparison() -> None:
    rng = np.random.default_rng(1)
    w = rng.normal(size=(20, 30)) + np.outer(rng.normal(size=20), rng.normal(size=30))
    values = spectrum(w)
    found = randomized(w, values, spectrum, np.random.default_rng(2), draws=1)
    shuffled = spectrum(
        w.ravel()[np.random.default_rng(2).permuted(np.arange(600))].reshape(w.shape)
    )
    assert found.spectral_norm == pytest.approx(shuffled[0])
    assert found.rank == sum(value > shuffled[0] for value in values) == 1
    assert found.soft_rank == pytest.approx((shuffled[0] / values[0]) ** 2)
    assert found.distance == pytest.approx(ks_2samp(values, shuffled).statistic)


def test_a_count_beyond_several_shuffled_matrices_is_a_test() -> None:
    """200 matrices of noise, 4 shufflings each: one in five has a value beyond them all. The number
    of those is binomial; outside 20 to 63 it is with chance 1e-4. One spike is found every time.
    """
    rng = np.random.default_rng(6)
    found = []
    for _ in range(200):
        w = rng.standard_t(3, size=(12, 15))
        found.append(randomized(w, spectrum(w), spectrum, rng, draws=4))
    beyond = [one.rank > 0 for one in found]
    assert 20 <= sum(beyond) <= 63
    assert beyond == [one.p_value == 0.2 for one in found]
    assert {one.p_value for one in found} == {0.2, 0.4, 0.6, 0.8, 1.0}
    w = rng.normal(size=(12, 15)) + 10
    assert randomized(w, spectrum(w), spectrum, rng, draws=4).rank == 1


def test_shuffling_leaves_the_matrix_alone(planted: dict[str, AnyArray]) -> None:
    before = planted["noise"].copy()
    analyze({"w": planted["noise"]}, randomize=1)
    np.testing.assert_array_equal(planted["noise"], before)


def test_shuffling_tells_structure_from_heavy_tails(planted: dict[str, AnyArray]) -> None:
    """Heavy tails stay after shuffling, planted directions do not."""
    heavy = np.random.default_rng(3).standard_t(1.5, size=(150, 200))
    analysis = analyze({"heavy": heavy, "spiked": planted["spiked"]}, randomize=1, noise="white")
    found = by_name(analysis)
    assert shuffled_rank(found["spiked"]) == 3
    assert found["heavy"].fit.rank > 10
    assert shuffled_rank(found["heavy"]) <= 3


def test_figures_are_near_those_of_weightwatcher(
    watched: tuple[dict[str, AnyArray], dict[str, dict[str, float]]],
) -> None:
    """Largest values of two shufflings; their relative deviation is below 4 % each."""
    matrices, told = watched
    for matrix in analyze(matrices, randomize=1).matrices:
        theirs = told[matrix.name]
        ours = matrix.randomized
        assert ours is not None
        assert ours.spectral_norm**2 == pytest.approx(theirs["max_rand_eval"], rel=0.15)
        assert ours.soft_rank == pytest.approx(theirs["ww_softrank"], rel=0.15)


def test_the_p_value_of_a_tail_accepts_power_laws_and_rejects_others() -> None:
    """Under the law p exceeds 0.01 with chance 0.99; lognormal values of spread 0.3 have no tail
    of that kind over the sizes here.
    """
    rng = np.random.default_rng(4)
    x = np.sort(rng.exponential(size=800) / 1.5)
    assert power_law_p_value(x, tail_of(x), rng, draws=200) > 0.01
    y = np.log(np.linspace(1, 2, 800))
    assert power_law_p_value(y, tail_of(y), rng, draws=200) == 1 / 201


@pytest.mark.parametrize("seed", [1, 2])
def test_the_p_value_is_that_of_a_slow_bootstrap(
    slow_fit: Callable[[FloatArray | Sequence[float]], tuple[float, float, int]], seed: int
) -> None:
    """The same draws, the values themselves, every start tried in turn."""
    rng = np.random.default_rng(seed)
    values = np.sort(np.concatenate([rng.uniform(0.2, 1, 20), rng.pareto(1.5, 20) + 1]))
    alpha, distance, start = slow_fit(values)
    assert 0 < start < values.size - 5
    logarithms = np.log(values)
    chance = power_law_p_value(
        logarithms, tail_of(logarithms), np.random.default_rng(seed), draws=300
    )
    again, reached = np.random.default_rng(seed), 0
    for _ in range(300):
        count = again.binomial(values.size, (values.size - start) / values.size)
        tail = [values[start] * np.exp(e / (alpha - 1)) for e in again.exponential(size=count)]
        below = [np.exp(v) for v in again.choice(logarithms[:start], values.size - count)]
        reached += slow_fit(sorted([*tail, *below]))[1] >= distance
    assert chance == (1 + reached) / 301


def test_p_values_of_power_laws_are_uniform() -> None:
    """40 samples, 99 tails each: a deviation from uniform below p = 1e-3 would be a false alarm."""
    from scipy.stats import kstest

    rng = np.random.default_rng(5)
    chances = []
    for _ in range(40):
        x = np.sort(rng.exponential(size=60))
        chances.append(power_law_p_value(x, tail_of(x), rng, draws=99))
    assert kstest(chances, "uniform").pvalue > 1e-3
    assert kstest(np.array(chances) ** 3, "uniform").pvalue < 1e-3


def test_noise_has_no_power_law(analysis: Analysis) -> None:
    assert by_name(analysis)["noise"].metrics.alpha_p_value == 1 / 201


def test_nothing_random_no_seed(planted: dict[str, AnyArray]) -> None:
    plain = analyze(planted, baseline="bema")
    assert plain.seed is None
    assert plain.matrices[0].randomized is None
    assert plain.matrices[0].metrics.alpha_p_value is None
    assert analyze(planted, baseline="parallel_analysis", seed=9).seed == 9


def test_the_seed_alone_decides(planted: dict[str, AnyArray], analysis: Analysis) -> None:
    """Neither the other matrices, nor the other questions, nor the number of jobs."""
    options: dict[str, Any] = {"randomize": 1, "seed": 3}
    for again in (
        analyze({"spiked": planted["spiked"]}, **options),
        analyze(planted, jobs=2, **options),
    ):
        one, other = by_name(again)["spiked"], by_name(analysis)["spiked"]
        assert one.randomized == other.randomized
        assert one.metrics == other.metrics
    changed = by_name(analyze(planted, randomize=1, seed=4))["spiked"]
    assert changed.randomized != by_name(analysis)["spiked"].randomized


def test_to_disk_and_back(analysis: Analysis, tmp_path: Path) -> None:
    again = Analysis.from_json(analysis.to_json(tmp_path / "a.json"))
    assert again.seed == 3
    assert again.to_dict() == analysis.to_dict()
    assert again.matrices[0].baselines == analysis.matrices[0].baselines
    assert again.matrices[0].randomized == analysis.matrices[0].randomized


def test_columns_of_the_table(
    analysis: Analysis, planted: dict[str, AnyArray], tmp_path: Path
) -> None:
    with analysis.to_csv(tmp_path / "a.csv").open(newline="") as stream:
        lines = {line["name"]: line for line in csv.DictReader(stream)}
    matrix = by_name(analysis)["spiked"]
    line = lines["spiked"]
    assert int(line["mp_pca_rank"]) == matrix.baselines["mp_pca"].rank
    assert float(line["bema_edge"]) == matrix.baselines["bema"].edge
    assert int(line["randomized_rank"]) == 3
    assert float(line["alpha_p_value"]) == matrix.metrics.alpha_p_value
    plain = analyze(planted).to_csv(tmp_path / "b.csv").read_text("utf-8")
    assert "bema" not in plain and "randomized" not in plain


def test_the_old_name_of_the_other_counts_warns(analysis: Analysis) -> None:
    matrix = analysis.matrices[0]
    with pytest.warns(DeprecationWarning, match="use `other_counts`"):
        assert matrix.counts_beside == matrix.other_counts


def test_tests_without_a_law_are_run_where_requested(planted: dict[str, AnyArray]) -> None:
    found = by_name(analyze(planted, tests=True, seed=3, include=["noise", "spiked"]))
    for name, matrix in found.items():
        expected = law_free_tests(planted[name], seed=3)
        assert matrix.tests == expected
        assert matrix.summary().endswith(str(expected))
        cells = row(matrix)
        assert cells["tests_flips_p_value"] == expected.sign_flips[0].p_value
        assert cells["tests_predictable_rank"] == expected.predictable_rank
        again = MatrixAnalysis.from_dict(json.loads(json.dumps(matrix.to_dict())))
        assert again.tests == expected
    assert found["spiked"].tests is not None and found["spiked"].tests.predictable_rank == 3
    assert analyze(planted, include=["noise"]).matrices[0].tests is None


def test_an_update_is_tested_as_well(trained: dict[str, FloatArray]) -> None:
    found = analyze(trained, tests=True).initial[0]
    assert found.update_tests is not None and found.update_tests.predictable_rank == 2
    again = InitialComparison.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.update_tests == found.update_tests


@pytest.mark.parametrize("wrong", [1, "yes", None])
def test_whether_to_test_is_true_or_false(planted: dict[str, AnyArray], wrong: Any) -> None:
    with pytest.raises(InvalidTypeError, match="`tests` must be True or False"):
        analyze(planted, tests=wrong)
