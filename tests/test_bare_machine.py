"""The run on a bare machine refuses a machine that is not bare."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run the script, or a part of it, with programs of our own first on the PATH."""

    def start(*arguments: str, programs: dict[str, str], **variables: str) -> tuple[int, str]:
        for name, content in programs.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{content}\n", "utf-8")
            (tmp_path / name).chmod(0o755)
        done = subprocess.run(
            ["bash", ROOT / "tools" / "bare_machine.sh", *arguments],
            cwd=ROOT,
            env=os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"} | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout + done.stderr

    return start


def test_ci_fails_where_nothing_can_be_hidden(run: Callable[..., tuple[int, str]]) -> None:
    status, output = run(programs={"unshare": "exit 1"}, CI="true")
    assert status == 1
    assert output.startswith("bare machine: not isolated")
    assert output.count("\n") == 1


@pytest.mark.parametrize("browser", ["chromium", "google-chrome"])
def test_a_browser_on_the_path_is_refused(
    run: Callable[..., tuple[int, str]], browser: str
) -> None:
    status, output = run("try", programs={browser: "exit 0"})
    assert status == 1
    assert "not bare, there is a browser: " in output


def test_a_package_that_can_be_imported_is_refused(
    run: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    (tmp_path / "h5py.py").write_text("", "utf-8")
    status, output = run("check", sys.executable, programs={}, PYTHONPATH=str(tmp_path))
    assert status == 1
    assert re.search(r"can import: .*\bh5py\b", output)
