"""Plain functions that draw results with matplotlib; each returns the axes that it drew on."""

from pastur.figures._analysis import plot_analysis
from pastur.figures._fit import plot_fit
from pastur.figures._looks import LOOKS, Look
from pastur.figures._spectrum import Histogram, histogram, law_curve

__all__ = ["LOOKS", "Histogram", "Look", "histogram", "law_curve", "plot_analysis", "plot_fit"]
