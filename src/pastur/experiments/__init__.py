"""Experiments on real data: networks trained here, so that their W_initial is known."""

from pastur.experiments._config import TrainingConfig
from pastur.experiments._network import initial_parameters, predict
from pastur.experiments._save import save_network
from pastur.experiments._training import TrainedNetwork, train_network

__all__ = [
    "TrainedNetwork",
    "TrainingConfig",
    "initial_parameters",
    "predict",
    "save_network",
    "train_network",
]
