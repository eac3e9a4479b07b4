"""Count what makes the plan of the source hard to follow: one table, a column for each tree.

    python tools/house_counts.py src
    python tools/house_counts.py path/to/an/older/src src

Everything is read by `ast`, nothing is imported, so that any tree can be counted. What each line
counts:

private functions with 8 or more arguments
    Functions and methods that no ``__all__`` names, `self` and `cls` aside. The functions of
    commands, whose arguments are the options that click passes, are not among them, nor are public
    methods of public classes.
questions after the kind
    `isinstance`, `hasattr` or `match` that ask whether a model, a fit or a part of them is of the
    symmetric or of the rectangular kind: by classes called ``Symmetric…``, ``Rectangular…``,
    ``DeformedWigner``, ``InformationPlusNoise``, or by attributes that only one kind has.
lines with `power` in estimation
    Lines where an identifier is called that, as the exponent of a kind was. In `baselines` and
    `biwhiten` it is the name of arrays of squares, which are not meant.
keywords forwarded
    Calls with ``**name`` inside a function whose own parameter ``**name`` is.
places that list a fit's fields
    Classes, calls, dictionaries and tuples that name six or more of the fields of a fit.
imports that run up
    Arrows between the folders of `estimation`, and of `weights`, that lie on a cycle. In a room
    without folders there are none, and all its arrows are on one level; see the next line.
arrows between neighbours
    Pairs of entries (files or folders) directly inside `estimation`, and `weights`, one of which
    imports the other. Fewer is easier to hold in mind.
base names that occur twice
    Names of files in more than one folder, ``__init__.py`` aside.
files with an underscore
    Files whose own name begins with one, ``__init__.py`` and ``__main__.py`` aside.
largest fan-out
    The most modules of the package that one module imports, ``__init__`` files aside.
longest function
    In lines, its docstring aside.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef

MANY_ARGUMENTS = 8
KIND_CLASSES = ("Symmetric", "Rectangular", "DeformedWigner", "InformationPlusNoise")
KIND_ATTRIBUTES = {"overlap_left", "overlap_right", "lower_edge", "zero_sides", "nu0", "ratio"}
FIT_FIELDS = {
    "shape", "alpha", "sigma", "sigma_interval", "edge", "spikes", "signal", "signal_rank",
    "signal_rank_interval", "growing", "goodness", "status", "zeros", "zero_sides", "lower_edge",
}  # fmt: skip
MANY_FIELDS = 6
ROOMS = ("estimation", "weights")


@dataclass(frozen=True)
class Module:
    """A file of the package, parsed; `name` has dots and begins with the package's own."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def imported(self) -> set[str]:
        """Names of the package's modules, and of what is in them, that this one imports."""
        package = self.name.split(".")[0]
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
        return {name for name in found if name.split(".")[0] == package}


def read(source: Path) -> list[Module]:
    """Return all modules of the one package that lies in `source`."""
    files = sorted(source.glob("*/**/*.py"))
    if not files:
        raise SystemExit(f"{source} holds no package: give the folder above it, such as src.")
    return [
        Module(
            ".".join(file.relative_to(source).with_suffix("").parts).removesuffix(".__init__"),
            file,
            ast.parse(file.read_text("utf-8"), str(file)),
        )
        for file in files
    ]


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function and method."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def arguments(function: Function) -> list[str]:
    """Return the names of a function's arguments, `self` and `cls` aside."""
    given = function.args
    names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def public_names(modules: list[Module]) -> set[str]:
    """Return the names that any ``__all__`` lists."""
    return {
        constant.value
        for module in modules
        for node in module.tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
        for constant in ast.walk(node.value)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    }


def crowded_functions(modules: list[Module]) -> list[str]:
    """Return the private functions with many arguments."""
    public = public_names(modules)
    found = []
    for module in modules:
        open_methods = {
            id(method)
            for node in module.tree.body
            if isinstance(node, ast.ClassDef) and node.name in public
            for method in node.body
            if isinstance(method, Function) and not method.name.startswith("_")
        }
        for function in functions(module.tree):
            crowded = len(arguments(function)) >= MANY_ARGUMENTS
            shown = function.name in public or id(function) in open_methods or _command(function)
            if crowded and not shown and function.name != "__init__":
                found.append(f"{module.name}.{function.name}")
    return found


def _command(function: Function) -> bool:
    return any("option" in ast.unparse(d) or "command" in ast.unparse(d)
               for d in function.decorator_list)  # fmt: skip


def kind_questions(modules: list[Module]) -> list[str]:
    """Return the places that ask which kind something is of."""
    found = []
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                asked = node.func.id in ("isinstance", "issubclass") and len(node.args) > 1
                kinds = asked and any(_kind(name) for name in _names(node.args[1]))
                named = node.func.id in ("hasattr", "getattr") and any(
                    isinstance(a, ast.Constant) and a.value in KIND_ATTRIBUTES for a in node.args
                )
                if kinds or named:
                    found.append(f"{module.name}:{node.lineno}")
            elif isinstance(node, ast.MatchClass) and any(_kind(n) for n in _names(node.cls)):
                found.append(f"{module.name}:{node.lineno}")
    return found


def _names(node: ast.AST) -> set[str]:
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return names | {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}


def _kind(name: str) -> bool:
    return name.startswith(KIND_CLASSES)


def power_lines(modules: list[Module]) -> list[str]:
    """Return the lines of `estimation` with an identifier called ``power``."""
    found = []
    for module in modules:
        if module.name.split(".")[1:2] != ["estimation"]:
            continue
        if module.path.stem.lstrip("_") in ("baselines", "biwhiten"):
            continue
        lines = {
            node.lineno
            for node in ast.walk(module.tree)
            if (isinstance(node, ast.Name) and node.id == "power")
            or (isinstance(node, ast.Attribute) and node.attr == "power")
            or (isinstance(node, ast.arg | ast.keyword) and node.arg == "power")
        }
        found += [f"{module.name}:{line}" for line in sorted(lines)]
    return found


def forwarded_keywords(modules: list[Module]) -> list[str]:
    """Return the calls that pass a function's own ``**keywords`` on."""
    return [
        f"{module.name}:{call.lineno}"
        for module in modules
        for function in functions(module.tree)
        if function.args.kwarg
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg is None
        and isinstance(keyword.value, ast.Name)
        and keyword.value.id == function.args.kwarg.arg
    ]


def field_lists(modules: list[Module]) -> list[str]:
    """Return the places that name most of a fit's fields."""
    return [
        f"{module.name}:{node.lineno}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef | ast.Call | ast.Dict | ast.Tuple | ast.List)
        and len(_listed(node) & FIT_FIELDS) >= MANY_FIELDS
    ]


def _listed(node: ast.AST) -> set[str]:
    match node:
        case ast.ClassDef(body=body):
            return {s.target.id for s in body
                    if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)}  # fmt: skip
        case ast.Call(keywords=keywords):
            return {k.arg for k in keywords if k.arg}
        case ast.Dict(keys=keys):
            return {k.value for k in keys
                    if isinstance(k, ast.Constant) and isinstance(k.value, str)}  # fmt: skip
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return {e.value for e in elements
                    if isinstance(e, ast.Constant) and isinstance(e.value, str)}  # fmt: skip
    return set()


def arrows(modules: list[Module], room: str) -> set[tuple[str, str]]:
    """Return the pairs of entries of a room of which the first imports the second."""
    names = {module.name for module in modules}
    package = modules[0].name.split(".")[0]
    start = f"{package}.{room}."
    found = set()
    for module in modules:
        if not module.name.startswith(start):
            continue
        here = module.name.removeprefix(start).split(".")[0]
        for target in module.imported:
            resolved = target if target in names else target.rpartition(".")[0]
            if resolved.startswith(start):
                there = resolved.removeprefix(start).split(".")[0]
                if there != here:
                    found.add((here, there))
    return found


def upward(modules: list[Module], room: str) -> set[tuple[str, str]]:
    """Return the arrows that lie on a cycle."""
    pairs = arrows(modules, room)
    reach = {start: {end for s, end in pairs if s == start} for start, _ in pairs}
    for _ in reach:
        reach = {
            start: ends | {far for end in ends for far in reach.get(end, set())}
            for start, ends in reach.items()
        }
    return {(a, b) for a, b in pairs if a in reach.get(b, set())}


def fan_out(modules: list[Module]) -> Counter[str]:
    """Return how many modules of the package each module imports."""
    names = {module.name for module in modules}
    counts: Counter[str] = Counter()
    for module in modules:
        if module.path.name != "__init__.py":
            targets = {t if t in names else t.rpartition(".")[0] for t in module.imported}
            counts[module.name] = len(targets - {module.name})
    return counts


def longest_function(modules: list[Module]) -> tuple[int, str]:
    """Return the lines of the longest function, its docstring aside, and its name."""
    return max(
        (_length(function), f"{module.name}.{function.name}")
        for module in modules
        for function in functions(module.tree)
    )


def _length(function: Function) -> int:
    first = function.body[0]
    text = (
        first.end_lineno - first.lineno + 1
        if ast.get_docstring(function) is not None and first.end_lineno
        else 0
    )
    return (function.end_lineno or function.lineno) - function.lineno + 1 - text


def counts(modules: list[Module]) -> dict[str, str]:
    """Return the table of one tree."""
    paths = [module.path for module in modules if module.path.name != "__init__.py"]
    base = Counter(path.name for path in paths)
    widest, lines = fan_out(modules).most_common(1)[0], longest_function(modules)
    hidden = [p for p in paths if p.name.startswith("_") and p.name != "__main__.py"]
    return {
        "files": str(len(modules)),
        f"private functions with {MANY_ARGUMENTS} or more arguments": str(
            len(crowded_functions(modules))
        ),
        "questions after the kind": str(len(kind_questions(modules))),
        "lines with `power` in estimation": str(len(power_lines(modules))),
        "keywords forwarded": str(len(forwarded_keywords(modules))),
        "places that list a fit's fields": str(len(field_lists(modules))),
        **{f"imports that run up, {room}": str(len(upward(modules, room))) for room in ROOMS},
        **{f"arrows between neighbours, {room}": str(len(arrows(modules, room))) for room in ROOMS},
        "base names that occur twice": str(sum(count > 1 for count in base.values())),
        "files with an underscore": str(len(hidden)),
        "largest fan-out": f"{widest[1]} ({widest[0]})",
        "longest function": f"{lines[0]} ({lines[1]})",
    }


def main(sources: list[str]) -> None:
    """Print the table of each tree, side by side, and what the last one still has."""
    trees = [read(Path(source)) for source in sources]
    tables = [counts(tree) for tree in trees]
    for line in tables[0]:
        print(f"{line:45}" + "   ".join(f"{table[line]:>8}" for table in tables))
    for find in (crowded_functions, kind_questions, power_lines, forwarded_keywords, field_lists):
        print(f"\n{find.__name__}: " + ", ".join(find(trees[-1])))


if __name__ == "__main__":
    main(sys.argv[1:] or ["src"])
