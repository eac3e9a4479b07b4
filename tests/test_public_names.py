"""The public names, written down: a name that comes or goes is a decision, not an accident."""

import importlib
import inspect
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import pastur

ROOT = Path(__file__).parent.parent

PUBLIC = {
    "pastur": [
        "Analysis",
        "Atoms",
        "Comparison",
        "CompressionPlan",
        "DeformedWigner",
        "Density",
        "Empirical",
        "Finding",
        "Fit",
        "GridDensity",
        "InformationPlusNoise",
        "LawFreeTests",
        "MarchenkoPastur",
        "Measure",
        "PasturError",
        "ProbabilityMeasure",
        "Semicircle",
        "SpikedModel",
        "TracyWidom",
        "Uniform",
        "Verdict",
        "__version__",
        "analyze",
        "apply_compression",
        "biwhiten",
        "cite",
        "compare",
        "denoise_model",
        "denoise_patches",
        "figures",
        "fit_counts",
        "fit_incomplete",
        "fit_operator",
        "fit_rectangular",
        "fit_symmetric",
        "law_free_tests",
        "plan_compression",
        "predict_eigenvalues",
        "predict_singular_values",
        "sample_gaussian",
        "sample_goe",
        "sample_gue",
        "sample_spiked_outliers",
        "sample_spiked_singular_values",
        "sample_wigner",
        "write_comparison",
        "write_plan",
        "write_report",
    ],
    "pastur.citations": ["Reference", "References", "cite"],
    "pastur.datasets": ["FashionMnist", "load_fashion_mnist", "shipped_network_path"],
    "pastur.measures": [
        "Atoms",
        "Density",
        "Empirical",
        "GridDensity",
        "MarchenkoPastur",
        "Measure",
        "ProbabilityMeasure",
        "Semicircle",
        "TracyWidom",
        "Uniform",
        "parse_measure",
    ],
    "pastur.ensembles": [
        "OutlierSample",
        "sample_gaussian",
        "sample_goe",
        "sample_gue",
        "sample_spiked_outliers",
        "sample_spiked_singular_spectrum",
        "sample_spiked_singular_values",
        "sample_spiked_spectrum",
        "sample_wigner",
    ],
    "pastur.weights": [
        "Matrix",
        "Skipped",
        "TensorInfo",
        "Weights",
        "iter_matrices",
        "open_weights",
    ],
    "pastur.models": [
        "DeformedWigner",
        "Description",
        "EdgeScale",
        "EdgeTable",
        "InformationPlusNoise",
        "MatrixUnits",
        "OutlierTable",
        "SignalSequence",
        "SpikeTable",
        "SpikedModel",
        "law_of_squares",
        "outlier_table",
        "predict_eigenvalues",
        "predict_singular_values",
        "sample_outliers",
    ],
    "pastur.estimation": [
        "Biwhitened",
        "CountFit",
        "DenoisedPatches",
        "Fit",
        "Goodness",
        "IncompleteFit",
        "LawFreeTests",
        "PartialSpectrum",
        "RectangularFit",
        "Status",
        "SymmetricFit",
        "Verdict",
        "baselines",
        "biwhiten",
        "denoise_patches",
        "fit_counts",
        "fit_incomplete",
        "fit_operator",
        "fit_rectangular",
        "fit_symmetric",
        "law_free_tests",
    ],
    "pastur.analysis": [
        "Analysis",
        "AnalysisInterrupted",
        "Finding",
        "InitialComparison",
        "MatrixAnalysis",
        "MatrixNoiseTest",
        "Metrics",
        "NoiseTest",
        "Randomized",
        "analyze",
        "compare_with_initial",
    ],
    "pastur.comparison": [
        "Comparison",
        "ComparisonInterrupted",
        "Directions",
        "MatrixComparison",
        "SigmaChange",
        "compare",
    ],
    "pastur.compression": [
        "Action",
        "Choice",
        "Compressed",
        "CompressionPlan",
        "Denoised",
        "Form",
        "InputAxes",
        "InputMoments",
        "LayerInputs",
        "MatrixPlan",
        "MatrixSensitivity",
        "Prediction",
        "Sensitivities",
        "apply_compression",
        "collect_inputs",
        "denoise_model",
        "plan_compression",
        "read_compressed",
    ],
    "pastur.figures": [
        "Histogram",
        "Panel",
        "Series",
        "density_curve",
        "histogram",
        "law_curve",
        "law_figure",
        "law_name",
        "panels_figure",
        "plot_analysis",
        "plot_fit",
        "plot_law",
        "plot_noise_test",
        "plot_outlier_map",
        "plot_outlier_measure",
        "plot_panel",
        "plot_scree",
        "plot_theorem_2_2",
        "theorem_figure",
    ],
    "pastur.report": ["write_comparison", "write_plan", "write_report"],
    "pastur.experiments": [
        "CLAIMS",
        "AssumptionReport",
        "Claim",
        "ClaimResult",
        "Finding",
        "Judgement",
        "NetworkRecord",
        "TheoremSample",
        "TrainedNetwork",
        "TrainingConfig",
        "Trend",
        "Verification",
        "assumption_panels",
        "check_assumptions",
        "growth",
        "initial_parameters",
        "predict",
        "read_records",
        "run_fashion_mnist",
        "sample_theorems",
        "save_network",
        "spike_panels",
        "train_network",
        "verify",
        "verify_measures",
    ],
    "pastur.torch": [
        "MPPruning",
        "PrunedLayer",
        "PruningAction",
        "PruningStep",
        "attribute_loss",
        "collect_inputs",
        "compress",
        "load_compressed",
        "measure_sensitivities",
        "noise_test",
    ],
    "pastur.sklearn": ["SpikedCovariance", "SpikedPCA"],
    "pastur.cli": ["main"],
}


def loaded(module: str) -> ModuleType:
    if module == "pastur.sklearn":
        pytest.importorskip("sklearn")
    return importlib.import_module(module)


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_are_these(module: str) -> None:
    assert sorted(loaded(module).__all__) == sorted(PUBLIC[module])


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_there_and_documented(module: str) -> None:
    for name in PUBLIC[module]:
        value = getattr(loaded(module), name)
        if inspect.isclass(value) or inspect.isfunction(value) or inspect.ismodule(value):
            assert inspect.getdoc(value), name


def test_every_room_is_listed() -> None:
    rooms = {
        f"pastur.{path.parent.name}"
        for path in (ROOT / "src" / "pastur").glob("*/__init__.py")
        if not path.parent.name.startswith("_")
    }
    assert rooms == set(PUBLIC) - {"pastur"}


def test_names_at_the_top_are_those_of_the_rooms() -> None:
    for name in set(PUBLIC["pastur"]) - {"PasturError", "__version__", "figures"}:
        # A claim has findings of its own.
        below = {"pastur", "pastur.experiments"}
        homes = [room for room, names in PUBLIC.items() if name in names and room not in below]
        assert len(homes) == 1
        assert getattr(pastur, name) is getattr(importlib.import_module(homes[0]), name)


def test_only_names_and_rooms_are_listed() -> None:
    rooms = {room.removeprefix("pastur.") for room in PUBLIC if room != "pastur"}
    assert set(PUBLIC["pastur"]) <= set(dir(pastur)) <= set(PUBLIC["pastur"]) | rooms


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert pastur.__version__ == project["version"]


@pytest.mark.parametrize("module", PUBLIC)
def test_arguments_after_the_second_are_keyword_only(module: str) -> None:
    """Functions take one or two arguments by position; classes their parameters.

    One takes three: what is done, from where, to where.
    """
    for name in PUBLIC[module]:
        value = getattr(loaded(module), name)
        if inspect.isfunction(value):
            kinds = [p.kind for p in inspect.signature(value).parameters.values()]
            most = 3 if name == "apply_compression" else 2
            assert kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD) <= most, f"{module}.{name}"


# The command, whose page is made from its options.
WITHOUT_EXAMPLE = {"pastur.cli": {"main"}}


@pytest.mark.parametrize("package", [name for name in PUBLIC if name != "pastur.sklearn"])
def test_every_public_name_has_an_example(package: str) -> None:
    """The examples themselves run as tests."""
    module = importlib.import_module(package)
    values = {name: getattr(module, name) for name in module.__all__}
    # From Python 3.13 on docstrings have no indentation.
    documented = {
        n: inspect.cleandoc(str(value.__doc__)) for n, value in values.items() if callable(value)
    }
    without = {name for name, text in documented.items() if "\n>>> " not in text}
    assert without == WITHOUT_EXAMPLE.get(package, set())
