"""The gallery: each script shows its claim in a figure with intervals, and its claim can fail."""

import ast
import importlib
from dataclasses import dataclass
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
    needs: tuple[str, ...] = ()


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
        small={"SIZE, DRAWS = 600, 12": "SIZE, DRAWS = 400, 12", "6, 12, 25, 50, 100": "80"},
        # The two predictions change places.
        wrong={"by_phi[k, j], by_law[k, j] =": "by_law[k, j], by_phi[k, j] ="},
    ),
    "outliers_at_a_billion": Case(
        small={"DRAWS = 300": "DRAWS = 100", "np.arange(3, 10)": "np.arange(3, 10, 3)"},
        # Deviations of complex noise.
        wrong={"theory = model.fluctuation": "theory = 0.7 * model.fluctuation"},
    ),
    "spikes_in_a_gap": Case(
        small={"SIZE, DRAWS = 401, 20": "SIZE, DRAWS = 401, 6"},
        wrong={"zip(place, (model.outlier(theta),": "zip(place, (theta,"},
    ),
    "noise_level_at_growing_rank": Case(
        small={
            "SHAPE, DRAWS = (200, 400), 6": "SHAPE, DRAWS = (200, 400), 3",
            "10, 20, 40, 60, ": "",
        },
        # Any rule will do.
        wrong={"fit_rectangular(singular_values=s, shape=SHAPE)": "baselines.mp_pca(s, SHAPE)"},
    ),
    "uneven_variances": Case(
        small={"(100, 200), 3, 8": "(100, 200), 3, 3", "1.0, 1.5, 2.0, 3.0, 5.0": "1.0, 5.0"},
        wrong={'("white", "profile")]': '("white", "white")]'},
    ),
    "no_law_fits": Case(
        small={"DRAWS = (150, 300), 200": "DRAWS = (150, 300), 50"},
        # What is planted is a tenth stronger than it says.
        wrong={"u @ np.diag(strengths)": "1.1 * u @ np.diag(strengths)"},
    ),
    "image_stack": Case(
        small={"= 40, 3": "= 40, 1", "18:354:6, 60:384:6": "18:354:12, 60:384:12"},
        # The noise is the same everywhere.
        wrong={"abs(np.mean(sigma / level) - 1)": "abs(np.mean(sigma / level.min()) - 1)"},
        needs=("sklearn",),
    ),
    "count_matrix": Case(
        small={"300, 600, 8": "150, 300, 3", "1, 2, 3, 5, 8": "1, 3"},
        wrong={"fit_rectangular(counts).rank, fit.rank": "fit.rank, fit_rectangular(counts).rank"},
    ),
    "returns": Case(
        small={"ASSETS, DRAWS = 100, 20": "ASSETS, DRAWS = 100, 5", "150, 200, 300, ": ""},
        wrong={"for covariance in estimates]": "for covariance in estimates[::-1]]"},
        needs=("sklearn",),
    ),
    "trained_network": Case(
        small={"DRAWS = 8": "DRAWS = 5"},
        wrong={"start, *trained = names": "start, *trained = names[::-1]"},
    ),
    "compression_curves": Case(
        small={
            "IMAGES = 1797": "IMAGES = 300",
            "(2, 3, 4, 5, 6)": "(4, 5, 6)",
            "(2, 3, 4, 5)]": "(2, 3)]",
            "(0.15, 0.2, 0.3, 0.4, 0.6)": "(0.15, 0.2)",
        },
        wrong={"rounded, split, cut =": "cut, split, rounded ="},
        needs=("sklearn",),
    ),
}


@pytest.fixture(autouse=True)
def figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures stay in memory, and nothing is shown."""
    plt.close("all")
    plt.switch_backend("agg")
    monkeypatch.setattr(plt, "show", lambda: None)


def source_of(name: str) -> str:
    """Return the text of a script, if what it needs is installed."""
    for module in CASES[name].needs:
        pytest.importorskip(module)
    return SCRIPTS[name].read_text("utf-8")


def edited(source: str, *changes: dict[str, str]) -> str:
    """Return a source with texts replaced, each of which it has once."""
    for old, new in (pair for change in changes for pair in change.items()):
        # Not an assertion: those are what claims fail by.
        if source.count(old) != 1:
            raise ValueError(f"{old!r} is there {source.count(old)} times")
        source = source.replace(old, new)
    return source


def run(name: str, *changes: dict[str, str]) -> list[Figure]:
    """Run a script with changes, and return its figures."""
    source = edited(source_of(name), *changes)
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


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_scripts_are_short_and_open_with_the_claim(name: str) -> None:
    source = source_of(name)
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
