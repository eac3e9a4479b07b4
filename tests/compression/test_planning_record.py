"""The figures of the page on planning are those of the record."""

import json
import re
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[2]


def recorded(name: str) -> Any:
    return json.loads((ROOT / "benchmarks" / name).read_text(encoding="utf-8"))


def test_the_page_has_the_figures_of_the_record() -> None:
    record = recorded("planning.json")
    again = recorded("planning_split.json")
    for group in ("times_analyze", "peak_bytes"):
        record[group] |= {side: one for side, one in again[group].items() if side != "analyze"}
    page = (ROOT / "docs" / "compression-reference.md").read_text(encoding="utf-8")
    text = " ".join(page.split())
    split = again["split_error_over_gaussian"]
    found = f"{min(split):.2f} to {max(split):.2f} times that, in the median {median(split):.2f}"
    assert found in text
    times = {k: v for k, v in record["times_analyze"].items() if k != "analyze"}
    others = [ratio for side, ratio in times.items() if not side.startswith("split")]
    assert f"takes {min(others):.2f} to {max(others):.2f} times the CPU seconds" in text
    assert f"`split` {times['split']:.2f} times" in text
    assert f"{times['split with a target']:.2f} with a target of 60 %" in text
    peaks = {side: round(peak / 2**20) for side, peak in record["peak_bytes"].items()}
    planning = [peak for side, peak in peaks.items() if not re.match("analyze|applying", side)]
    writing = [peak for side, peak in peaks.items() if side.startswith("applying")]
    assert f"memory is {min(planning)} to {max(planning)} MiB" in text
    assert f"where the analysis takes {peaks['analyze']}" in text
    assert f"writing takes {min(writing)} to {max(writing)}" in text
