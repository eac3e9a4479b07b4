"""The verdict on types must not depend on which optional packages are installed.

mypy takes every optional package for `Any`, whether it is there or not: the list is in
pyproject.toml, and is compared here with what the package declares and imports.
"""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
OVERRIDES = PROJECT["tool"]["mypy"]["overrides"]
OPTIONAL = next(o for o in OVERRIDES if o.get("follow_imports") == "skip")
UNTYPED = next(o for o in OVERRIDES if "follow_imports" not in o)
# Packages that are imported under another name than they are installed by.
IMPORTED_AS = {"scikit-learn": "sklearn"}
# Comes with Jinja2, and with no extra.
WITH_OTHERS = {"markupsafe"}


def import_name(requirement: str) -> str:
    """Name to import for a requirement such as `ml-dtypes>=0.5`."""
    name = re.split(r"[^\w.-]", requirement)[0].lower()
    return IMPORTED_AS.get(name, name.replace("-", "_"))


def listed(override: dict[str, Any]) -> set[str]:
    """Top-level names of an override's modules."""
    return {pattern.removesuffix(".*") for pattern in override["module"]}


def required() -> set[str]:
    return {import_name(r) for r in PROJECT["project"]["dependencies"]} | WITH_OTHERS


def imported(folder: Path) -> set[str]:
    """Top-level names of everything imported under `folder`, inside functions as well."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).split(".")[0])
    return found - sys.stdlib_module_names - {"pastur"}


def test_every_extra_is_in_the_list() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    declared = {import_name(r) for name, rs in extras.items() if name != "test" for r in rs}
    assert declared
    assert declared <= listed(OPTIONAL)


def test_everything_imported_is_required_or_in_the_list() -> None:
    names = imported(ROOT / "src" / "pastur")
    assert {"numpy", "scipy", "torch", "onnx"} <= names
    assert names <= required() | listed(OPTIONAL)


def test_nothing_is_both_required_and_optional() -> None:
    assert required() & listed(OPTIONAL) == set()
    tests_need = {import_name(r) for r in PROJECT["project"]["optional-dependencies"]["test"]}
    assert listed(UNTYPED) <= required() | tests_need


def test_optional_packages_are_any_and_unused_ignores_are_errors() -> None:
    assert OPTIONAL["follow_imports_for_stubs"]
    assert OPTIONAL["ignore_missing_imports"]
    assert PROJECT["tool"]["mypy"]["strict"]
    assert "warn_unused_ignores" not in PROJECT["tool"]["mypy"]


@pytest.mark.lengthy
@pytest.mark.parametrize("installed", [False, True])
def test_mypy_gives_one_verdict_with_and_without_an_optional_package(
    tmp_path: Path, installed: bool
) -> None:
    """A stand-in for torch with types, one of which would be an error if mypy followed it."""
    if installed:
        stand_in = tmp_path / "torch"
        stand_in.mkdir()
        (stand_in / "__init__.pyi").write_text("class Tensor: ...\n", "utf-8")
    source = "import torch\n\ndef f() -> int:\n    return torch.Tensor().no_such_method()\n"
    (tmp_path / "small.py").write_text(source, "utf-8")
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        ROOT / "pyproject.toml",
    ]
    done = subprocess.run(
        [*command, "--cache-dir", tmp_path / "cache", "small.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "no_such_method" not in done.stdout
    assert done.stdout.count("[no-any-return]") == 1
    assert "Found 1 error" in done.stdout
