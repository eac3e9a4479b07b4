"""The page on the benchmarks of the fits says what its records say; their spectra are exact."""

import re
from dataclasses import replace
from pathlib import Path

import banded
import entries
import goodness
import numpy as np
import one_ended
import pages
import permuted
import pytest
import since
import threshold
import threshold_best
import ugly
from scipy.stats import ks_2samp

from pastur import fit_rectangular
from pastur._typing import FloatArray


@pytest.mark.parametrize("path", pages.PAGES, ids=lambda path: path.stem)
def test_a_page_says_what_the_records_say(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert pages.filled(page) == page
    changed = re.sub(r"(<!-- \w+ -->\n).*?(<!-- end -->)", r"\1\2", page, flags=re.DOTALL)
    assert changed != page
    assert pages.filled(changed) == page


def test_every_record_has_a_block() -> None:
    page = "".join(path.read_text(encoding="utf-8") for path in pages.PAGES)
    records = {path.stem for path in pages.record_of("spectra").parent.glob("*.json")}
    assert records == {name for name in pages.TABLES if f"<!-- {name} -->" in page}


def test_records_go_into_a_folder_that_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "HERE", tmp_path)
    pages.write_record("goodness", [], seed=3)
    assert '"seed": 3' in pages.record_of("goodness").read_text(encoding="utf-8")


def test_entries_are_counted_over_all_chunks() -> None:
    row = entries.Row(alarms=(True, False), claimed=True, sigma=False, signal_rank=True, found=True)
    unclaimed = row._replace(claimed=False, alarms=(False, False))
    asked: list[entries.Task] = [(60, "signs", 0, chunk, 6) for chunk in range(8)]
    cells = entries.summary(asked, [[row, unclaimed] for _ in asked])
    assert cells == [
        {
            "shape": "symmetric 60",
            "rows": 60,
            "entries": "signs",
            "draws": 16,
            "alarms": [8, 0],
            "claimed": 8,
            "sigma": 0,
            "signal_rank": 8,
            "found": [16, 16],
        }
    ]
    assert not entries.met(cells)  # 8 of 16 is not 0.05
    assert "| 0.5000 ✗ | 0.0000 ✓ | 0.500 | 0.000 | 1.000 | 1.000 |" in entries.table(cells)


@pytest.mark.parametrize("low, right", [(0.0, True), (0.01, False)])
def test_uniform_p_values_are_right_and_others_are_not(low: float, right: bool) -> None:
    p_values = np.linspace(low, 1, 400) ** (1 if right else 2)
    setting = goodness.EXACT[0]
    cells = goodness.summary([(setting, 0, 0, 400)], [p_values.tolist()])
    assert goodness.met(cells) == right
    assert ("✓" in goodness.table(cells)) == right


def rows_of(error: float, hold: bool, draws: int = 20) -> list[since.Row]:
    """Errors of σ about this one, and intervals of which one draw in four, or all, hold."""
    return [
        {
            "sigma_error": error + 0.01 * (draw % 2),
            "rank_error": 0,
            "isolated": [],
            "groups": [hold or draw % 4 == 0],
            "sigma": [True],
            "signal_rank": [True],
        }
        for draw in range(draws)
    ]


def test_what_became_worse_is_marked() -> None:
    same = since.summary({"a": rows_of(0.1, True)}, {"a": rows_of(0.1, True)})
    assert since.met(same)
    assert since.table(same).endswith("| a | 20 | 10.50 | 0.00 |  | 1.000 | 1.000 | 1.000 |")
    better = since.summary({"a": rows_of(0.2, False)}, {"a": rows_of(0.1, True)})
    assert since.met(better)
    assert "20.50 → 10.50 ✓ | 0.00 |  | 0.250 → 1.000 ✓" in since.table(better)
    for now in (rows_of(0.2, True), rows_of(0.1, False)):
        worse = since.summary({"a": rows_of(0.1, True)}, {"a": now})
        assert not since.met(worse)
        assert since.table(worse).count("✗") == 1


def dense_values(shape: tuple[int, int], theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    w = rng.normal(size=shape) / np.sqrt(shape[1])
    w[np.arange(theta.size), np.arange(theta.size)] += theta
    return np.asarray(np.linalg.svd(w, compute_uv=False))


# The smallest of the probabilities of ten samples is below 1e-5 with a probability of 1e-4.
LEAST = 1e-5


def smallest_p(theta: FloatArray, other: FloatArray) -> float:
    """Compare single values of 2000 spectra of both samplers, spikes θ and `other`."""
    rng, shape = np.random.default_rng(5), (7, 9)
    found = np.array([banded.singular_values(shape, theta, rng) for _ in range(2000)])
    dense = np.array([dense_values(shape, other, rng) for _ in range(2000)])
    return min(float(ks_2samp(found[:, i], dense[:, i]).pvalue) for i in range(7))


@pytest.mark.parametrize("theta", [[], [1.5], [3.0, 1.2, 0.5]])
def test_spectra_of_a_band_have_the_law_of_dense_ones(theta: list[float]) -> None:
    assert smallest_p(np.array(theta), np.array(theta)) > LEAST


def test_other_spikes_are_noticed() -> None:
    assert smallest_p(np.array([3.0, 1.2, 0.5]), np.array([3.0, 1.2, 0.9])) < LEAST


@pytest.mark.parametrize(("hold", "mark"), [(190, "✓"), (170, "✗")])
def test_intervals_near_the_threshold_are_counted(hold: int, mark: str) -> None:
    # Of 200 intervals that hold in 0.93, fewer than 175 do with a probability of 0.001.
    task = (60, 1, 1.1, False, 0, 200)
    cells = threshold.summary([task], [[(place < hold, 1.5) for place in range(200)]])
    assert threshold.met(cells) == (mark == "✓")
    assert f"| symmetric 60, 1 | {hold / 200:.3f} of 200 {mark}, 1.50 |" in threshold.table(cells)


def test_the_best_upper_end_of_a_shift() -> None:
    """Values that are uniform on [θ, θ + 1]: the end of the median gives less with the chance."""
    values = np.linspace(0, 1, 10001)
    grid = threshold_best.GRID.tolist()
    asked: list[threshold_best.Task] = [(60, factor, (0, 0), 10001) for factor in grid]
    asked.append((60, 1.1, (0, 1), 10001))
    results = [factor + values for factor in (*grid, 1.1)]
    (cell,) = threshold_best.summary(asked, results)
    # The median is 1.6, and θ + 0.025 = 1.6.
    assert cell["upper"] == pytest.approx([1.575, 1.55], abs=2e-3)


@pytest.mark.parametrize(("beyond", "right"), [(10, True), (40, False)])
def test_permutations_beyond_a_chance_are_counted(beyond: int, right: bool) -> None:
    task: permuted.Task = ("signs", 0, 0, 50)
    # One matrix in two has twice as many, the other none.
    rows: list[permuted.Row] = [
        ([2 * beyond * (place % 2), 2, 0], place == 0) for place in range(50)
    ]
    cells = permuted.summary([task], [rows])
    assert cells[0]["rates"] == [beyond / permuted.MORE, 0.01, 0.0]
    assert permuted.met(cells) == right
    assert permuted.table(cells).endswith("| 0.0000 ± 0.0000 ✓ | 0.020 |")


@pytest.mark.parametrize(("hold", "mark"), [(95, "✓"), (80, "✗")])
def test_intervals_of_the_noise_level_are_counted(hold: int, mark: str) -> None:
    rows: list[one_ended.Row] = [(place < 3, place < hold) for place in range(100)]
    cells = one_ended.summary([(one_ended.SETTINGS[1], 0, 0, 100)], [rows])
    assert one_ended.met(cells) == (mark == "✓")
    line = f"| 200 × 400 | 40 on [1.5, 4] | 100 | 0.030 | {hold / 100:.3f} {mark} |"
    assert one_ended.table(cells).endswith(line)


def test_only_an_overlap_that_is_missing_by_mistake_is_a_failure() -> None:
    w, index = np.random.default_rng(2).normal(size=(40, 80)) / 80**0.5, np.arange(4)
    w[index, index] += [9.0, 3.0, 3.0, 3.0]
    fit = fit_rectangular(w)
    together = ~fit.spikes["isolated"]
    assert together.any() and not together.all()
    assert np.isnan(fit.spikes["overlap_left"][together]).all()
    assert ugly._outcome(fit, False, w) == "converged"
    spikes = fit.spikes.copy()
    spikes["overlap_left"][~together] = np.nan
    with pytest.raises(ArithmeticError):
        ugly._outcome(replace(fit, spikes=spikes), False, w)
