"""Writing a trained network, with the story of how it was made, to a safetensors file."""

import json
import os
from pathlib import Path

from pastur._files import write_whole
from pastur.experiments._training.train import MOMENTUM, TrainedNetwork


def save_network(
    network: TrainedNetwork, path: str | os.PathLike[str], *, command: str | None = None
) -> Path:
    """Write a trained network to a safetensors file.

    The tensors are its weights and biases, and ``fc2.weight.initial``, the middle matrix before
    training; the metadata states how it was made. Equal networks give equal files, byte for byte.
    The file appears whole or not at all.

    Parameters
    ----------
    network : TrainedNetwork
    path : path
        Replaced if it exists.
    command : str, optional
        The command that makes this file again, for the metadata.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    FileAccessError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from safetensors.numpy import load_file
    >>> from pastur.datasets import FashionMnist
    >>> from pastur.experiments import TrainingConfig, train_network
    >>> images, labels = np.zeros((20, 28, 28), np.uint8), np.zeros(20, np.uint8)
    >>> data = FashionMnist(images, labels, images, labels)
    >>> network = train_network(TrainingConfig(size=10, epochs=1), data=data)
    >>> path = save_network(network, f"{tempfile.mkdtemp()}/network.safetensors")
    >>> sorted(name for name in load_file(path) if "fc2" in name)
    ['fc2.bias', 'fc2.weight', 'fc2.weight.initial']
    """
    from safetensors.numpy import save

    tensors = {**network.parameters, "fc2.weight.initial": network.initial_middle}
    metadata = describe(network)
    if command is not None:
        metadata["command"] = command
    target = Path(path)
    write_whole(target, _sort_metadata(save(tensors, metadata=metadata)))
    return target


def describe(network: TrainedNetwork) -> dict[str, str]:
    """Return how a network was made, as the strings that safetensors metadata takes."""
    config = network.config
    size = config.size
    activations = {
        "absolute": "absolute value",
        "relu": "positive part",
        "tanh": "hyperbolic tangent",
    }
    weights = {
        "gaussian": "Gaussian weights of variance 1/inputs",
        "he": "Gaussian weights of variance 2/inputs",
        "uniform": "weights uniform on ±1/√inputs",
    }
    optimizers = {
        "sgd": f"stochastic gradient descent, momentum {MOMENTUM}",
        "adam": "Adam, beta 0.9 and 0.999",
    }
    return {
        "data": "Fashion-MNIST (Xiao, Rasul and Vollgraf, arXiv:1708.07747), 60000 training images",
        "input": "grey values / 255",
        "architecture": f"784×{size}, {size}×{size}, {size}×10, with biases; "
        "each weight is outputs × inputs",
        "activation": activations[config.activation],
        "initialization": f"{weights[config.initialization]}, biases 0; "
        "fc2.weight.initial is fc2.weight before training",
        "loss": "cross-entropy",
        "epochs": str(config.epochs),
        "optimizer": optimizers[config.optimizer],
        "learning_rate": str(config.learning_rate),
        "batch_size": str(config.batch_size),
        "weight_decay": str(config.weight_decay),
        "seed": str(config.seed),
        "test_accuracy": str(network.test_accuracy),
        **{f"version_{name}": version for name, version in network.versions.items()},
    }


def _sort_metadata(content: bytes) -> bytes:
    """Sort the metadata of a safetensors file, which its writer leaves in random order."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    # The format wants the data to begin at a multiple of eight bytes.
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + size :]
