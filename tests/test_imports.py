"""`import pastur` is light: what it may load, found out in a fresh interpreter."""

import json
import subprocess
import sys
from pathlib import Path

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


def test_import_loads_nothing_heavy(modules: set[str]) -> None:
    assert modules & HEAVY == set()


def test_import_loads_no_part_of_scipy(modules: set[str]) -> None:
    assert scipy_parts(modules) <= SCIPY_ALLOWED


def test_import_loads_nothing_that_is_not_asked_for(modules: set[str]) -> None:
    assert "numpy" not in modules
    assert {m for m in modules if m.startswith("pastur.")} <= {
        "pastur._errors",
        "pastur._versions",
    }


@pytest.mark.parametrize("room", ["analysis", "ensembles", "estimation", "figures", "measures"])
def test_rooms_are_there_after_the_import(room: str) -> None:
    code = f"import pastur, sys; sys.exit(pastur.{room}.__name__ != 'pastur.{room}')"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "statement", ["from pastur import figures", "import pastur.figures", "from pastur import *"]
)
def test_figures_are_imported_in_every_way(statement: str) -> None:
    assert "pastur.figures" in loaded(statement)


def test_every_name_is_listed_before_it_is_loaded() -> None:
    code = (
        "import pastur; listed = set(dir(pastur)); assert set(pastur.__all__) <= listed;"
        "assert 'Atoms' not in vars(pastur); assert pastur.Atoms is pastur.Atoms;"
        "assert not hasattr(pastur, 'atoms')"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


ANALYSE = """
import numpy as np
from pastur.cli import main
rng = np.random.default_rng(0)
w = rng.normal(size=(60, 100)) + np.linalg.qr(rng.normal(size=(60, 30)))[0] @ rng.normal(
    size=(30, 100)
)
np.save({!r}, w)
main(["analyze", {!r}, "--json", {!r}, "--quiet"], standalone_mode=False)
"""


def test_an_analysis_loads_neither_scipy_nor_what_draws(tmp_path: Path) -> None:
    model = str(tmp_path / "w.npy")
    statement = f"exec({ANALYSE.format(model, model, str(tmp_path / 'w.json'))!r})"
    modules = loaded(statement)
    assert (tmp_path / "w.json").exists()
    assert "pastur.estimation._deconvolution.descent" in modules
    assert scipy_parts(modules) == set()
    unwanted = {"numpy.f2py", "numpy.testing", "pastur.figures", "pastur.report"}
    assert (HEAVY - {"click"} | unwanted) & modules == set()


def test_import_does_not_load_the_command_or_the_experiments(modules: set[str]) -> None:
    assert {"pastur.cli", "pastur.experiments"} & modules == set()


@pytest.mark.lengthy
def test_the_check_sees_what_is_loaded() -> None:
    """The sibling that must reject: a module that does load what is forbidden."""
    modules = loaded("import scipy.stats, click")
    assert not scipy_parts(modules) <= SCIPY_ALLOWED
    assert "click" in modules & HEAVY
