"""Experiments: the paper's claims tested by Monte Carlo, and networks whose W_initial is known."""

from pastur.experiments._training.configuration import TrainingConfig
from pastur.experiments._training.network import initial_parameters, predict
from pastur.experiments._training.saved_network import save_network
from pastur.experiments._training.train import TrainedNetwork, train_network
from pastur.experiments.claims import CLAIMS
from pastur.experiments.claims._testing.assumption_checks import (
    AssumptionReport,
    Trend,
    check_assumptions,
)
from pastur.experiments.claims._testing.claim import Claim, Finding, Judgement
from pastur.experiments.claims._testing.verification import ClaimResult, Verification, verify
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
