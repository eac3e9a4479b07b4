"""Training in torch: deterministic, on one thread, with the whole data set in memory."""

import math
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pastur._checks import missing_extra
from pastur.datasets import FashionMnist, load_fashion_mnist
from pastur.experiments._config import TrainingConfig
from pastur.experiments._network import (
    LAYERS,
    Parameters,
    image_order,
    initial_parameters,
    predict,
    scale_images,
)

MOMENTUM = 0.9

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A trained network and what is needed to train it again.

    Attributes
    ----------
    config : TrainingConfig
    parameters : dict of str to ndarray of float32
        Weights and biases after training.
    initial_middle : ndarray of float32, shape (N, N)
        The middle matrix ``fc2.weight`` before training.
    losses : tuple of float
        Mean cross-entropy, in nats, over the batches of each epoch, as met while training. A
        training that diverges stops after the first epoch whose loss is not finite.
    test_accuracy : float
        Share of the test images that get their class, 0 to 1; NaN if the training diverged.
    versions : dict of str to str
        What the bits depend on besides the configuration: Python, NumPy, torch, and the
        instruction set for which torch chose its kernels.
    """

    config: TrainingConfig
    parameters: Parameters
    initial_middle: npt.NDArray[np.float32]
    losses: tuple[float, ...]
    test_accuracy: float
    versions: dict[str, str]

    @property
    def diverged(self) -> bool:
        """Whether training ran away, so that the parameters mean nothing."""
        return math.isnan(self.test_accuracy)


def train_network(
    config: TrainingConfig, *, data: FashionMnist | None = None, progress: Progress | None = None
) -> TrainedNetwork:
    """Train a network 784×N, N×N, N×10 with biases on Fashion-MNIST.

    The activation is the absolute value and the loss the cross-entropy, as in (1.10) and Appendix
    A of the paper. Everything random comes from ``config.seed`` and torch runs on one thread, so
    that the same configuration on the same machine and versions gives the same bits.

    Parameters
    ----------
    config : TrainingConfig
    data : FashionMnist, optional
        By default what `pastur.datasets.load_fashion_mnist` finds.
    progress : callable, optional
        Called after each epoch with the number done, the number of all, and the epoch's loss in
        words.

    Returns
    -------
    TrainedNetwork

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    FileAccessError, FileFormatError
        If the data set is not found or is damaged.
    """
    torch = _import_torch()
    if data is None:
        data = load_fashion_mnist()
    initial = initial_parameters(config)
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in initial.items()}
    images = torch.from_numpy(scale_images(data.train_images, np.float32))
    labels = torch.from_numpy(data.train_labels.astype(np.int64))
    optimizer = _optimizer(torch, config, list(tensors.values()))
    losses: list[float] = []
    with _one_thread(torch):
        for epoch in range(config.epochs):
            order = torch.from_numpy(image_order(config, epoch=epoch, count=len(labels)))
            batches = order.split(config.batch_size)
            losses.append(_train_epoch(torch, tensors, optimizer, images, labels, batches))
            if progress is not None:
                progress(epoch + 1, config.epochs, f"loss {losses[-1]:.3f}")
            if not math.isfinite(losses[-1]):
                break
    parameters = {name: tensor.detach().numpy() for name, tensor in tensors.items()}
    return TrainedNetwork(
        config=config,
        parameters=parameters,
        initial_middle=initial["fc2.weight"],
        losses=tuple(losses),
        test_accuracy=_test_accuracy(parameters, data),
        versions=_versions(torch),
    )


def _train_epoch(
    torch: Any, tensors: dict[str, Any], optimizer: Any, images: Any, labels: Any, batches: Any
) -> float:
    """Take one step for each batch; return the mean of the batches' losses."""
    cross_entropy = torch.nn.functional.cross_entropy
    total = torch.zeros(())
    for batch in batches:
        loss = cross_entropy(_scores(torch, tensors, images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach()
    return float(total) / len(batches)


def _scores(torch: Any, tensors: dict[str, Any], inputs: Any) -> Any:
    """Return W₃ h₂ + b₃ for a batch, with hᵢ = |Wᵢ hᵢ₋₁ + bᵢ| (equation 1.10)."""
    linear = torch.nn.functional.linear
    hidden = inputs
    for layer in LAYERS[:-1]:
        hidden = linear(hidden, tensors[f"{layer}.weight"], tensors[f"{layer}.bias"]).abs()
    return linear(hidden, tensors[f"{LAYERS[-1]}.weight"], tensors[f"{LAYERS[-1]}.bias"])


def _test_accuracy(parameters: Parameters, data: FashionMnist) -> float:
    if not all(np.isfinite(value).all() for value in parameters.values()):
        return math.nan
    return float(np.mean(predict(parameters, data.test_images) == data.test_labels))


def _optimizer(torch: Any, config: TrainingConfig, tensors: list[Any]) -> Any:
    options = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
    if config.optimizer == "sgd":
        return torch.optim.SGD(tensors, momentum=MOMENTUM, **options)
    return torch.optim.Adam(tensors, **options)


@contextmanager
def _one_thread(torch: Any) -> Iterator[None]:
    """Keep torch on one thread: sums split over threads depend on their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _versions(torch: Any) -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": str(torch.__version__),
        "instructions": str(torch.backends.cpu.get_cpu_capability()),
    }


def _import_torch() -> Any:
    try:
        import torch
    except ModuleNotFoundError:
        raise missing_extra("Training a network", "PyTorch", "torch") from None
    return torch
