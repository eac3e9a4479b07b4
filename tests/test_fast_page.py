"""The page on large matrices says what the record of its benchmark says."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "fast.md"


def test_the_page_says_what_the_record_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import fit_operator

    page, record = PAGE.read_text("utf-8"), json.loads(fit_operator.RECORD.read_text())
    assert fit_operator.filled(page, record) == page
    record["draws"]["sigma_held"] -= 0.1
    assert fit_operator.filled(page, record) != page
    sys.modules.pop("fit_operator")


def test_the_promises_are_kept() -> None:
    record = json.loads((ROOT / "benchmarks" / "fit_operator.json").read_text())
    large, draws, layer = record["large"], record["draws"], record["layer"]
    low, high = large["sigma_interval"]
    assert low <= 1 <= high and abs(large["sigma"] - 1) <= 0.005
    assert large["rank"] == len(large["strengths"]) and large["peak_bytes"] <= 1.5e9
    assert min(draws[name] for name in ("sigma_held", "theta_held", "leading_held")) >= 0.93
    assert layer["whole"]["cpu_seconds"] >= 8 * layer["fast"]["cpu_seconds"]
