"""The page of the study on Fashion-MNIST is that of its records."""

import copy
from typing import Any

import fashion_page
import fashion_tables
import pytest


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
