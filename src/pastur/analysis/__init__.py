"""One result for a whole model: every matrix fitted, everything else accounted for."""

from pastur.analysis._matrix.finding import Finding
from pastur.analysis._matrix.initial_values import InitialComparison, compare_with_initial
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.analysis._matrix.metrics import Metrics
from pastur.analysis._matrix.shuffled import Randomized
from pastur.analysis._model.analyze import analyze
from pastur.analysis._noise_test.result import MatrixNoiseTest, NoiseTest
from pastur.analysis._result.analysis import Analysis, AnalysisInterrupted

__all__ = [
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
]
