"""Matrices made of signal plus noise, W = R/√N + S, when the signal's rank grows with the size.

What does the spectrum of W look like, and what can be inferred about S when only W is observed?
Measures and models answer the first question, estimation and analysis the second.

>>> import pastur
>>> law = pastur.MarchenkoPastur(ratio=0.25, sigma=1.0)
>>> law.support
array([[0.25, 2.25]])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pastur._errors import PasturError
from pastur._versions import __version__

if TYPE_CHECKING:
    from pastur import figures
    from pastur.analysis import Analysis, Finding, analyze
    from pastur.citations import cite
    from pastur.comparison import Comparison, compare
    from pastur.compression import (
        CompressionPlan,
        apply_compression,
        denoise_model,
        plan_compression,
    )
    from pastur.ensembles import (
        sample_gaussian,
        sample_goe,
        sample_gue,
        sample_spiked_outliers,
        sample_spiked_singular_values,
        sample_wigner,
    )
    from pastur.estimation import (
        Fit,
        LawFreeTests,
        Verdict,
        biwhiten,
        denoise_patches,
        fit_counts,
        fit_incomplete,
        fit_operator,
        fit_rectangular,
        fit_symmetric,
        law_free_tests,
    )
    from pastur.measures import (
        Atoms,
        Density,
        Empirical,
        GridDensity,
        MarchenkoPastur,
        Measure,
        ProbabilityMeasure,
        Semicircle,
        TracyWidom,
        Uniform,
    )
    from pastur.models import (
        DeformedWigner,
        InformationPlusNoise,
        SpikedModel,
        predict_eigenvalues,
        predict_singular_values,
    )
    from pastur.report import write_comparison, write_plan, write_report

__all__ = [
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
]

# Each name is loaded when it is first used: a command needs few of them, and `--help` none.
_HOMES = {
    "analysis": ("Analysis", "Finding", "analyze"),
    "citations": ("cite",),
    "comparison": ("Comparison", "compare"),
    "compression": (
        "CompressionPlan",
        "apply_compression",
        "denoise_model",
        "plan_compression",
    ),
    "ensembles": (
        "sample_gaussian",
        "sample_goe",
        "sample_gue",
        "sample_spiked_outliers",
        "sample_spiked_singular_values",
        "sample_wigner",
    ),
    "estimation": (
        "Fit",
        "LawFreeTests",
        "Verdict",
        "biwhiten",
        "denoise_patches",
        "fit_counts",
        "fit_incomplete",
        "fit_operator",
        "fit_rectangular",
        "fit_symmetric",
        "law_free_tests",
    ),
    "figures": (),
    "measures": (
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
    ),
    "models": (
        "DeformedWigner",
        "InformationPlusNoise",
        "SpikedModel",
        "predict_eigenvalues",
        "predict_singular_values",
    ),
    "report": ("write_comparison", "write_plan", "write_report"),
    "torch": (),
    "weights": (),
}
_HOME = {name: package for package, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return import_module(f"pastur.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'pastur' has no attribute {name!r}")
    value = getattr(import_module(f"pastur.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_HOMES})
