"""House rules that a machine can check."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "pastur").rglob("*.py"))
# Imported inside the functions that need them.
HEAVY = {"dask", "jinja2", "joblib", "keras", "matplotlib", "onnx", "pandas", "plotly", "sklearn"}
HEAVY |= {"gguf", "h5py", "torch", "scipy.integrate", "scipy.optimize", "scipy.stats"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports_on_loading(source: str) -> set[str]:
    """Modules imported when a module is: not inside functions, not for type checkers only."""
    found: set[str] = set()
    nodes: list[ast.AST] = list(ast.parse(source).body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes += node.orelse
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            nodes += ast.iter_child_nodes(node)
    return found


def heavy_imports(source: str) -> set[str]:
    """Heavy packages that `source` loads when it is imported."""
    names = imports_on_loading(source)
    return {heavy for heavy in HEAVY for name in names if f"{name}.".startswith(f"{heavy}.")}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_heavy_packages_are_imported_inside_functions(path: Path) -> None:
    # Classes of scikit-learn's and of PyTorch's: leaves that `import pastur` does not load.
    leaves = {"sklearn": "src/pastur/sklearn/", "torch": "src/pastur/torch/_layers/"}
    allowed = {extra for extra, leaf in leaves.items() if name_of(path).startswith(leaf)}
    assert heavy_imports(path.read_text("utf-8")) <= allowed


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_file_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import torch.nn", {"torch"}),
        ("from scipy import stats", {"scipy.stats"}),
        ("try:\n    import pandas as pd\nexcept ImportError:\n    pd = None", {"pandas"}),
        ("class A:\n    import matplotlib", {"matplotlib"}),
        ("def f():\n    import torch", set()),
        ("if TYPE_CHECKING:\n    import torch", set()),
        ("import torchlike\nfrom scipy import special", set()),
    ],
)
def test_the_check_tells_loading_from_calling(source: str, found: set[str]) -> None:
    assert heavy_imports(source) == found


def test_tests_are_no_package() -> None:
    """Test files are imported by path, so that two may have the same name."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []


# Expressions that make a native reader stumble, each by the pattern that finds it.
WORST = {
    "told": r"\btold\b(?! apart)",
    "tells": r"(?<!too small to )\btells?\b",
    "beside": r"\bbeside\b",
    "is no …": r"(?<![Tt]here )\b(?:is|are|was) no (?!longer|smaller|larger|more|better|such)",
    "nobody": r"\bnobody\b",
    "fate": r"\bfate\b",
    "swallowed": r"\bswallow",
    "looked at": r"\blook(?:s|ed) at\b|\ba look at\b",
    "card": r"\b(?:a|the) card\b",
    "linear algebra library": r"\blinear algebra library\b",
    "says of": r"\bsays of\b",
    "has a say": r"\bhas a say\b",
    "goes on": r"\bgoes on\b",
    "speaks": r"\bspeaks\b",
    "Of what is": r"\bOf what is\b",
    "foresaw": r"\bforesaw\b|\bforeseen\b",
}
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])


def worst_words(text: str) -> list[str]:
    """Return the entries of the list that a text has."""
    joined = " ".join(text.split())
    return [word for word, pattern in WORST.items() if re.search(pattern, joined)]


def prose(path: Path) -> str:
    """Return what a file says to its readers: a page as a whole, the strings of a module."""
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        return text
    nodes = ast.walk(ast.parse(text))
    strings = (node.value for node in nodes if isinstance(node, ast.Constant))
    return "\n".join(one for one in strings if isinstance(one, str) and " " in one)


@pytest.mark.parametrize("path", [*PAGES, *SOURCES], ids=name_of)
def test_the_worst_words_are_not_used(path: Path) -> None:
    assert worst_words(prose(path)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("σ as told by W₀", ["told"]),
        ("a table beside the fit", ["beside"]),
        ("'x' is no\n    record", ["is no …"]),
        ("spikes swallowed by the bulk", ["swallowed"]),
        ("There is no folder 'x'.", []),
        ("is no longer than a line", []),
        # A finding, which is stored in files.
        ("168 are too small to tell", []),
        ("Besides, the discarded postcards are no larger", []),
    ],
)
def test_a_sentence_with_one_of_them_is_noticed(text: str, found: list[str]) -> None:
    assert worst_words(text) == found
