"""Forward models: from the law of the signal and the noise level to what the matrix shows."""

from pastur.models._description.description import Description, EdgeTable, SpikeTable
from pastur.models._description.matrix_units import MatrixUnits
from pastur.models._description.squares import law_of_squares
from pastur.models.deformed_wigner import DeformedWigner
from pastur.models.edge_scale import EdgeScale
from pastur.models.information_plus_noise import InformationPlusNoise
from pastur.models.outlier_table import OutlierTable, outlier_table
from pastur.models.predictions import predict_eigenvalues, predict_singular_values
from pastur.models.sample_outliers import sample_outliers
from pastur.models.signal_sequence import SignalSequence
from pastur.models.spiked import SpikedModel

__all__ = [
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
]
