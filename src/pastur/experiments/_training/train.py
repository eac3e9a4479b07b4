"""Training in torch: deterministic, on one thread, with the whole data set in memory."""

import math
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pastur._devices import device_name, import_torch, torch_device
from pastur._files import PathLike
from pastur._progress import reporter
from pastur._typing import Progress
from pastur.datasets import FashionMnist, load_fashion_mnist
from pastur.experiments._training.checkpoint import TrainingState, load_state, save_state
from pastur.experiments._training.configuration import TrainingConfig
from pastur.experiments._training.network import (
    LAYERS,
    Parameters,
    image_order,
    initial_parameters,
    predict,
    scale_images,
)

MOMENTUM = 0.9
_PURPOSE = "Training a network"

Watch = Callable[[int, Parameters], None]
Scores = Callable[[dict[str, Any], Any], Any]


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
        instruction set for which torch chose its kernels; and the GPU, where one was used.

    Examples
    --------
    A network this small, trained on noise, shows how it is called and no more:

    >>> import numpy as np
    >>> from pastur.datasets import FashionMnist
    >>> rng = np.random.default_rng(0)
    >>> images = rng.integers(0, 256, (200, 28, 28), dtype=np.uint8)
    >>> labels = rng.integers(0, 10, 200, dtype=np.uint8)
    >>> data = FashionMnist(images, labels, images, labels)
    >>> network = train_network(TrainingConfig(size=10, epochs=1), data=data)
    >>> network.parameters["fc2.weight"].shape, len(network.losses), network.diverged
    ((10, 10), 1, False)
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
    config: TrainingConfig,
    *,
    data: FashionMnist | None = None,
    progress: Progress | bool | None = None,
    watch: Watch | None = None,
    checkpoint: PathLike | None = None,
    device: str = "cpu",
) -> TrainedNetwork:
    """Train a network 784×N, N×N, N×10 with biases on Fashion-MNIST.

    The loss is the cross-entropy, the activation by default the absolute value, as in (1.10) and
    Appendix A of the paper. Everything random comes from ``config.seed`` and torch runs on one
    thread, so that the same configuration on the same machine and versions gives the same bits.

    Parameters
    ----------
    config : TrainingConfig
    data : FashionMnist, optional
        By default what `pastur.datasets.load_fashion_mnist` finds.
    progress : callable or bool, optional
        Called after each epoch with the number done, the number of all, and the epoch's loss in
        words. True shows a bar: in a notebook, or in a terminal.
    watch : callable, optional
        ``watch(epoch, parameters)``, after each epoch, counted from 1; the arrays are the
        training's own where the device is the CPU, to be read and not kept.
    checkpoint : path, optional
        A file that is written after each epoch, when `watch` has returned. Where it is there, the
        training resumes from it, to the same bits; the epoch in flight is all that a kill costs.
    device : {"cpu", "cuda", "cuda:1", …}, default "cpu"
        Where torch computes. A GPU takes sums in another order: the network then differs
        from the CPU's of the same configuration.

    Returns
    -------
    TrainedNetwork

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    InvalidInputError
        If torch knows no such device.
    FileAccessError, FileFormatError
        If the data set is not found or is damaged; or if the checkpoint belongs to another
        configuration.

    Warns
    -----
    PasturWarning
        If the checkpoint is damaged: it is renamed, and the training begins anew.

    Examples
    --------
    A network this small, trained on noise, shows how it is called and no more:

    >>> import numpy as np
    >>> from pastur.datasets import FashionMnist
    >>> rng = np.random.default_rng(0)
    >>> images = rng.integers(0, 256, (200, 28, 28), dtype=np.uint8)
    >>> labels = rng.integers(0, 10, 200, dtype=np.uint8)
    >>> data = FashionMnist(images, labels, images, labels)
    >>> network = train_network(TrainingConfig(size=10, epochs=1), data=data)
    >>> 0 < network.test_accuracy < 1
    True
    """
    torch = import_torch(_PURPOSE)
    place = torch_device(device)
    if data is None:
        data = load_fashion_mnist()
    versions = training_versions(device)
    initial = initial_parameters(config)
    path = None if checkpoint is None else Path(checkpoint)
    state = None if path is None else load_state(path, config, versions)
    start = initial if state is None else state.parameters
    losses = [] if state is None else list(state.losses)
    # A copy: the tensors share the memory of the arrays, and `initial` is needed at the end.
    tensors = {
        name: torch.tensor(start[name], device=place, requires_grad=True) for name in initial
    }
    optimizer = _optimizer(torch, config, list(tensors.values()))
    if state is not None:
        _restore(torch, optimizer, tensors, state)
    images = torch.from_numpy(scale_images(data.train_images, np.float32)).to(place)
    labels = torch.from_numpy(data.train_labels.astype(np.int64)).to(place)
    parameters = _arrays(tensors)
    scores = _scores(torch, config)
    report = reporter(progress)
    with _one_thread(torch):
        while len(losses) < config.epochs and all(map(math.isfinite, losses)):
            order = torch.from_numpy(image_order(config, epoch=len(losses), count=len(labels)))
            batches = order.to(place).split(config.batch_size)
            losses.append(_train_epoch(torch, scores, tensors, optimizer, images, labels, batches))
            parameters = _arrays(tensors)
            if watch is not None:
                watch(len(losses), parameters)
            if path is not None:
                moments = _moments(optimizer, tensors)
                save_state(path, config, TrainingState(parameters, moments, losses), versions)
            report(len(losses), config.epochs, f"loss {losses[-1]:.3f}")
    return TrainedNetwork(
        config=config,
        parameters=parameters,
        initial_middle=initial["fc2.weight"],
        losses=tuple(losses),
        test_accuracy=accuracy_of(config, parameters, data),
        versions=versions,
    )


def accuracy_of(config: TrainingConfig, parameters: Parameters, data: FashionMnist) -> float:
    """Return the share of the test images that get their class; NaN if training ran away."""
    if not all(np.isfinite(value).all() for value in parameters.values()):
        return math.nan
    classes = predict(parameters, data.test_images, activation=config.activation)
    return float(np.mean(classes == data.test_labels))


def _train_epoch(
    torch: Any,
    scores: Scores,
    tensors: dict[str, Any],
    optimizer: Any,
    images: Any,
    labels: Any,
    batches: Any,
) -> float:
    """Take one step for each batch; return the mean of the batches' losses."""
    cross_entropy = torch.nn.functional.cross_entropy
    total = torch.zeros((), device=labels.device)
    for batch in batches:
        loss = cross_entropy(scores(tensors, images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach()
    return float(total) / len(batches)


def _scores(torch: Any, config: TrainingConfig) -> Scores:
    """Return the map of a batch to W₃ h₂ + b₃, with hᵢ = λ(Wᵢ hᵢ₋₁ + bᵢ) (equation 1.10)."""
    linear = torch.nn.functional.linear
    activations = {"absolute": torch.abs, "relu": torch.relu, "tanh": torch.tanh}
    act = activations[config.activation]

    def scores(tensors: dict[str, Any], inputs: Any) -> Any:
        hidden = inputs
        for layer in LAYERS[:-1]:
            hidden = act(linear(hidden, tensors[f"{layer}.weight"], tensors[f"{layer}.bias"]))
        last = LAYERS[-1]
        return linear(hidden, tensors[f"{last}.weight"], tensors[f"{last}.bias"])

    return scores


def _arrays(tensors: dict[str, Any]) -> Parameters:
    """Return the parameters as arrays: their own memory on the CPU, else a copy."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def _moments(optimizer: Any, tensors: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the optimiser remembers of each parameter."""
    return {
        name: {kind: value.cpu().numpy() for kind, value in optimizer.state[tensor].items()}
        for name, tensor in tensors.items()
    }


def _restore(torch: Any, optimizer: Any, tensors: dict[str, Any], state: TrainingState) -> None:
    """Give the optimiser its memory back."""
    for name, tensor in tensors.items():
        # Adam counts its steps on the CPU.
        optimizer.state[tensor] = {
            kind: torch.tensor(value, device="cpu" if kind == "step" else tensor.device)
            for kind, value in state.moments.get(name, {}).items()
        }


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


def training_versions(device: str = "cpu") -> dict[str, str]:
    """Return the versions that the bits of a training depend on.

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    InvalidInputError
        If torch knows no such device.
    """
    torch = import_torch(_PURPOSE)
    place = torch_device(device)
    found = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": str(torch.__version__),
        "instructions": str(torch.backends.cpu.get_cpu_capability()),
    }
    return found if place.type == "cpu" else found | {"device": device_name(place)}
