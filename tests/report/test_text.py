"""Numbers and names as they are read on the page."""

import math

import pytest

from pastur.report._build import page_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.8, "1.800"),
        (1234.0, "1234"),
        (-0.5, "−0.5000"),
        (0.0, "0.000"),
        (1.5e-7, "1.500e−07"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_number(value: float, expected: str) -> None:
    assert page_text.number(value) == expected


@pytest.mark.parametrize(
    ("p", "expected"),
    [(1.0, "1"), (0.041, "0.041"), (2.4e-7, "<0.0001"), (3e-120, "<0.0001"), (0.0, "<0.0001")],
)
def test_chance(p: float, expected: str) -> None:
    assert page_text.chance(p) == expected


def test_names_far_too_long_keep_both_ends() -> None:
    name = page_text.name("a" * 5000 + ".weight")
    assert len(name) < 310 and name.startswith("aaa") and name.endswith(".weight")
    assert page_text.name("short") == "short"


def test_shapes_and_counts() -> None:
    assert page_text.shape((384, 1536)) == "384 × 1536"
    assert page_text.shape(()) == "a single number"
    assert page_text.count(1, "spike", "spikes") == "1 spike"
    assert page_text.count(2, "spike", "spikes") == "2 spikes"
