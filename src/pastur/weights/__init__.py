"""Weights of trained models: any checkpoint in, named matrices out, and a reason for the rest."""

from pastur.weights._matrix import Matrix, Skipped, iter_matrices
from pastur.weights._open import open_weights
from pastur.weights._weights import TensorInfo, Weights

__all__ = ["Matrix", "Skipped", "TensorInfo", "Weights", "iter_matrices", "open_weights"]
