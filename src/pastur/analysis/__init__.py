"""One result for a whole model: every matrix fitted, everything else accounted for."""

from pastur.analysis._analyze import analyze
from pastur.analysis._finding import Finding
from pastur.analysis._initial import InitialComparison, compare_with_initial
from pastur.analysis._matrix import MatrixAnalysis
from pastur.analysis._metrics import Metrics
from pastur.analysis._randomized import Randomized
from pastur.analysis._result import Analysis

__all__ = [
    "Analysis",
    "Finding",
    "InitialComparison",
    "MatrixAnalysis",
    "Metrics",
    "Randomized",
    "analyze",
    "compare_with_initial",
]
