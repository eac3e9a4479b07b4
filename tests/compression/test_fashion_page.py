"""The page of the study on Fashion-MNIST is that of its records."""

import copy
from typing import Any

import fashion_page
import fashion_tables
import numpy as np
import pytest
from fashion_records import group


def test_the_page_is_made_of_the_records() -> None:
    text, found = fashion_page.PAGE.read_text("utf-8"), fashion_page.records()
    assert fashion_page.page_text(text, found) == text
    changed = copy.deepcopy(found)
    for row in changed["after"][0]["rows"]:
        row["accuracy"] -= 0.01
    assert fashion_page.page_text(text, changed) != text


def test_every_table_is_on_the_page() -> None:
    text = fashion_page.PAGE.read_text("utf-8")
    assert all(f"<!-- {name} -->" in text for name in ("sizes", "best", "budget"))
    assert all(f"compression-fashion-mnist/{name}.png" in text for name in ("after",))


def test_means_have_the_standard_error_of_seeds() -> None:
    # 1, 2, 3 points: standard deviation 1, over √3.
    assert fashion_tables.points([0.01, 0.02, 0.03]) == "2.0 ± 0.6"
    assert fashion_tables.points([0.01], signed=True) == "+1.0"
    assert fashion_tables.points([-0.0001, -0.0002, -0.0003]) == "0.0 ± 0.0"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        # Student with 2 degrees of freedom: 4.30 · 0.577 = 2.48 times the standard deviation.
        ([2.4, 3.4, 1.4], "not shown"),
        ([2.6, 3.6, 1.6], "yes"),
        ([-2.6, -3.6, -1.6], "no, worse"),
        ([5.0], "one seed"),
    ],
)
def test_an_answer_needs_an_interval_without_zero(values: list[float], said: str) -> None:
    assert fashion_tables.answer(values) == said


def test_differences_are_paired_by_seed() -> None:
    def record(dense: float, edge: float, ramp: float) -> dict[str, Any]:
        rows = [("edge_budget", edge), ("ramp", ramp)]
        return {
            "dense": dense,
            "rows": [
                {"method": method, "asked": 0.5, "last_kept": False, "accuracy": value}
                for method, value in rows
            ],
        }

    records = [record(0.9, 0.85, 0.84), record(0.91, 0.8, 0.82)]
    found = fashion_tables.differences(records, "edge_budget", "ramp", False)
    assert found[0.5] == pytest.approx([0.01, -0.02])


# --- the sentences ---

PLAIN, PENALISED = "2 × 1000, plain", "2 × 1000, L1 and L2"
SMALL = (PLAIN, PENALISED)


def lost(network: str, method: str, asked: float | None, kept: bool = False) -> float:
    """Return the points of accuracy that a method costs, the mean over seeds."""
    records = group(fashion_page.records()["after"])[network]
    assert len(records) == 3
    return 100 * float(np.mean(fashion_tables.cell(records, method, asked, kept)))


def test_sentences_on_the_last_matrix() -> None:
    assert lost(PLAIN, "truncate", 0.9) == pytest.approx(3.0, abs=0.05)
    assert lost(PENALISED, "truncate", 0.7) == pytest.approx(6.5, abs=0.06)
    for network in SMALL:
        for size in (0.9, 0.7, 0.5, 0.3):
            for method in fashion_tables.LOW_RANK:
                assert lost(network, method, size, kept=True) < 0.35
        for method in ("denoise", "shrink"):
            assert 33.5 < lost(network, method, None) < 60
            assert 0.05 < lost(network, method, None, kept=True) < 0.65


def test_sentences_on_the_edge_and_on_bits() -> None:
    for network in SMALL:
        assert lost(network, "edge", 0.1, kept=True) == pytest.approx(0.6, abs=0.05)
        for method in ("truncate", "rank"):
            assert lost(network, method, 0.1, kept=True) == pytest.approx(1.1, abs=0.05)
        assert 1.25 < lost(network, "magnitude", 0.1) < 2.75
        assert 4.4 < lost(network, "edge", 0.05, kept=True) < 6.05
        assert lost(network, "round", 4) < 0.05
        assert lost(network, "round", 2) == pytest.approx(8, abs=0.5)


def test_sentences_on_the_budget() -> None:
    found = group(fashion_page.records()["after"])
    for network in SMALL:
        by_size = fashion_tables.differences(found[network], "edge_budget", "magnitude", False)
        assert max(abs(float(np.mean(v))) for v in by_size.values()) < 0.0008
        against_ramp = fashion_tables.differences(found[network], "edge_budget", "ramp", True)
        chosen = [v for size, v in against_ramp.items() if size >= 0.3]
        assert float(np.mean(chosen)) < 0


def test_sentences_on_the_start() -> None:
    for network, records in group(fashion_page.records()["start"]).items():
        for k in range(len(records[0]["rows"])):
            each = [record["rows"][k]["distances"] for record in records]
            mean = {way: float(np.mean([one[way] for one in each])) for way in each[0]}
            assert min(mean["white"], mean["shrink"]) < min(mean["none"], mean["best rank"])
            assert mean["none"] / mean["white"] < 2.1
            assert mean["profile"] > mean["white"]
            worse = (network, k) == (PENALISED, 1)
            assert (mean["profile"] > mean["none"]) == worse


def test_sentences_on_the_noise() -> None:
    rows = [row for record in fashion_page.records()["noise"] for row in record["rows"]]
    for row in rows:
        assert row["noise"] == "white"
        assert -0.001 < row["rest_removed"] < 0.0045
        assert -0.001 < float(np.mean(row["fresh"])) < 0.0045
        assert row["signal_removed"] > 0.75
    assert max(row["rest_energy"] for row in rows) == pytest.approx(0.53, abs=0.02)


def test_sentences_on_pruning_while_training() -> None:
    found = fashion_tables.by_pruning(fashion_page.records())
    tested = {
        (how, size): float(np.mean([100 * row["test"] for row in rows]))
        for (network, how), records in found.items()
        if network == PENALISED
        for size, rows in fashion_tables.rows_by_size(records).items()
    }
    assert tested["bema", None] - tested["none", None] == pytest.approx(0.15, abs=0.1)
    for size in (0.1, 0.05):
        assert tested["bema", size] > tested["gradual", size] > tested["none", size]
    assert tested["bema-half", 0.1] == pytest.approx(88.8, abs=0.06)
    assert 0 < tested["bema-half", 0.1] - tested["none", 0.1] < 0.3
    assert tested["bema", 0.1] - tested["gradual", 0.1] == pytest.approx(0.1, abs=0.06)
    assert tested["bema", 0.05] - tested["gradual", 0.05] == pytest.approx(1.6, abs=0.06)
    assert tested["bema", 0.05] - tested["fit", 0.05] == pytest.approx(0.6, abs=0.06)


def test_sentences_on_all_networks() -> None:
    found = group(fashion_page.records()["after"])
    for other, points in (("truncate", 0.5), ("rank", 0.4)):
        each = [
            value
            for records in found.values()
            for value in fashion_tables.differences(records, "edge", other, True)[0.1]
        ]
        mean, error = fashion_tables.mean_and_error(each)
        assert len(each) == 10 and min(each) > 0
        assert 100 * mean == pytest.approx(points, abs=0.05)
        assert 100 * error == pytest.approx(0.1, abs=0.05)


def test_sentences_on_the_large_networks() -> None:
    found = group(fashion_page.records()["after"])
    worse, bits = [], []
    for network, records in found.items():
        if network.startswith("3 × 3000"):
            for kept in (False, True):
                by_size = fashion_tables.differences(records, "edge_budget", "magnitude", kept)
                worse.append(-100 * float(np.mean(by_size[0.3])))
            both = fashion_tables.differences(records, "edge", "magnitude", True)
            half = 0.5 if "L1" in network else 1.0
            for size, points in ((0.5, 0.4), (0.3, 0.7)):
                assert -100 * float(np.mean(both[size])) == pytest.approx(half * points, abs=0.06)
        bits.append(100 * float(np.mean(fashion_tables.cell(records, "round", 2, False))))
    assert min(worse) == pytest.approx(3, abs=0.5) and max(worse) == pytest.approx(11, abs=0.5)
    assert min(bits) == pytest.approx(1, abs=0.5) and max(bits) == pytest.approx(8, abs=0.5)
