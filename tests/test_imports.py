"""`import pastur` is light: what it may load, found out in a fresh interpreter."""

import json
import subprocess
import sys

import pytest

LIST_MODULES = "import json, sys; {}; print(json.dumps(sorted(sys.modules)))"
# SciPy loads its parts when they are asked for.
SCIPY_ALLOWED: set[str] = set()
# Each is imported inside the functions that need it.
HEAVY = {
    "click",
    "dask",
    "jinja2",
    "joblib",
    "keras",
    "matplotlib",
    "onnx",
    "pandas",
    "plotly",
    "rich",
    "sklearn",
    "torch",
}


def loaded(statement: str) -> set[str]:
    """Modules that a fresh interpreter holds after `statement`, without those it starts with."""
    listed = []
    for code in ("pass", statement):
        command = [sys.executable, "-c", LIST_MODULES.format(code)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        assert done.stderr == ""
        listed.append(set(json.loads(done.stdout)))
    return listed[1] - listed[0]


def scipy_parts(modules: set[str]) -> set[str]:
    """Public subpackages of SciPy among `modules`."""
    parts = {m.split(".")[1] for m in modules if m.startswith("scipy.")}
    return {p for p in parts if not p.startswith("_")} - {"version"}


@pytest.fixture(scope="module")
def modules() -> set[str]:
    return loaded("import pastur")


def test_import_loads_nothing_heavy(modules):
    assert modules & HEAVY == set()


def test_import_loads_no_part_of_scipy(modules):
    assert scipy_parts(modules) <= SCIPY_ALLOWED


def test_import_brings_the_figures_along(modules):
    assert {"numpy", "pastur.figures", "pastur.measures"} <= modules


def test_import_does_not_load_the_command_or_the_experiments(modules):
    assert {"pastur.cli", "pastur.experiments"} & modules == set()


def test_the_check_sees_what_is_loaded():
    """The sibling that must reject: a module that does load what is forbidden."""
    modules = loaded("import scipy.stats, click")
    assert not scipy_parts(modules) <= SCIPY_ALLOWED
    assert "click" in modules & HEAVY
