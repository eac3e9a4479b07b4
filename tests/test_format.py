"""Numbers as text: awkward ones, and the same text on every surface."""

import math
import re

import numpy as np
import pytest

from pastur import _format, analyze
from pastur._format import level, percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.00 %"),
        (1e-9, "under 0.01 %"),
        (0.0004, "0.04 %"),
        (0.00999, "1.00 %"),
        (0.05, "5.0 %"),
        (0.123, "12 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (0.9951, "99.5 %"),
        (0.9996, "99.96 %"),
        (0.99996, "over 99.99 %"),
        (1 - 1e-12, "over 99.99 %"),
        (1.0, "100 %"),
    ],
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_no_share_is_written_with_an_exponent_or_rounded_to_all() -> None:
    for k in range(1, 2000):
        text = percent(k / 2000)
        assert "e" not in text and not text.startswith("100")
        if text[0].isdigit():
            assert abs(float(text[:-2]) - k / 20) <= 0.51


@pytest.mark.parametrize(
    ("alpha", "text"),
    [(0.05, "95 %"), (0.01, "99 %"), (0.07, "93 %"), (1e-3, "99.9 %"), (1e-10, "99.99999999 %")],
)
def test_levels(alpha: float, text: str) -> None:
    assert level(alpha) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
        (-math.inf, "–"),
        (0.0, "0.000"),
        (-0.0, "0.000"),
        (1.8, "1.800"),
        (1234.0, "1234"),
        (-0.5, "-0.5000"),
        (0.99996, "1.000"),
        (9999.6, "1.000e+04"),
        (1e-320, "1.000e-320"),
        (1e308, "1.000e+308"),
        (np.float64(2.5), "2.500"),
    ],
)
def test_number(value: None, text: str) -> None:
    assert _format.number(value) == text


@pytest.mark.parametrize(
    ("p", "text", "sentence"),
    [
        (1.0, "1", "p = 1"),
        (0.99996, "1", "p = 1"),
        (0.5, "0.5", "p = 0.5"),
        (0.0996, "0.1", "p = 0.1"),
        (0.041, "0.041", "p = 0.041"),
        (0.00012, "0.00012", "p = 0.00012"),
        (1e-4, "0.0001", "p = 0.0001"),
        (9.999e-5, "<0.0001", "p < 0.0001"),
        (1e-320, "<0.0001", "p < 0.0001"),
        (0.0, "<0.0001", "p < 0.0001"),
        (-0.0, "<0.0001", "p < 0.0001"),
    ],
)
def test_p_value(p: float, text: str, sentence: str) -> None:
    assert _format.p_value(p) == text
    assert _format.p_equals(p) == sentence


@pytest.mark.parametrize("p", [None, math.nan])
def test_a_p_value_that_there_is_not(p: None) -> None:
    assert _format.p_value(p) == "–"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1.5, 2.0, "[1.500, 2.000]"),
        (2.0, 2.0, "[2.000, 2.000]"),
        (0.0, 0.0, "[0.000, 0.000]"),
        (-3.0, -1.0, "[-3.000, -1.000]"),
        (1.00001, 1.00002, "[1.00001, 1.00002]"),
        (0.99996, 1.0, "[0.99996, 1.0000]"),
        (1.0, math.nextafter(1.0, 2.0), "[1.000, 1.000]"),
        (1e-320, 1e308, "[1.000e-320, 1.000e+308]"),
        (2.0, math.inf, "[2.000, ∞)"),
        (-math.inf, -2.0, "(-∞, -2.000]"),
    ],
)
def test_interval(low: float, high: float, text: str) -> None:
    assert _format.interval(low, high) == text
    assert _format.span(low, high).replace(" to ", ", ") == text[1:-1]


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (math.nan, "–"), (0.0, "0.000"), (1.0, "1.000")]
)
def test_fraction(value: None, text: str) -> None:
    assert _format.fraction(value) == text


@pytest.mark.parametrize(
    ("total", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (999_950, "1 MB"), (10**40, "1e+12 EB")],
)
def test_bytes(total: int, text: str) -> None:
    assert _format.bytes_text(total) == text


@pytest.mark.parametrize(
    ("total", "text"), [(0, "0"), (90_000, "90,000"), (22_600_000, "22.6 million")]
)
def test_large(total: int, text: str) -> None:
    assert _format.large(total) == text


def test_shapes_and_counts() -> None:
    assert _format.shape((384, 1536)) == "384 × 1536"
    assert _format.shape(()) == "a single number"
    assert _format.count(1, "spike", "spikes") == "1 spike"
    assert _format.count(2, "spike", "spikes") == "2 spikes"
    assert _format.words("mp_pca") == "mp pca"


@pytest.mark.parametrize("kind", ["noise", "heavy"])
def test_a_p_value_reads_the_same_everywhere(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In the terminal, on the page, in the notebook and in the reason of the verdict."""
    from pastur.cli._analyze.print_analysis import print_analysis
    from pastur.report._build.render import render

    rng = np.random.default_rng(6)
    w = rng.normal(size=(60, 90)) if kind == "noise" else rng.standard_cauchy(size=(60, 90))
    analysis = analyze({"w": w})
    goodness = analysis.matrices[0].fit.goodness
    text = _format.p_value(goodness.p_value)
    assert text.startswith("<") == (kind == "heavy")
    escaped = text.replace("<", "&lt;")
    assert goodness.p_value is not None
    assert _format.p_equals(goodness.p_value) in goodness.reason
    print_analysis(analysis, [])
    assert re.search(rf" {re.escape(text)} ", capsys.readouterr().out)
    assert f">{escaped}</td>" in analysis._repr_html_()
    assert f"{escaped}</dd>" in render(analysis)
