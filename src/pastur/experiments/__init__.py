"""Experiments: the paper's claims tested by Monte Carlo, and networks whose W_initial is known."""

from pastur.experiments._assumptions import AssumptionReport, Trend, check_assumptions
from pastur.experiments._claim import Claim, Finding, Judgement
from pastur.experiments._config import TrainingConfig
from pastur.experiments._network import initial_parameters, predict
from pastur.experiments._save import save_network
from pastur.experiments._training import TrainedNetwork, train_network
from pastur.experiments._verify import ClaimResult, Verification, verify
from pastur.experiments.claims import CLAIMS
from pastur.experiments.fashion_mnist import (
    NetworkRecord,
    growth,
    read_records,
    run_fashion_mnist,
    spike_panels,
)

__all__ = [
    "CLAIMS",
    "AssumptionReport",
    "Claim",
    "ClaimResult",
    "Finding",
    "Judgement",
    "NetworkRecord",
    "TrainedNetwork",
    "TrainingConfig",
    "Trend",
    "Verification",
    "check_assumptions",
    "growth",
    "initial_parameters",
    "predict",
    "read_records",
    "run_fashion_mnist",
    "save_network",
    "spike_panels",
    "train_network",
    "verify",
]
