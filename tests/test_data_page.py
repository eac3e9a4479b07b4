"""The page on noisy data says what the record of its benchmark says."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "data.md"


@pytest.fixture(scope="module")
def methods() -> ModuleType:
    path = ROOT / "benchmarks" / "data_methods.py"
    spec = importlib.util.spec_from_file_location("data_methods", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_says_what_the_record_says(methods: ModuleType) -> None:
    page, record = PAGE.read_text("utf-8"), methods.read_record()
    assert set(record) == set(methods.SECTIONS)
    assert methods.filled(page, record) == page
    changed = page.replace("| LedoitWolf |", "| LedoitWulf |")
    assert methods.filled(changed, record) == page != changed


def test_intervals_with_gaps_hold_and_others_do_not(methods: ModuleType) -> None:
    rows = methods.read_record()["missing"]["rows"]
    held = sum(row["fit_incomplete"] * row["intervals"] for row in rows.values())
    assert held / sum(row["intervals"] for row in rows.values()) >= 0.93
    imputed = [row["column means"] for row in rows.values()]
    assert sum(imputed) / len(imputed) < 0.93
