"""Data that the examples and experiments run on: Fashion-MNIST from disk, the shipped network."""

from pastur.datasets._sources.fashion_mnist import FashionMnist, load_fashion_mnist
from pastur.datasets._sources.shipped import shipped_network_path

__all__ = ["FashionMnist", "load_fashion_mnist", "shipped_network_path"]
