"""Weights of trained models: any checkpoint in, named matrices out, and a reason for the rest."""

from pastur.weights.matrices import Matrix, Skipped, iter_matrices
from pastur.weights.open import open_weights
from pastur.weights.tensors import TensorInfo, Weights

__all__ = ["Matrix", "Skipped", "TensorInfo", "Weights", "iter_matrices", "open_weights"]
