"""The tables of docs/rooms.md, held against every import of the source."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "pastur"
EVERYTHING = "everything"


def read_table(text: str) -> tuple[dict[str, set[str]], set[str]]:
    """Return what each room may import besides floor 0, and the rooms of floor 0."""
    allowed: dict[str, set[str]] = {}
    ground: set[str] = set()
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rooms = re.findall(r"`(\w+)`", cells[1]) if len(cells) == 4 else []
        for room in rooms:
            imports = re.findall(r"`(\w+)`", cells[3])
            allowed[room] = {EVERYTHING} if cells[3] == EVERYTHING else set(imports)
            if cells[0] == "0":
                ground.add(room)
    return allowed, ground


def read_inner_tables(text: str) -> dict[str, dict[str, set[str]]]:
    """Return for each room with a table of its own what its folders and files may import."""
    tables: dict[str, dict[str, set[str]]] = {}
    for section in text.split("## Inside ")[1:]:
        room = section.split("`")[1]
        tables[room] = {}
        for line in section.split("\n## ")[0].splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            for part in re.findall(r"`(\w+)`", cells[0]) if len(cells) == 3 else []:
                tables[room][part] = set(re.findall(r"`(\w+)`", cells[2]))
    return tables


PAGE = (ROOT / "docs" / "rooms.md").read_text("utf-8")
ALLOWED, GROUND = read_table(PAGE)
INSIDE = read_inner_tables(PAGE)


def room_of(path: Path) -> str:
    """The room that a source file belongs to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_modules(source: str) -> list[tuple[int, str]]:
    """Line and dotted name of all that is imported anywhere in `source`; relative ones as '.x'."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            separator = "" if module.endswith(".") else "."
            found += [(node.lineno, f"{module}{separator}{alias.name}") for alias in node.names]
        elif isinstance(node, ast.Call) and _name(node.func) in ("import_module", "__import__"):
            argument = node.args[0]
            name = argument.value if isinstance(argument, ast.Constant) else "pastur.unknown"
            found.append((node.lineno, str(name)))
    return found


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def violations(room: str, source: str) -> list[str]:
    """One sentence for each import of `source` that the table does not give to `room`."""
    allowed = ALLOWED[room]
    complaints = []
    for line, name in imported_modules(source):
        parts = name.split(".")
        if name.startswith("."):
            complaints.append(f"line {line}: relative import of {name}")
        elif parts[0] == "pastur" and EVERYTHING not in allowed:
            target = parts[1] if len(parts) > 1 else "the whole package"
            if target not in allowed | GROUND | {room}:
                complaints.append(f"line {line}: {room} may not import {target}")
    return complaints


def inner_violations(room: str, part: str, source: str) -> list[str]:
    """One sentence for each import within a room that the room's own table does not give."""
    complaints = []
    for line, name in imported_modules(source):
        parts = name.split(".")
        if parts[:2] == ["pastur", room]:
            target = parts[2] if len(parts) > 2 else "the whole room"
            if target not in INSIDE[room][part] | {part}:
                complaints.append(f"line {line}: {room}.{part} may not import {target}")
    return complaints


MODULES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_module_imports_what_its_room_may(path: Path) -> None:
    assert room_of(path) in ALLOWED, f"docs/rooms.md has no line for {room_of(path)}"
    assert violations(room_of(path), path.read_text("utf-8")) == []


INNER_MODULES = [
    path
    for path in MODULES
    if room_of(path) in INSIDE and path.relative_to(SOURCE).parts[1:] != ("__init__.py",)
]


@pytest.mark.parametrize("path", INNER_MODULES, ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_module_imports_what_its_part_of_the_room_may(path: Path) -> None:
    room, part = path.relative_to(SOURCE).parts[:2]
    part = part.removesuffix(".py")
    assert part in INSIDE[room], f"docs/rooms.md has no line for {room}.{part}"
    assert inner_violations(room, part, path.read_text("utf-8")) == []


def test_every_line_of_an_inner_table_has_its_folder_or_file() -> None:
    for room, table in INSIDE.items():
        for part in table:
            assert (SOURCE / room / part).is_dir() or (SOURCE / room / f"{part}.py").is_file(), part


def test_every_line_of_the_table_has_its_room() -> None:
    for room in ALLOWED:
        assert (SOURCE / room).is_dir() or (SOURCE / f"{room}.py").is_file(), room


@pytest.mark.parametrize("table", [ALLOWED, *INSIDE.values()], ids=["rooms", *INSIDE])
def test_imports_run_downwards(table: dict[str, set[str]]) -> None:
    """Nothing is reached from what it may import: the table itself has no circle."""
    assert circle(table) == set()


def test_a_circle_is_found() -> None:
    table: dict[str, set[str]] = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}
    assert circle(table) == {"a", "b", "c"}


def circle(table: dict[str, set[str]]) -> set[str]:
    """Return what cannot be put in an order in which everything comes after what it imports."""
    left = {name for name, imports in table.items() if EVERYTHING not in imports}
    while free := {name for name in left if not table[name] & left}:
        left -= free
    return left


@pytest.mark.parametrize(
    ("room", "source", "complaint"),
    [
        ("measures", "from pastur.models import DeformedWigner", "measures may not import models"),
        ("measures", "import pastur.models", "measures may not import models"),
        ("measures", "from pastur import models", "measures may not import models"),
        ("_checks", "from pastur.measures import Atoms", "_checks may not import measures"),
        ("ensembles", "def f():\n    from pastur import models", "line 2: ensembles may not"),
        ("report", "from pastur.estimation import fit_symmetric", "report may not import estim"),
        ("models", "import pastur", "models may not import the whole package"),
        ("weights", "if TYPE_CHECKING:\n    from pastur import analysis", "may not import analys"),
        ("models", "import_module('pastur.report')", "models may not import report"),
        ("models", "importlib.import_module(name)", "models may not import unknown"),
        ("models", "from . import _curve", "relative import of ._curve"),
        ("models", "from ..measures import Atoms", "relative import of ..measures.Atoms"),
    ],
)
def test_a_forbidden_import_is_found(room: str, source: str, complaint: str) -> None:
    found = violations(room, source)
    assert len(found) == 1
    assert complaint in found[0]


@pytest.mark.parametrize(
    ("room", "source"),
    [
        (
            "models",
            "from pastur.measures import Atoms\nfrom pastur._numerics.cauchy import log_sum",
        ),
        ("models", "from pastur import _checks\nimport numpy as np\nfrom scipy import linalg"),
        ("report", "def f():\n    from pastur.analysis import Analysis"),
        ("cli", "from pastur.report import write_report"),
    ],
)
def test_an_allowed_import_is_let_through(room: str, source: str) -> None:
    assert violations(room, source) == []


@pytest.mark.parametrize(
    ("part", "source", "complaint"),
    [
        ("_hostile", "from pastur.weights.tensors import Weights", "may not import tensors"),
        ("_axes", "import pastur.weights._formats.npy", "weights._axes may not import _formats"),
        (
            "tensors",
            "def f():\n    from pastur.weights import open_weights",
            "line 2: weights.tens",
        ),
        ("matrices", "from pastur.weights._derived import attention", "may not import _derived"),
    ],
)
def test_a_forbidden_import_within_a_room_is_found(part: str, source: str, complaint: str) -> None:
    found = inner_violations("weights", part, source)
    assert len(found) == 1
    assert complaint in found[0]


def test_an_allowed_import_within_a_room_is_let_through() -> None:
    source = "from pastur.weights._axes.layout import Layout\nfrom pastur._files import write"
    assert inner_violations("weights", "tensors", source) == []
    assert inner_violations("weights", "_axes", source) == []
