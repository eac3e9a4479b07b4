"""The trained network that comes with the package."""

from importlib.resources import files
from pathlib import Path

_FILE_NAME = "fashion_mnist_300.safetensors"


def shipped_network_path() -> Path:
    """Return the path of the trained network that comes with the package.

    A network 784×300, 300×300, 300×10 with the absolute value as activation, trained on
    Fashion-MNIST; weights and biases of its three layers, ``fc1``, ``fc2`` and ``fc3``, and
    ``fc2.weight.initial``, the middle matrix before training. The file's metadata says how it was
    made and which command reproduces it.

    Returns
    -------
    Path
        A safetensors file.

    Examples
    --------
    >>> shipped_network_path().name
    'fashion_mnist_300.safetensors'
    """
    return Path(str(files("pastur.datasets").joinpath(_FILE_NAME)))
