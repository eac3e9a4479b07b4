"""Plain functions that draw results with matplotlib; each returns the axes that it drew on."""

import warnings
from typing import Any

from pastur.estimation._curves import Histogram, histogram, law_curve, law_name
from pastur.figures._plots.outlier_map import law_figure, plot_outlier_map
from pastur.figures._plots.plot_analysis import plot_analysis
from pastur.figures._plots.plot_fit import plot_fit
from pastur.figures._plots.plot_law import plot_law
from pastur.figures._plots.plot_noise_test import plot_noise_test
from pastur.figures._plots.plot_outlier_measure import plot_outlier_measure
from pastur.figures._plots.plot_panels import Panel, Series, panels_figure, plot_panel
from pastur.figures._plots.plot_scree import plot_scree
from pastur.figures._plots.plot_theorem_2_2 import plot_theorem_2_2, theorem_figure
from pastur.measures._contract.curve import density_curve

__all__ = [
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
]


def __getattr__(name: str) -> Any:
    if name not in ("LOOKS", "Look"):
        raise AttributeError(f"module 'pastur.figures' has no attribute {name!r}")
    warnings.warn(
        f"`pastur.figures.{name}` is deprecated: `pastur.Finding` has the colour, the marker and "
        "whether it is filled.",
        DeprecationWarning,
        stacklevel=2,
    )
    from pastur.figures._plots import looks

    return getattr(looks, name)
