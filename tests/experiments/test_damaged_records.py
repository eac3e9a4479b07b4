"""Damaged records of claims: kept under another name, done again, with a warning."""

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur._errors import FileAccessError, InvalidInputError, PasturWarning
from pastur.experiments import CLAIMS, verify
from pastur.experiments.claims._testing.claim import Row
from pastur.experiments.claims._testing.task_records import Records

NAME = "lemma-4.1.json"
CLAIM = next(claim for claim in CLAIMS if claim.name == "lemma-4.1")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("whole")
    verify(["lemma-4.1"], records=folder)
    return (folder / NAME).read_text()


def edited(edit: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
    def damage(text: str) -> str:
        record = json.loads(text)
        edit(record)
        return json.dumps(record)

    return damage


def first(edit: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
    """Edit the first row."""
    return edited(lambda record: edit(record["rows"][0]))


def statistic(value: Any, part: str = "mean") -> Callable[[str], str]:
    """Put a value in the place of the first statistic."""

    def edit(row: dict[str, Any]) -> None:
        row[part][next(iter(row[part]))] = value

    return first(edit)


DAMAGES = {
    "empty": lambda text: "",
    "cut off": lambda text: text[: len(text) // 2],
    "no text": lambda text: b"\xff\xfe",
    "NUL bytes, as after a power cut": lambda text: b"\0" * len(text),
    "list": lambda text: "[1, 2]",
    "null": lambda text: "null",
    "nested": lambda text: "[" * 100_000,
    "key given twice": lambda text: text.replace('"seed": 0', '"seed": 0, "seed": 0'),
    "no rows": edited(lambda record: record.pop("rows")),
    "rows are an object": edited(lambda record: record.update(rows={})),
    "row is a number": edited(lambda record: record["rows"].append(3)),
    "versions = 3": edited(lambda record: record.update(versions=3)),
    "versions of numbers": edited(lambda record: record.update(versions=[{"numpy": 2}])),
    "seed is a text": edited(lambda record: record.update(seed="0")),
    "seed is true": edited(lambda record: record.update(seed=False)),
    "schema is a text": edited(lambda record: record.update(schema="1")),
    "claim is a list": edited(lambda record: record.update(claim=["lemma-4.1"])),
    "draws = 0": first(lambda row: row.update(draws=0)),
    "draws < 0": first(lambda row: row.update(draws=-1)),
    "draws of another number": first(lambda row: row.update(draws=row["draws"] + 1)),
    "draws = 1.5": first(lambda row: row.update(draws=1.5)),
    "draws = Infinity": first(lambda row: row.update(draws=float("inf"))),
    "draws of 400 digits": first(lambda row: row.update(draws=10**400)),
    "draws = null": first(lambda row: row.update(draws=None)),
    "setting is a list": first(lambda row: row.update(setting=[])),
    "no mean": first(lambda row: row.pop("mean")),
    "mean is empty": first(lambda row: row.update(mean={}, variance={})),
    "mean is NaN": statistic(float("nan")),
    "mean is Infinity": statistic(float("inf")),
    "mean of 400 digits": statistic(10**400),
    "mean is a text": statistic("1.0"),
    "mean is true": statistic(True),
    "mean is null": statistic(None),
    "mean of another shape": statistic([[1, 2], [3, 4]]),
    "mean of no regular shape": statistic([[1, 2], [3]]),
    "variance is negative": statistic(-1.0, "variance"),
    "variance is missing": first(lambda row: row["variance"].popitem()),
}


@pytest.mark.lengthy
@pytest.mark.parametrize("damage", DAMAGES)
def test_it_is_kept_and_its_tasks_are_done_again(whole: str, tmp_path: Path, damage: str) -> None:
    content = DAMAGES[damage](whole)
    content = content.encode() if isinstance(content, str) else content
    assert content != whole.encode()
    (tmp_path / NAME).write_bytes(content)
    plan = CLAIM.settings("quick")
    with pytest.warns(PasturWarning, match=r"lemma-4\.1\.json' is damaged \(.*\): it was renamed"):
        book = Records(CLAIM, plan, seed=0, folder=tmp_path)
    assert book.missing == list(plan)
    assert not (tmp_path / NAME).exists()
    assert (tmp_path / f"{NAME}.damaged").read_bytes() == content


@pytest.mark.lengthy
def test_the_record_is_then_as_it_was(whole: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(whole[:-20])
    with pytest.warns(PasturWarning):
        result = verify(["lemma-4.1"], records=tmp_path)
    assert result.passed
    assert (tmp_path / NAME).read_text() == whole
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert verify(["lemma-4.1"], records=tmp_path).to_dict() == result.to_dict()


@pytest.mark.lengthy
def test_an_earlier_damaged_one_stays(whole: str, tmp_path: Path) -> None:
    for content in ("first", "second"):
        (tmp_path / NAME).write_text(content)
        with pytest.warns(PasturWarning):
            Records(CLAIM, CLAIM.settings("quick"), seed=0, folder=tmp_path)
    assert (tmp_path / f"{NAME}.damaged").read_text() == "first"
    assert (tmp_path / f"{NAME}.damaged.2").read_text() == "second"


@pytest.mark.lengthy
def test_a_row_of_another_setting_is_no_damage(whole: str, tmp_path: Path) -> None:
    other = first(lambda row: row["setting"].update(zz={"a": 1}))(whole)
    (tmp_path / NAME).write_text(other)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verify(["lemma-4.1"], records=tmp_path)
    rows = json.loads((tmp_path / NAME).read_text())["rows"]
    assert rows[:-1] == json.loads(whole)["rows"]
    assert rows[-1] == json.loads(other)["rows"][0]


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(FileAccessError, match=r"Cannot read '.*lemma-4\.1\.json': Is a directory"):
        verify(["lemma-4.1"], records=tmp_path)


def drop_statistic(record: dict[str, Any]) -> None:
    for part in ("mean", "variance"):
        record["rows"][0][part].pop(min(record["rows"][0][part]))


def rename_statistics(record: dict[str, Any]) -> None:
    for row in record["rows"]:
        for part in ("mean", "variance"):
            row[part] = {f"other {name}": value for name, value in row[part].items()}


def wrong_shapes(record: dict[str, Any]) -> None:
    for row in record["rows"]:
        for part in ("mean", "variance"):
            row[part] = {name: [[1.0, 2.0], [3.0, 4.0]] for name in row[part]}


@pytest.mark.lengthy
@pytest.mark.parametrize("damage", [drop_statistic, rename_statistics, wrong_shapes])
def test_a_record_that_cannot_be_judged_is_damaged(
    whole: str, tmp_path: Path, damage: Callable[[dict[str, Any]], None]
) -> None:
    """What agrees with itself, and not with the claim."""
    (tmp_path / NAME).write_text(edited(damage)(whole))
    with pytest.warns(PasturWarning, match="is damaged"):
        verify(["lemma-4.1"], records=tmp_path)
    assert (tmp_path / NAME).read_text() == whole


def test_two_runs_in_one_folder_keep_the_rows_of_both(tmp_path: Path) -> None:
    """One of each level, in turns; and a third that has seen none of it."""

    def row(setting: Mapping[str, Any]) -> Row:
        value = {"right": np.array(float(setting["draws"]))}
        return Row(setting, setting["draws"], value, value)

    plans = [CLAIM.settings(level) for level in ("quick", "full")]
    books = [Records(CLAIM, plan, seed=0, folder=tmp_path) for plan in plans]
    for settings in zip(*plans, strict=False):
        for book, setting in zip(books, settings, strict=True):
            book.add(row(setting))
    done = [plan[: min(map(len, plans))] for plan in plans]
    for plan, first in zip(plans, done, strict=True):
        again = Records(CLAIM, plan, seed=0, folder=tmp_path)
        assert [one.setting for one in again.rows] == list(first)
    with pytest.raises(InvalidInputError, match="recorded with seed 0, not 1"):
        Records(CLAIM, plans[0], seed=1, folder=tmp_path)


@pytest.mark.lengthy
def test_the_command_says_it_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from pastur.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "v" / "records").mkdir(parents=True)
    (tmp_path / "v" / "records" / NAME).write_text("{")
    result = CliRunner().invoke(main, ["verify", "lemma-4.1", "-o", "v", "--quiet", "--jobs", "1"])
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("pastur: warning: 'v/records/lemma-4.1.json' is damaged (")
    assert "it was renamed to 'lemma-4.1.json.damaged', and its tasks are done again." in line
