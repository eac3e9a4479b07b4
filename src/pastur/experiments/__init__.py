"""Experiments: the paper's claims tested by Monte Carlo, and networks whose W_initial is known."""

from pastur.experiments._training.configuration import TrainingConfig
from pastur.experiments._training.network import initial_parameters, predict
from pastur.experiments._training.saved_network import save_network
from pastur.experiments._training.train import TrainedNetwork, train_network
from pastur.experiments.claims import CLAIMS
from pastur.experiments.claims._statements.own_measures import TheoremSample, sample_theorems
from pastur.experiments.claims._testing.assumption_checks import (
    AssumptionReport,
    Trend,
    assumption_panels,
    check_assumptions,
)
from pastur.experiments.claims._testing.claim import Claim, Finding, Judgement
from pastur.experiments.claims._testing.verification import (
    ClaimResult,
    Verification,
    verify,
    verify_measures,
)
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
    "TheoremSample",
    "TrainedNetwork",
    "TrainingConfig",
    "Trend",
    "Verification",
    "assumption_panels",
    "check_assumptions",
    "growth",
    "initial_parameters",
    "predict",
    "read_records",
    "run_fashion_mnist",
    "sample_theorems",
    "save_network",
    "spike_panels",
    "train_network",
    "verify",
    "verify_measures",
]
