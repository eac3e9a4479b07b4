"""The rule on skipped tests, tried on a small file of its own."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PASSING = """
def test_passes():
    assert True
"""
SKIPPING = """
import pytest

def test_needs_something():
    pytest.importorskip("no_such_package")

@pytest.mark.skip(reason="not today")
def test_marked():
    raise AssertionError

@pytest.mark.xfail(strict=True)
def test_expected_to_fail():
    raise AssertionError
"""
SKIPPING_WHOLE = """
import pytest

pytest.importorskip("no_such_package")
"""


@pytest.fixture
def run(tmp_path):
    """Run pytest on one file beside our conftest.py; return the exit status and the output."""
    (tmp_path / "conftest.py").write_text((HERE / "conftest.py").read_text("utf-8"), "utf-8")

    def start(source: str, *, no_skips: bool) -> tuple[int, str]:
        (tmp_path / "test_small.py").write_text(source, "utf-8")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "PASTUR"))}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", "."]
        done = subprocess.run(
            [*command, "-c", os.devnull, "test_small.py"],
            cwd=tmp_path,
            env=kept | ({"PASTUR_NO_SKIPS": "1"} if no_skips else {}),
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout + done.stderr

    return start


def test_skips_are_counted_aloud(run):
    status, output = run(PASSING + SKIPPING, no_skips=False)
    assert status == 0
    assert "2 tests skipped" in output
    assert "1 x not today" in output
    assert "1 x could not import 'no_such_package'" in output
    assert "make test EXTRAS=test," in output


def test_a_skip_is_a_failure_where_none_is_allowed(run):
    status, output = run(PASSING + SKIPPING, no_skips=True)
    assert status == 1
    # A mark skips in the set-up of a test, where pytest calls a failure an error.
    assert "1 failed, 1 passed, 1 xfailed, 1 error" in output
    assert "PASTUR_NO_SKIPS is set, and this was skipped: not today" in output
    assert "this was skipped: could not import 'no_such_package'" in output


@pytest.mark.parametrize(("no_skips", "passes"), [(False, True), (True, False)])
def test_so_is_a_file_that_is_skipped_as_a_whole(run, no_skips, passes):
    status, output = run(SKIPPING_WHOLE, no_skips=no_skips)
    # A file with nothing but a skip leaves pytest with no test: status 5.
    assert (status == 5) == passes
    assert ("PASTUR_NO_SKIPS is set" in output) != passes


def test_nothing_is_said_where_nothing_is_skipped(run):
    status, output = run(PASSING, no_skips=True)
    assert status == 0
    assert "skipped" not in output


def test_the_extras_that_the_summary_names_exist(run):
    _, output = run(SKIPPING, no_skips=False)
    named = re.search(r"make test EXTRAS=([\w,]+)", output)
    assert named
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(named[1].split(",")) <= set(project["optional-dependencies"])
