"""Two states of a model, matrix by matrix: what was changed, and what of it stands out."""

from pastur.comparison._matrix.directions import Directions
from pastur.comparison._matrix.matrix_comparison import MatrixComparison
from pastur.comparison._matrix.sigma_change import SigmaChange
from pastur.comparison._model.compare import compare
from pastur.comparison._result.comparison import Comparison, ComparisonInterrupted

__all__ = [
    "Comparison",
    "ComparisonInterrupted",
    "Directions",
    "MatrixComparison",
    "SigmaChange",
    "compare",
]
