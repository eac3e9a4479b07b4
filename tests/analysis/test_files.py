"""The result to disk and back."""

import csv
import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur._errors import FileAccessError, FileFormatError, MissingExtraError
from pastur._typing import AnyArray, FloatArray
from pastur.analysis import Analysis, analyze


@pytest.fixture(scope="module")
def analysis(planted: dict[str, AnyArray], trained: dict[str, FloatArray]) -> Analysis:
    return analyze(planted | trained)


@pytest.fixture
def stored(analysis: Analysis, tmp_path: Path) -> Path:
    return analysis.to_json(tmp_path / "result.json")


def test_json_round_trip(analysis: Analysis, stored: Path) -> None:
    again = Analysis.from_json(stored)
    assert again.to_dict() == analysis.to_dict()
    for old, new in zip(analysis.matrices, again.matrices, strict=True):
        np.testing.assert_array_equal(new.singular_values, old.singular_values)
        assert new.fit == old.fit
        assert new.kind == old.kind
    assert again.skipped == analysis.skipped
    assert again.initial[0].above_critical == analysis.initial[0].above_critical


def test_json_document(analysis: Analysis, stored: Path) -> None:
    # Strict JSON: NaN and Infinity are no part of it.
    document = json.loads(stored.read_text(), parse_constant=pytest.fail)
    assert document["schema"] == 2
    head = ["schema", "source", "versions", "seed", "alpha", "noise", "metadata"]
    assert list(document) == [*head, "matrices", "skipped", "initial"]
    assert [m["name"] for m in document["matrices"]] == [m.name for m in analysis.matrices]
    assert set(document["skipped"][0]) == {"name", "shape", "dtype", "reason"}
    assert len(document["matrices"][0]["singular_values"]) == 150


def test_nothing_is_left_beside_and_the_permissions_are_the_usual_ones(stored: Path) -> None:
    assert [path.name for path in stored.parent.iterdir()] == ["result.json"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(stored.stat().st_mode) == 0o666 & ~mask


def test_a_failed_write_leaves_the_old_file(
    analysis: Analysis, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored.read_bytes()

    def fail(*_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(FileAccessError, match=r"Cannot write '.*': No space left on device"):
        analysis.to_json(stored)
    assert stored.read_bytes() == before
    assert [path.name for path in stored.parent.iterdir()] == ["result.json"]


def test_a_link_stays_a_link(analysis: Analysis, stored: Path) -> None:
    link = stored.with_name("link.json")
    link.symlink_to(stored)
    stored.write_text("old")
    analysis.to_json(link)
    assert link.is_symlink()
    assert json.loads(stored.read_text())["schema"] == 2


def test_a_device_is_written_to(analysis: Analysis) -> None:
    analysis.to_json("/dev/null")
    assert not os.path.isfile("/dev/null")


def test_a_folder_that_is_not_there(analysis: Analysis, tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"Cannot write '.*': no folder '.*gone'"):
        analysis.to_json(tmp_path / "gone" / "result.json")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not a JSON file"),
        ('{"schema": 1, "source"', "is not a JSON file"),
        ("[1, 2]", "contains a JSON list, not an object"),
        ("[" * 100_000, "is not a JSON file"),
        ("{}", "its `schema` should be 1 or 2. Got null"),
        ('{"schema": 3}', "its `schema` should be 1 or 2. Got 3"),
        ('{"schema": 1}', "lacks `matrices`: another version of pastur wrote it, or it is damaged"),
    ],
)
def test_files_that_are_no_analysis(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=sentence):
        Analysis.from_json(path)


def test_a_binary_file_is_no_analysis(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(b"\x93NUMPY\xff\xfe")
    with pytest.raises(FileFormatError, match="is not text"):
        Analysis.from_json(path)


def test_a_missing_analysis_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"Cannot read '.*gone\.json': No such file"):
        Analysis.from_json(tmp_path / "gone.json")


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d["matrices"][0].pop("fit"),
        lambda d: d["matrices"][0].update(shape=[3]),
        lambda d: d["matrices"].append(None),
        lambda d: d.update(alpha="much"),
        lambda d: d["skipped"][0].pop("reason"),
        lambda d: d["initial"][0].pop("coefficient"),
    ],
)
def test_damaged_documents(
    analysis: Analysis,
    tmp_path: Path,
    damage: Callable[[Mapping[str, Any]], dict[str, Any] | str | float | None],
) -> None:
    document = analysis.to_dict()
    damage(document)
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(document))
    with pytest.raises(FileFormatError, match=r"is a damaged analysis|or it is damaged"):
        Analysis.from_json(path)


def test_csv(analysis: Analysis, tmp_path: Path) -> None:
    path = analysis.to_csv(tmp_path / "result.csv")
    with path.open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [line["name"] for line in lines] == [m.name for m in analysis.matrices]
    for line, matrix in zip(lines, analysis.matrices, strict=True):
        assert (int(line["rows"]), int(line["columns"])) == matrix.shape
        assert float(line["sigma"]) == matrix.fit.sigma
        assert int(line["rank"]) == matrix.fit.rank
        leading = matrix.leading
        theta = "" if leading is None else repr(leading.theta)
        assert line["strongest_theta"] == theta


def test_csv_survives_names_with_commas_quotes_and_lines(
    planted: dict[str, AnyArray], tmp_path: Path
) -> None:
    name = 'a, "b"\nc'
    path = analyze({name: planted["noise"]}).to_csv(tmp_path / "result.csv")
    with path.open(newline="") as stream:
        assert next(csv.DictReader(stream))["name"] == name


def test_data_frame(analysis: Analysis) -> None:
    pandas = pytest.importorskip("pandas")
    frame = analysis.to_dataframe()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["name"]) == [m.name for m in analysis.matrices]
    assert list(frame["rank"]) == [m.fit.rank for m in analysis.matrices]


def test_data_frame_without_pandas_names_the_extra(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install pastur\[pandas\]"):
        analysis.to_dataframe()
