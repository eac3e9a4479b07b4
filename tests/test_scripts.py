"""Every script says why it exists and how it is run, and the README of its folder lists it."""

import re
from pathlib import Path

import folder_pages
import pytest

SCRIPTS = [path for folder in folder_pages.FOLDERS for path in folder_pages.scripts(folder)]


def lacking(says: str, command: str) -> str:
    """What the docstring of a script does not say; empty where it says all."""
    first, _, rest = says.partition("\n")
    if not first.endswith((".", "?")):
        return "its first line is not a sentence that says why it exists"
    run = re.search(rf"(?m)^( {{4}})?\S.*{re.escape(command)}|`python {re.escape(command)}`", rest)
    return "" if run else f"no line after the first has the command, `python {command} …`"


@pytest.mark.parametrize("path", SCRIPTS, ids=folder_pages.command)
def test_a_script_says_why_it_exists_and_how_it_is_run(path: Path) -> None:
    assert lacking(folder_pages.says(path), folder_pages.command(path)) == ""


@pytest.mark.parametrize("folder", folder_pages.TABLES)
def test_the_table_of_a_folder_is_that_of_its_scripts(folder: str) -> None:
    page = (folder_pages.ROOT / folder / "README.md").read_text("utf-8")
    assert folder_pages.filled(page) == page, "`python tools/folder_pages.py` writes the tables"


def test_every_benchmark_is_listed() -> None:
    page = (folder_pages.ROOT / "benchmarks" / "README.md").read_text("utf-8")
    names = {
        Path(folder_pages.command(path)).parts[1] for path in SCRIPTS if "benchmarks" in path.parts
    }
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_what_is_lacking_is_noticed() -> None:
    assert "no line after" in lacking("Counts.\n\n    python tools/other.py", "tools/counts.py")
    assert "not a sentence" in lacking("Counts\n\n    python tools/counts.py", "tools/counts.py")
    assert lacking("Counts.\n\n    python tools/counts.py [N]", "tools/counts.py") == ""
