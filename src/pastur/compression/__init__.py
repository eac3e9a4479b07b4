"""Smaller models: a plan that can be read and edited, then a checkpoint written after it."""

from pastur.compression._collecting.collect_inputs import collect_inputs
from pastur.compression._inputs.moments import InputAxes, InputMoments, LayerInputs
from pastur.compression._plan.matrix_plan import Action, Choice, Form, MatrixPlan
from pastur.compression._plan.prediction import Prediction
from pastur.compression._plan.whole_plan import CompressionPlan
from pastur.compression._planning.plan_compression import plan_compression
from pastur.compression._sensitivities.sensitivities import MatrixSensitivity, Sensitivities
from pastur.compression._source.read_compressed import read_compressed
from pastur.compression._writing.apply_compression import Compressed, apply_compression
from pastur.compression.denoising import Denoised, denoise_model

__all__ = [
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
]
