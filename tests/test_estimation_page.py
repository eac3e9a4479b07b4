"""The page on the benchmarks of the fits says what its records say; their spectra are exact."""

from pathlib import Path

import banded
import entries
import goodness
import numpy as np
import pages
import pytest
import since
from scipy.stats import ks_2samp

from pastur._typing import FloatArray


def test_the_page_says_what_the_records_say() -> None:
    page = pages.PAGE.read_text(encoding="utf-8")
    assert pages.filled(page) == page
    changed = page.replace(" | 0.", " | 1.", 5)
    assert changed != page
    assert pages.filled(changed) == page


def test_every_record_has_a_block() -> None:
    page = pages.PAGE.read_text(encoding="utf-8")
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
