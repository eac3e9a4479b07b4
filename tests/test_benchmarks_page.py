"""The page on CPU time says what the record of the suite says; every script is listed."""

import copy
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import instructions
import pytest
import sides
import suite_page
from kernels import KERNELS
from sides import Side

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"


def test_the_page_says_what_the_record_says() -> None:
    page, record = suite_page.PAGE.read_text("utf-8"), suite_page.read_record()
    assert suite_page.filled(page, record) == page
    changed = copy.deepcopy(record)
    side = next(s for s in changed["tasks"][0]["sides"].values() if "ratio" in s)
    side["ratio"][0] *= 1.5
    assert suite_page.filled(page, changed) != page


def test_a_loss_is_counted_and_says_so() -> None:
    record = suite_page.read_record()
    lost = sum(ratio < suite_page.EVEN for ratio in suite_page.compared(record))
    assert suite_page.table(record).count(", loss** |") == lost > 0
    assert f"and more in {lost}." in suite_page.run_of(record)
    # A spread has its median inside.
    assert all(
        s["ratio"][1] <= s["ratio"][0] <= s["ratio"][2]
        for t in record["tasks"]
        for s in t["sides"].values()
        if "ratio" in s
    )


def test_a_tool_that_is_missing_or_fails_has_a_line() -> None:
    assert suite_page.row("freealg", {"missing": True}) == "| freealg | not installed | – | – |"
    failed = suite_page.row("freealg", {"failed": "LinAlgError"})
    assert failed == "| freealg | `LinAlgError` | – | – |"


def test_every_pinned_tool_is_named_with_its_version() -> None:
    requirements = (suite_page.HERE / "requirements.txt").read_text("utf-8")
    pinned = dict(re.findall(r"^([\w-]+)==([\d.]+)$", requirements, re.MULTILINE))
    versions = suite_page.read_record()["versions"]
    assert {name: pinned[name] for name in suite_page.PEERS} == {
        name: versions[name] for name in suite_page.PEERS
    }


def test_every_script_has_a_line_in_the_list() -> None:
    listed = set(re.findall(r"^\| `([\w.]+)` \|", (BENCHMARKS / "README.md").read_text(), re.M))
    scripts = {path.name for path in BENCHMARKS.glob("*.py")}
    folders = {path.parent.name for path in BENCHMARKS.glob("*/*.py")}
    assert listed == scripts | folders


def test_more_instructions_than_the_tolerance_are_noticed() -> None:
    record = {"g": 1000, "omega": 1000}
    within = round(1000 * (1 + instructions.TOLERANCE))
    assert instructions.grown({"g": within, "omega": 900, "new": 5}, record) == {}
    assert instructions.grown({"g": within + 1, "omega": 1000}, record) == {
        "g": (within + 1) / 1000
    }


@pytest.mark.slow
def test_every_kernel_runs() -> None:
    for kernel in KERNELS.values():
        kernel()()


class Harness:
    """What `compare` needs of pytest-benchmark."""

    def __init__(self) -> None:
        self.extra_info: dict[str, Any] = {}
        self.stats = SimpleNamespace(stats=SimpleNamespace(data=[]))

    def pedantic(
        self, call: Callable[[], object], *, setup: Callable[[], None], rounds: int
    ) -> None:
        for _ in range(rounds):
            setup()
            call()
            self.stats.stats.data.append(1.0)


def endless() -> None:
    while True:
        pass


def test_a_long_side_is_called_once_and_an_endless_one_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: dict[str, int] = {"long": 0, "short": 0}

    def noting(name: str) -> None:
        calls[name] += 1

    long, short = partial(noting, "long"), partial(noting, "short")
    monkeypatch.setattr(sides, "timed", lambda call: (6.0 if call is long else 0.5, call()))
    monkeypatch.setattr(sides, "LONGEST", 0.05)
    harness = Harness()
    others = {"long": Side(long), "short": Side(short), "endless": Side(endless)}
    sides.compare(harness, "a task", Side(lambda: None), others)
    rows = harness.extra_info["sides"]
    assert rows["endless"] == {"failed": "TimeoutError"}
    assert calls["long"] == 1 and calls["short"] == 1 + harness.extra_info["rounds"]
    assert rows["long"]["once"] and rows["long"]["ratio"] == [6.0] * 3
    assert "once" not in rows["short"]
    assert suite_page.row("long", rows["long"]) == "| long | 6 s, once | 6.0 (6.0–6.0) | – |"
