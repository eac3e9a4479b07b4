"""Appendix A of the paper: networks on Fashion-MNIST, and the spikes of their weights."""

from pastur.experiments.fashion_mnist._study.findings import LayerFindings
from pastur.experiments.fashion_mnist._study.growth import (
    Growth,
    growth,
    spike_panels,
    without_size_and_seed,
)
from pastur.experiments.fashion_mnist._study.network_record import EpochFindings, NetworkRecord
from pastur.experiments.fashion_mnist._study.trainings import read_records, run_fashion_mnist

__all__ = [
    "EpochFindings",
    "Growth",
    "LayerFindings",
    "NetworkRecord",
    "growth",
    "read_records",
    "run_fashion_mnist",
    "spike_panels",
    "without_size_and_seed",
]
