"""The pages under docs: their examples run, and their links lead somewhere."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
# What the examples of a page import besides the package.
NEEDED = {"data.md": "sklearn", "from-optht.md": "optht", "from-scikit-learn.md": "sklearn"}
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_examples_run(page: Path) -> None:
    if page.name in NEEDED:
        pytest.importorskip(NEEDED[page.name])
    failed, _ = doctest.testfile(str(page), module_relative=False, optionflags=OPTIONS)
    assert failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_examples_are_in_fences(page: Path) -> None:
    """Markdown takes the prompt for the marks of a quotation three deep."""
    assert unfenced(page.read_text("utf-8")) == []


def test_an_example_without_a_fence_is_seen() -> None:
    assert unfenced("```python\n>>> 1\n```\n\n>>> 2\n") == [">>> 2"]


def unfenced(text: str) -> list[str]:
    """Return the prompts outside of fences."""
    outside = re.split(r"(?m)^ *```.*$", text)[::2]
    return [line for part in outside for line in part.splitlines() if line.startswith(">>>")]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
    for target in targets:
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target


# What the worked examples add.
EXAMPLES = {
    "src/pastur/experiments/claims/_statements/trace.py",
    "src/pastur/measures/_laws/arcsine.py",
    "src/pastur/weights/_formats/matrix_market.py",
}


def missing_files(text: str) -> list[str]:
    """Return the files of the repository that a page names and that do not exist."""
    named = re.findall(r"`((?:benchmarks|docs|src|tests|tools)/[\w./-]+?)(?:::\w+)?`", text)
    return [name for name in named if name not in EXAMPLES and not (ROOT / name).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    assert missing_files(page.read_text("utf-8")) == []


def test_a_file_that_does_not_exist_is_noticed() -> None:
    text = "`tests/test_docs.py::test_examples_run`, `src/pastur/nowhere.py` and `tools/`"
    assert missing_files(text) == ["src/pastur/nowhere.py"]
