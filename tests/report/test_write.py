"""The file is written whole or not at all, and a bad path gets a sentence."""

from pathlib import Path

import pytest

from pastur._errors import FileAccessError, InvalidTypeError
from pastur.analysis import Analysis
from pastur.report import write_report


def test_returns_the_path_and_leaves_nothing_else(analysis: Analysis, tmp_path: Path) -> None:
    path = write_report(analysis, str(tmp_path / "report.html"))
    assert path == tmp_path / "report.html"
    assert [child.name for child in tmp_path.iterdir()] == ["report.html"]


def test_same_analysis_same_bytes(analysis: Analysis, tmp_path: Path) -> None:
    first = write_report(analysis, tmp_path / "a.html").read_bytes()
    assert write_report(analysis, tmp_path / "b.html").read_bytes() == first


def test_an_error_keeps_the_older_report(
    analysis: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("older", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(FileAccessError, match="No space left on device"):
        write_report(analysis, path)
    assert path.read_text(encoding="utf-8") == "older"
    assert [child.name for child in tmp_path.iterdir()] == ["report.html"]


def test_missing_folder(analysis: Analysis, tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"folder '.*nowhere' does not exist. Create it"):
        write_report(analysis, tmp_path / "nowhere" / "report.html")


def test_path_is_a_folder(analysis: Analysis, tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"it is a folder. Name a file in it"):
        write_report(analysis, tmp_path)


def test_no_analysis(tmp_path: Path) -> None:
    with pytest.raises(InvalidTypeError, match=r"result of `pastur.analyze`. Got a dict"):
        write_report({}, tmp_path / "report.html")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
