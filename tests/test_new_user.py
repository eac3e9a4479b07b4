"""The script that walks a new user's path: what it reads of the page, and what it notices."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    pytest.importorskip("pty", reason="needs a terminal")
    spec = importlib.util.spec_from_file_location("new_user", ROOT / "tools" / "new_user.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_the_whole_path(tool: ModuleType) -> None:
    steps = [name for name, _ in tool.blocks(tool.PAGE.read_text("utf-8"))]
    assert steps == [
        "$ pastur demo",
        "make_model.py",
        "$ python make_model.py",
        "$ pastur analyze model.npz -o report.html",
        "$ pastur compress model.npz -o smaller.npz --size 0.5",
    ]


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("a\nb\nc", ""),
        ("a\n…\nc", ""),
        ("…\nc", ""),
        ("a\n…", ""),
        ("a\nc", "c"),
        ("a\n…\nd", "d"),
        ("a\nb", "c"),
    ],
)
def test_the_first_line_that_differs_is_named(tool: ModuleType, expected: str, found: str) -> None:
    assert tool.differs("a  \nb\nc\n", expected) == found


def test_a_terminal_has_its_width_and_no_escapes(tool: ModuleType, tmp_path: Path) -> None:
    code = (
        "import os; print(os.get_terminal_size(1).columns, chr(27) + '[1mbold' + chr(27) + '[0m')"
    )
    shown = tool.in_terminal(f'"{sys.executable}" -c "{code}"', tmp_path, {"PATH": "/bin"})
    assert shown == "100 bold\n"
    with pytest.raises(SystemExit, match="no such place"):
        tool.in_terminal("echo 'no such place' >&2; exit 1", tmp_path, {"PATH": "/bin"})


def test_the_notebook_has_the_examples_and_must_show_them(tool: ModuleType, tmp_path: Path) -> None:
    book = tool.notebook(tool.PAGE.read_text("utf-8"))
    sources = [cell["source"] for cell in book["cells"]]
    assert "import numpy as np, pastur" in sources[0]
    assert sources[-3:] == ["fit", "model", "pastur.analyze('model.npz', progress=True)"]
    words = ("noise bulk", "a spike leaves", "decoder")
    for cell, word in zip(book["cells"][-3:], words, strict=True):
        cell["outputs"] = [{"data": {"text/html": ["<svg></svg>", word]}}]
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps(book))
    tool.check_notebook(path)
    book["cells"][-1]["outputs"] = []
    path.write_text(json.dumps(book))
    with pytest.raises(SystemExit, match="decoder"):
        tool.check_notebook(path)
