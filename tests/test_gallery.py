"""The gallery: each script shows its claim in a figure with intervals, and its claim can fail."""

import ast
import importlib
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

GALLERY = Path(__file__).parent.parent / "gallery"
SCRIPTS = {path.stem: path for path in sorted(GALLERY.rglob("*.py"))}
LINES = 80


@dataclass(frozen=True)
class Case:
    """What makes a script small, and what makes its claim wrong: old text and new."""

    small: dict[str, str]
    wrong: dict[str, str]
    needs: tuple[str, ...] = field(default=())


CASES = {
    "peche_transition": Case(
        small={"SIZE, DRAWS = 400, 20": "SIZE, DRAWS = 200, 10"},
        # Without the push of the noise.
        wrong={"(largest, model.outlier(theta))": "(largest, theta)"},
    ),
    "inside_the_bulk": Case(
        small={"SIZE, RANK, DRAWS = 1000, 32, 12": "SIZE, RANK, DRAWS = 600, 24, 6"},
        # The bulk keeps its shape.
        wrong={"exact = np.diff(mu1.cdf(bins))": "exact = -semicircle"},
    ),
    "spikes_at_finite_size": Case(
        small={"SIZE, DRAWS = 600, 12": "SIZE, DRAWS = 400, 4", "50, 100]": "50, 80]"},
        # The two predictions change places.
        wrong={"by_phi[k, j], by_law[k, j] =": "by_law[k, j], by_phi[k, j] ="},
    ),
}


@pytest.fixture(autouse=True)
def figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures stay in memory, and nothing is shown."""
    plt.close("all")
    plt.switch_backend("agg")
    monkeypatch.setattr(plt, "show", lambda: None)


def edited(source: str, *changes: dict[str, str]) -> str:
    """Return a source with texts replaced, each of which it has once."""
    for old, new in (pair for change in changes for pair in change.items()):
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    return source


def run(name: str, *changes: dict[str, str]) -> list[Figure]:
    """Run a script with changes, and return its figures."""
    for module in CASES[name].needs:
        pytest.importorskip(module)
    source = edited(SCRIPTS[name].read_text("utf-8"), *changes)
    exec(compile(source, SCRIPTS[name].name, "exec"), {"__name__": "__main__"})
    found = [plt.figure(number) for number in plt.get_fignums()]
    plt.close("all")
    return found


def has_intervals(figure: Figure) -> bool:
    """Whether a figure has error bars, bands or whiskers."""
    shown = [item for ax in figure.axes for item in (*ax.containers, *ax.collections)]
    return any(isinstance(item, (ErrorbarContainer, PolyCollection)) for item in shown)


def hidden_names(source: str) -> list[str]:
    """Return what a script takes of the package that is not among its public names."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "pastur":
            public = importlib.import_module(str(node.module)).__all__
            names += [alias.name for alias in node.names if alias.name not in public]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names if "pastur." in alias.name]
        elif isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            names.append(node.attr)
    return names


def test_every_script_has_a_case() -> None:
    assert set(SCRIPTS) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_scripts_are_short_and_open_with_the_claim(name: str) -> None:
    source = SCRIPTS[name].read_text("utf-8")
    assert len(source.splitlines()) < LINES
    _, line, claim, *_ = str(ast.get_docstring(ast.parse(source))).split("\n", 3)
    assert set(line) == {"="} and not claim
    assert "\n**Claim.** " in source
    assert hidden_names(source) == []
    # Figures follow the style of the reader.
    assert "rcParams" not in source and "style.use" not in source


def test_a_name_that_is_not_public_is_noticed() -> None:
    source = "from pastur.models import levels, DeformedWigner\nimport pastur.models\nfit._c\n"
    assert hidden_names(source) == ["levels", "pastur.models", "_c"]


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_claim_holds_and_is_shown_with_intervals(name: str) -> None:
    before = dict(matplotlib.rcParams)
    shown = run(name, CASES[name].small)
    assert shown and all(map(has_intervals, shown[-1:]))
    assert dict(matplotlib.rcParams) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_wrong_claim_is_noticed(name: str) -> None:
    with pytest.raises(AssertionError):
        run(name, CASES[name].small, CASES[name].wrong)


def test_a_figure_without_intervals_is_noticed() -> None:
    figure, ax = plt.subplots()
    ax.plot([0, 1], [0, 1])
    assert not has_intervals(figure)
    ax.errorbar([0, 1], [0, 1], [0.1, 0.1])
    assert has_intervals(figure)
