"""Records, resuming, and the way from names to a verification."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur._errors import FileFormatError, InvalidInputError, InvalidTypeError
from pastur.experiments import verify
from pastur.experiments.claims._testing import verification as module

# Quick to draw, of many tasks.
SWEEP = ["assumption-1", "assumption-2", "assumption-3", "lemma-3.2", "lemma-4.1"]
KILLS = 20


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="session")
def drawn(
    tmp_path_factory: pytest.TempPathFactory, once: Callable[[str, Callable[[], Any]], Any]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What a sweep that nothing interrupted finds, and its records."""

    def sweep() -> tuple[dict[str, Any], dict[str, bytes]]:
        folder = tmp_path_factory.mktemp("whole")
        return verify(SWEEP, records=folder).to_dict(), files(folder)

    result: tuple[dict[str, Any], dict[str, bytes]] = once("a sweep of claims", sweep)
    return result


@pytest.fixture(scope="session")
def whole(drawn: tuple[dict[str, Any], dict[str, bytes]]) -> dict[str, bytes]:
    """The records of that sweep."""
    return drawn[1]


@pytest.mark.lengthy
def test_a_record_tells_seed_and_versions(whole: dict[str, bytes]) -> None:
    assert sorted(whole) == sorted(f"{name}.json" for name in SWEEP)
    record = json.loads(whole["lemma-4.1.json"])
    assert (record["schema"], record["claim"], record["seed"]) == (1, "lemma-4.1", 0)
    assert set(record["versions"][0]) == {"pastur", "numpy", "scipy", "python"}
    assert len(record["rows"]) == 16
    assert set(record["rows"][0]) == {"setting", "draws", "mean", "variance"}


@pytest.mark.slow
def test_processes_change_nothing(whole: dict[str, bytes], tmp_path: Path) -> None:
    verify(SWEEP, jobs=2, records=tmp_path)
    assert files(tmp_path) == whole


@pytest.mark.lengthy
def test_a_full_record_is_not_drawn_again(
    whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in whole.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(module, "measure", lambda *_: pytest.fail("drawn again"))
    result = verify(SWEEP, records=tmp_path)
    assert result.passed
    assert files(tmp_path) == whole


@pytest.mark.lengthy
def test_figures_from_records_are_those_of_the_draws(
    drawn: tuple[dict[str, Any], dict[str, bytes]], tmp_path: Path
) -> None:
    found, whole = drawn
    for name, content in whole.items():
        (tmp_path / name).write_bytes(content)
    assert verify(SWEEP, records=tmp_path).to_dict() == found


@pytest.mark.lengthy
def test_figures_without_records_are_the_same(tmp_path: Path) -> None:
    kept = verify(["lemma-4.1"], records=tmp_path).to_dict()
    assert verify(["lemma-4.1"]).to_dict() == kept


@pytest.mark.lengthy
def test_a_missing_row_is_drawn_and_the_others_stay(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    record = json.loads(whole["lemma-4.1.json"])
    taken = record["rows"].pop(3)
    (tmp_path / "lemma-4.1.json").write_text(json.dumps(record))
    seen = []
    verify(["lemma-4.1"], records=tmp_path, progress=lambda *args: seen.append(args))
    assert seen == [(1, 1, "lemma-4.1")]
    assert json.loads((tmp_path / "lemma-4.1.json").read_text())["rows"][3] == taken


@pytest.mark.lengthy
def test_quick_and_full_share_a_file(tmp_path: Path) -> None:
    """Rows of the other level stay in it."""
    verify(["assumption-1"], records=tmp_path)
    before = files(tmp_path)
    verify(["assumption-1"], level="full", records=tmp_path)
    assert files(tmp_path) == before


# --- killed ---

DRIVER = """
import os, sys
from pastur.experiments import verify
from pastur.experiments.claims._testing import verification as module
from pastur.experiments.claims._testing.claim import setting_key

folder, log = sys.argv[1:3]
true = module.measure

def measure(claim, setting, seed):
    with open(log, "a") as stream:
        stream.write(f"{claim.name} {setting_key(setting)}\\n")
    return true(claim, setting, seed)

module.measure = measure
print("ready", flush=True)
verify(sys.argv[3:], records=folder)
"""


def run_driver(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", DRIVER, str(folder), str(log), *SWEEP]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def recorded(folder: Path) -> int:
    """Number of rows on disk; every file must be whole."""
    return sum(len(json.loads(path.read_text())["rows"]) for path in folder.glob("[!.]*.json"))


def lines(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def wait_for(log: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until so many tasks have been begun, or the run is over."""
    while lines(log) < count and process.poll() is None:
        time.sleep(0.002)


@pytest.mark.slow
def test_killed_at_twenty_random_moments_it_ends_as_if_it_had_not_been(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    folder, log = tmp_path / "records", tmp_path / "log"
    folder.mkdir()
    rng = np.random.default_rng(8)
    before, moments = 0, set()
    for _ in range(KILLS):
        process = run_driver(folder, log)
        wait_for(log, lines(log) + int(rng.integers(1, 4)), process)
        time.sleep(rng.uniform(0, 0.1))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        rows = recorded(folder)
        assert rows >= before
        # Done twice, at most what each kill found in flight.
        assert lines(log) <= rows + KILLS
        before = rows
        moments.add(rows)
    assert len(moments) > 4, "the kills must not all come too early or too late"
    verify(SWEEP, records=folder)
    assert files(folder) == whole
    assert max(Counter(log.read_text().splitlines()).values()) <= KILLS + 1


@pytest.mark.lengthy
def test_what_a_killed_run_was_about_to_rename_is_cleared_away(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    part = tmp_path / ".lemma-4.1.json.0123456789abcdef.part"
    part.write_bytes(whole["lemma-4.1.json"][:100])
    verify(["lemma-4.1"], records=tmp_path)
    assert files(tmp_path) == {"lemma-4.1.json": whole["lemma-4.1.json"]}


# --- sentences ---


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"schema":9,"claim":"lemma-4.1","seed":0,"versions":[],"rows":[]}', "holds schema 9"),
        (b'{"schema":1,"claim":"lemma-3.2","seed":0,"versions":[],"rows":[]}', "'lemma-3.2'"),
    ],
)
def test_a_record_of_another_kind_is_named_and_kept(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "lemma-4.1.json"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=sentence) as caught:
        verify(["lemma-4.1"], records=tmp_path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


@pytest.mark.lengthy
def test_another_seed_needs_another_folder(whole: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "lemma-4.1.json").write_bytes(whole["lemma-4.1.json"])
    with pytest.raises(InvalidInputError, match="recorded with seed 0, not 1"):
        verify(["lemma-4.1"], seed=1, records=tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Cannot create"):
        verify(["lemma-4.1"], records=tmp_path / "file" / "records")


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"names": ["theorem-2.3"]}, InvalidInputError, "Did you mean 'theorem-2.2'"),
        ({"names": ["xyz"]}, InvalidInputError, "Known are pasturs-law, "),
        ({"names": "lemma-4.1", "level": "slow"}, InvalidInputError, "'quick', 'full'"),
        ({"names": "lemma-4.1", "seed": -1}, InvalidInputError, "`seed` must be at least 0"),
        ({"names": "lemma-4.1", "seed": 1.5}, InvalidTypeError, "`seed` must be an integer"),
        ({"names": "lemma-4.1", "jobs": 0}, InvalidInputError, "`jobs` must be at least 1"),
    ],
)
def test_sentences(arguments: dict[str, Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        verify(arguments.pop("names"), **arguments)


def test_patterns_choose_in_the_order_of_the_paper() -> None:
    chosen = module.choose_claims(["lemma-4.*", "theorem-2.1"])
    assert [claim.name for claim in chosen] == ["theorem-2.1", "lemma-4.1", "lemma-4.2"]
