"""Pages with commands and what these print: the commands are run, and print that.

A block ``console`` has commands after ``$``, each followed by what it prints in a terminal of 100
columns; a line ``…`` stands for any lines. A block ``python`` that begins with a comment of one
file's name is that file.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from click.testing import CliRunner

from pastur.cli import main
from pastur.cli._terminal import console

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w.-]+\.py)\n")
# Steps that take no two seconds.
_FIRST = 3
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if "```console\n$ " in page.read_text("utf-8")
]


class Step(NamedTuple):
    """A file to write, or a command with what it prints."""

    name: str
    text: str


def steps(page: str) -> Iterator[Step]:
    for kind, text in BLOCK.findall(page):
        if kind == "python":
            named = FILE.match(text)
            if named:
                yield Step(named[1], text)
            continue
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield Step(f"$ {command}", output)


def printed(command: str) -> str:
    """Run a command in this folder and return what it prints."""
    program, *arguments = shlex.split(command)
    if program == "pastur":
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code in (0, 1), result.output
        return result.output
    assert program == "python", command
    return subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True
    ).stdout


def prints(output: str, expected: str) -> bool:
    """Whether lines are those expected, where a line of an ellipsis stands for any lines."""
    lines = [re.escape(line.rstrip()) for line in expected.strip("\n").split("\n")]
    pattern = re.sub(r"^…\n", r"(?:.*\\n)*?", "\n".join(lines), flags=re.MULTILINE)
    pattern = re.sub(r"\n…$|^…$", r"(?:\\n?.*)*?", pattern)
    found = "\n".join(line.rstrip() for line in output.strip("\n").split("\n"))
    return re.fullmatch(pattern, found) is not None


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and the width of the page: a pipe has none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(console, "_UNLIMITED", 100)


@pytest.mark.lengthy
@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_begins_as_it_says(page: Path) -> None:
    walk(list(steps(page.read_text("utf-8")))[:_FIRST])


@pytest.mark.slow
@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_can_be_walked(page: Path) -> None:
    found = list(steps(page.read_text("utf-8")))
    assert found
    walk(found)


def walk(found: list[Step]) -> None:
    """Write the files, and compare what the commands print, in this folder."""
    for name, text in found:
        if not name.startswith("$ "):
            Path(name).write_text(text, "utf-8")
            continue
        output = printed(name.removeprefix("$ "))
        assert prints(output, text), f"{name} prints\n{output}"


@pytest.mark.parametrize(
    ("expected", "matches"),
    [
        ("a\nb\nc", True),
        ("a\n…\nc", True),
        ("…\nc", True),
        ("a\n…", True),
        ("…", True),
        ("a\nc", False),
        ("a\n…\nb", False),
        ("a\nb", False),
        (".\n.\n.", False),
    ],
)
def test_lines_that_may_be_left_out(expected: str, matches: bool) -> None:
    assert prints("a  \nb\nc\n", expected) == matches


# Commands in the text, and those in blocks of which no output is shown.
INLINE = re.compile(r"`(pastur [a-z][^`]*)`")
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEXTS = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])


def commands_named(page: str) -> list[str]:
    """Return the commands of pastur that a page names, those continued on a next line as one."""
    shell = "\n".join(SHELL.findall(page)).replace("\\\n", " ")
    lines = [line for line in shell.splitlines() if line.startswith("pastur ")]
    return [" ".join(one.split()) for one in (*INLINE.findall(page), *lines)]


def unknown_parts(command: str) -> list[str]:
    """Return what of a command does not exist: itself, or its options."""
    here: click.Command = main
    found = []
    for word in command.partition("#")[0].split()[1:]:
        if word.startswith("-") and word not in ("-", "--help"):
            name = word.partition("=")[0].rstrip(".,…")
            if all(name not in param.opts for param in here.params):
                found.append(name)
        elif isinstance(here, click.Group) and not word.startswith("…"):
            if word not in here.commands:
                return [word]
            here = here.commands[word]
    return found


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_commands_in_the_text_and_their_options_exist(page: Path) -> None:
    for command in commands_named(page.read_text("utf-8")):
        assert unknown_parts(command) == [], command


TARGETS = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def unknown_targets(page: str) -> list[str]:
    """Return what a page says that make makes, and it does not."""
    shell = "\n".join(SHELL.findall(page))
    named = re.findall(r"^make ([a-z][\w-]*)", shell, re.MULTILINE)
    named += re.findall(r"`make ([a-z][\w-]*)", page)
    return [name for name in named if name not in TARGETS]


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_make_has_what_a_page_says(page: Path) -> None:
    assert unknown_targets(page.read_text("utf-8")) == []


def test_what_make_has_not_is_noticed() -> None:
    page = "`make demo`, `make coffee`\n```sh\nmake tea\n```\n"
    assert unknown_targets(page) == ["tea", "coffee"]


def test_an_option_that_does_not_exist_is_noticed() -> None:
    page = "`pastur analyze X --opne`, `pastur analyse`\n```sh\npastur demo \\\n  -x\n```\n"
    found = [part for command in commands_named(page) for part in unknown_parts(command)]
    assert found == ["--opne", "analyse", "-x"]


def test_a_page_with_another_output_is_noticed() -> None:
    page = "```console\n$ pastur --version\npastur 9\n```\n```python\n# a.py\n1\n```\n"
    (command, file) = steps(page)
    assert file == Step("a.py", "# a.py\n1\n")
    assert command.name == "$ pastur --version"
    assert not prints(printed("pastur --version"), command.text)
