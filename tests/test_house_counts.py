"""The tools that measure the plan of the source find what is planted, and nothing else."""

from pathlib import Path

import house_counts
import pytest
import way_through

CLEAN = {
    "estimation/fit.py": "from pastur.estimation._kinds.contract import Kind\n\ndef fit(): ...\n",
    "estimation/_kinds/contract.py": "class Kind: ...\n",
    "estimation/__init__.py": "__all__ = ['fit']\n",
    "weights/open.py": "from pastur.weights._formats.npy import read\n",
    "weights/_formats/npy.py": "def read(): ...\n",
}
PLANTED = {
    "private functions with 8 or more arguments": (
        "models/a.py",
        "def private(a, b, c, d, e, *, f, g, h): ...\n",
    ),
    "questions after the kind": (
        "figures/a.py",
        "def draw(fit): return isinstance(fit, RectangularFit)\n",
    ),
    "lines with `power` in estimation": ("estimation/a.py", "def f(kind): return kind.power\n"),
    "keywords forwarded": ("cli.py", "def f(**options): return g(**options)\n"),
    "places that list a fit's fields": (
        "analysis/a.py",
        "ROW = ('sigma', 'edge', 'spikes', 'signal', 'growing', 'status')\n",
    ),
    "imports that run up, estimation": (
        "estimation/_kinds/a.py",
        "from pastur.estimation.fit import fit\n",
    ),
    "base names that occur twice": ("weights/fit.py", ""),
    "files with an underscore": ("weights/_axes.py", ""),
}
LENGTH = "longest function"


def _counted(folder: Path, files: dict[str, str]) -> dict[str, str]:
    for name, text in files.items():
        path = folder / "pastur" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return house_counts.counts(house_counts.read(folder))


def test_a_clean_tree_has_nothing(tmp_path: Path) -> None:
    found = _counted(tmp_path, CLEAN)
    assert {line: found[line] for line in PLANTED} == dict.fromkeys(PLANTED, "0")
    assert found["arrows between neighbours, weights"] == "1"


@pytest.mark.parametrize("line", PLANTED)
def test_what_is_planted_is_counted_in_its_own_line(line: str, tmp_path: Path) -> None:
    name, text = PLANTED[line]
    found = _counted(tmp_path, CLEAN | {name: text})
    counted = {other: found[other] for other in PLANTED if found[other] != "0"}
    # A cycle of two folders has two arrows on it.
    assert counted == {line: "2" if "run up" in line else "1"}


def test_a_long_function_is_named_without_its_docstring(tmp_path: Path) -> None:
    body = "def f():\n    '''One\n\n    Two\n    '''\n" + "    x = 1\n" * 30
    assert _counted(tmp_path, CLEAN | {"a.py": body})[LENGTH] == "31 (pastur.a.f)"


def test_a_folder_without_a_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds no package"):
        house_counts.read(tmp_path)


def test_a_way_counts_files_that_are_opened_again(tmp_path: Path) -> None:
    files = {
        "first.py": "def begin(f): f(); f(); return own()\ndef own(): return 1\n",
        "second.py": (
            "def one(): ...\ndef two(): ...\ndef three(): ...\n"
            "class Value:\n    def go(self): ...\n"
        ),
        "third.py": "def between(): ...\ndef again(): ...\n",
    }
    spaces: dict[str, dict[str, object]] = {}
    for name, text in files.items():
        path = tmp_path / name
        path.write_text(text, "utf-8")
        spaces[name] = {}
        exec(compile(text, str(path), "exec"), spaces[name])
    first, second, third = (spaces[name] for name in files)

    def call() -> None:
        first["begin"](second["one"])  # type: ignore[operator]
        third["between"]()  # type: ignore[operator]
        second["two"]()  # type: ignore[operator]
        second["three"]()  # type: ignore[operator]
        third["again"]()  # type: ignore[operator]
        second["Value"]().go()  # type: ignore[operator]

    way = way_through.follow(call, tmp_path)
    assert way.stations == (
        "first.py:begin",
        "second.py:one",
        "third.py:between",
        "second.py:two",
        "second.py:three",
        "third.py:again",
    )
    # Two stations in a row in one file are one stop.
    assert way.files == ("first.py", "second.py", "third.py", "second.py", "third.py")
    assert way.returns == 2
    assert way_through.follow(call, tmp_path, methods=True).returns == 3


def test_the_way_goes_into_the_page_between_its_marks() -> None:
    page = f"Before\n{way_through.BEGIN}\nold\n{way_through.END}\nAfter\n"
    new = way_through.page_with("new", page)
    assert new == f"Before\n{way_through.BEGIN}\nnew\n{way_through.END}\nAfter\n"
