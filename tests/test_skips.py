"""The rule on skipped tests, tried on a small file of its own."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
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
def run(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run pytest on one file beside our conftest.py; return the exit status and the output."""
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text("utf-8"), "utf-8")

    def start(
        source: str,
        *,
        no_skips: bool = False,
        expected: str | None = None,
        workers: int = 0,
        options: Sequence[str] = (),
    ) -> tuple[int, str]:
        (tmp_path / "test_small.py").write_text(source, "utf-8")
        # Without plugins pytest starts in a fifth of the time.
        asked = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        if no_skips:
            asked["PASTUR_NO_SKIPS"] = "1"
        if expected is not None:
            (tmp_path / "expected.txt").write_text(expected, "utf-8")
            asked["PASTUR_EXPECTED_SKIPS"] = "expected.txt"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "PASTUR"))}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", "."]
        if workers:
            command += ["-p", "xdist.plugin", "-n", str(workers)]
        done = subprocess.run(
            [*command, "-c", os.devnull, *options, "test_small.py"],
            cwd=tmp_path,
            env=kept | asked,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout + done.stderr

    return start


def test_skips_are_counted_aloud(run: Callable[..., tuple[int, str]]) -> None:
    status, output = run(PASSING + SKIPPING, no_skips=False)
    assert status == 0
    assert "2 tests skipped" in output
    assert "1 x not today" in output
    assert "1 x could not import 'no_such_package'" in output
    assert "make test EXTRAS=test," in output


def test_a_skip_is_a_failure_where_none_is_allowed(run: Callable[..., tuple[int, str]]) -> None:
    status, output = run(PASSING + SKIPPING, no_skips=True)
    assert status == 1
    # A mark skips in the set-up of a test, where pytest calls a failure an error.
    assert "1 failed, 1 passed, 1 xfailed, 1 error" in output
    assert "PASTUR_NO_SKIPS is set, and this was skipped: not today" in output
    assert "this was skipped: could not import 'no_such_package'" in output


@pytest.mark.parametrize(("no_skips", "passes"), [(False, True), (True, False)])
def test_so_is_a_file_that_is_skipped_as_a_whole(
    run: Callable[..., tuple[int, str]], no_skips: bool, passes: bool
) -> None:
    status, output = run(SKIPPING_WHOLE, no_skips=no_skips)
    # A file with nothing but a skip leaves pytest with no test: status 5.
    assert (status == 5) == passes
    assert ("PASTUR_NO_SKIPS is set" in output) != passes


def test_nothing_is_said_where_nothing_is_skipped(run: Callable[..., tuple[int, str]]) -> None:
    status, output = run(PASSING, no_skips=True)
    assert status == 0
    assert "skipped" not in output


BOTH = """# What is not on every machine.

not today
could not import *: No module named 'no_such_package'
"""


def test_the_reasons_may_have_to_be_those_of_a_list(run: Callable[..., tuple[int, str]]) -> None:
    status, output = run(PASSING + SKIPPING, expected=BOTH)
    assert status == 0
    assert "expected.txt" not in output
    assert run(PASSING, expected="# None.\n")[0] == 0


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_reason_that_is_not_listed_fails_the_run(
    run: Callable[..., tuple[int, str]], workers: int
) -> None:
    status, output = run(PASSING + SKIPPING, expected="not today\n", workers=workers)
    assert status == 1
    words = "expected.txt: skipped for a reason that is not listed: could not import 'no_such_p"
    assert output.count(words) == 1
    assert run(PASSING + SKIPPING_WHOLE, expected="", workers=workers)[0] != 0


def test_so_does_a_reason_that_is_listed_in_vain(run: Callable[..., tuple[int, str]]) -> None:
    status, output = run(PASSING + SKIPPING, expected=BOTH + "no electricity\n")
    assert status == 1
    assert "expected.txt: listed, but no test was skipped for it: no electricity" in output


def test_a_failure_stays_a_failure(run: Callable[..., tuple[int, str]]) -> None:
    status, output = run(SKIPPING + "def test_fails():\n    assert False\n", expected=BOTH)
    assert status == 1
    assert "1 failed" in output


def test_the_extras_that_the_summary_names_are_all_that_there_are(
    run: Callable[..., tuple[int, str]],
) -> None:
    _, output = run(SKIPPING, no_skips=False)
    named = re.search(r"make test EXTRAS=([\w,]+)", output)
    assert named
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    every = set(project["optional-dependencies"])
    assert set(named[1].split(",")) == every
    for page in (".ci/run", "CONTRIBUTING.md"):
        assert f"make test EXTRAS={named[1]}" in (ROOT / page).read_text("utf-8")


CASES = """
import pytest

@pytest.mark.parametrize("case", [pytest.param(0, marks=pytest.mark.slow), 1, 2])
def test_has_cases(case):
    assert case == 1

@pytest.mark.lengthy
def test_lengthy():
    raise AssertionError
"""


def test_the_quick_part_is_one_case_of_each_test_that_is_not_lengthy(
    run: Callable[..., tuple[int, str]],
) -> None:
    status, output = run(PASSING + CASES, options=["--quick", "-v"])
    assert status == 0
    assert "test_has_cases[1] PASSED" in output
    assert "2 passed, 3 deselected" in output
    assert run(PASSING + CASES)[0] == 1
