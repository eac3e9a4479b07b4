"""The report in a browser: ``--open``."""

import os
import subprocess
import webbrowser
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import pytest
from click.testing import Result

from pastur.cli import main

# What writes its argument to a file, as a browser that ends at once.
FAKE = '#!/bin/sh\nprintf %s "$1" > "$SEEN"\nexit {}\n'


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    path = tmp_path / "a b.npy"
    np.save(path, np.random.default_rng(0).normal(size=(20, 30)))
    return path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What the browser of this process is asked to open; temporary folders are in `tmp_path`."""
    seen: list[str] = []

    def note(url: str) -> bool:
        seen.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", note)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return seen


def page_at(url: str) -> Path:
    parts = urlsplit(url)
    assert parts.scheme == "file"
    return Path(url2pathname(parts.path))


def test_the_report_is_opened_where_it_was_written(
    invoke: Callable[..., Result], opened: list[str], matrix: Path, tmp_path: Path
) -> None:
    result = invoke("analyze", matrix, "-o", "my report.html", "--open")
    assert result.exit_code == 0
    assert [page_at(url) for url in opened] == [tmp_path / "my report.html"]


def test_without_a_place_it_goes_to_a_temporary_folder(
    invoke: Callable[..., Result], opened: list[str], matrix: Path, tmp_path: Path
) -> None:
    result = invoke("analyze", matrix, "--open")
    (page,) = map(page_at, opened)
    assert page.name == "report.html" and page.parent.parent == tmp_path
    assert "<html" in page.read_text("utf-8")
    assert f"Report: {page}" in result.output
    if os.name == "posix":
        assert page.parent.stat().st_mode & 0o077 == 0


def test_a_comparison_is_opened_too(
    invoke: Callable[..., Result], opened: list[str], matrix: Path
) -> None:
    assert invoke("compare", matrix, matrix, "--open", "--quiet").output == ""
    assert "<html" in page_at(opened[0]).read_text("utf-8")


def test_nothing_is_opened_unless_asked_for_or_where_it_could_not_be_written(
    invoke: Callable[..., Result],
    opened: list[str],
    matrix: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert invoke("analyze", matrix, "-o", "report.html").exit_code == 0

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pastur.report.write_report", full)
    result = invoke("analyze", matrix, "--open")
    assert result.exit_code == 1
    assert "No space left on device" in result.output
    assert opened == []


@pytest.mark.parametrize("fault", [None, OSError("no"), webbrowser.Error("no"), ValueError("no")])
def test_where_there_is_no_browser_the_place_is_said(
    invoke: Callable[..., Result],
    matrix: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception | None,
) -> None:
    def refuse(url: str) -> bool:
        if fault is not None:
            raise fault
        return False

    monkeypatch.setattr(webbrowser, "open", refuse)
    result = invoke("analyze", matrix, "-o", "report.html", "--open", "--quiet")
    assert result.exit_code == 0
    assert result.output == "pastur: no browser could be opened. The report is report.html\n"


@pytest.mark.lengthy
@pytest.mark.skipif(os.name != "posix", reason="needs a shell script")
@pytest.mark.parametrize("end", [0, 1])
def test_the_browser_is_the_one_of_the_environment(
    spawn: Callable[..., subprocess.CompletedProcess[str]], matrix: Path, tmp_path: Path, end: int
) -> None:
    fake = tmp_path / "browser"
    fake.write_text(FAKE.format(end))
    fake.chmod(0o755)
    # No other browser is to be found.
    own = {"BROWSER": str(fake), "SEEN": str(tmp_path / "seen"), "PATH": "/nowhere"}
    kept = {name: value for name, value in os.environ.items() if name in ("HOME", "PYTHONPATH")}
    page = tmp_path / "report.html"
    done = spawn("analyze", matrix, "-o", page, "--open", env=kept | own)
    assert done.returncode == 0, done.stderr
    assert page_at((tmp_path / "seen").read_text()) == page
    assert ("no browser could be opened" in done.stderr) == (end != 0)


def test_the_option_is_that_of_all_commands_with_a_page_for_each_matrix() -> None:
    names = {
        name
        for name, command in main.commands.items()
        if any("--open" in parameter.opts for parameter in command.params)
    }
    assert names == {"analyze", "compare", "demo"}
