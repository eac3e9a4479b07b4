"""The trial of a mutant, on a package of one file: what tests notice, and what they do not."""

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = """\
def largest(values):
    best = values[0]
    for value in values[1:]:
        if value > best:
            best = value
    return best
"""
TEST = """\
from tiny_package.one import largest


def test_of_one():
    assert largest([2]) == 2


def test_of_two():
    assert largest([1, 3]) == 3
"""
# A process of its own: pytest within pytest would share its plugins.
TRIAL = """\
import sys
from pathlib import Path

from mutation.trial import try_tests

root, source = Path(sys.argv[1]), sys.argv[2]
sys.path.insert(0, str(root / "src"))
tests = {f"tests/test_one.py::test_of_{word}": 0.01 for word in ("one", "two")}
outcome = try_tests(root, "src/tiny_package/one.py", source, tests)
print(outcome.killed, outcome.tests, outcome.by)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    package = tmp_path / "src" / "tiny_package"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "one.py").write_text(SOURCE, "utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_one.py").write_text(TEST, "utf-8")
    return tmp_path


@pytest.mark.lengthy
@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        # Equal values: which of them is the best makes no difference.
        ("value > best", "value >= best", "False 2"),
        ("value > best", "value < best", "True 2 tests/test_one.py::test_of_two"),
        ("values[0]", "values[1]", "True 2 tests/test_one.py::test_of_one"),
        ("return best", "return best)", "True 2 import, unmatched ')' (one.py, line 6)"),
    ],
)
def test_a_mutant_is_killed_by_the_first_test_that_fails(
    before: str, after: str, outcome: str, root: Path
) -> None:
    assert before in SOURCE
    command = [sys.executable, "-c", TRIAL, str(root), SOURCE.replace(before, after)]
    tools = Path(__file__).parent.parent / "tools"
    done = subprocess.run(
        command, cwd=root, env={"PYTHONPATH": str(tools)}, capture_output=True, text=True
    )
    assert done.stdout.strip() == outcome, done.stderr
    assert (root / "src" / "tiny_package" / "one.py").read_text("utf-8") == SOURCE
