"""Fully connected networks on Fashion-MNIST: data, start, descent, accuracy. Needs PyTorch.

The recipe is that of the published notebook of MP-pruning: ReLU, PyTorch's own law of the start,
grey values scaled to ±1, stochastic gradient descent with momentum 0.9, and L1 = L2 = 5e-6 on all
parameters. Ours are the numbers of epochs, the learning rate, which falls linearly to 0, products
in bfloat16, and 5000 of the training images set apart for the choice of settings. A run can be
stopped at any time and resumes after its last epoch.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch.nn import functional

from pastur._typing import AnyArray
from pastur._versions import package_versions
from pastur.datasets import load_fashion_mnist

VALIDATION = 5000
PENALTY = 5e-6
MOMENTUM = 0.9
SEEDS = (0, 1, 2)
# Widths, epochs, images a step.
NETWORKS = {
    "small": ((784, 1000, 1000, 10), 16, 128),
    "large": ((784, 3000, 3000, 3000, 10), 5, 512),
}


@dataclass(frozen=True, kw_only=True)
class Training:
    """What defines a run; two equal ones give the same network on the same machine."""

    widths: tuple[int, ...]
    seed: int
    penalty: float
    epochs: int
    batch: int
    rate: float = 0.1

    @property
    def name(self) -> str:
        layers = "x".join(map(str, self.widths[1:-1]))
        return f"{layers}-{'l1l2' if self.penalty else 'plain'}-{self.seed}"


def trainings(which: str) -> Iterator[Training]:
    """Yield the runs of one of the `NETWORKS`, without L1 and L2 first."""
    widths, epochs, batch = NETWORKS[which]
    for penalty in (0.0, PENALTY):
        for seed in SEEDS:
            yield Training(widths=widths, seed=seed, penalty=penalty, epochs=epochs, batch=batch)


@dataclass(frozen=True, eq=False)
class Images:
    """Images as rows in [-1, 1], with their classes."""

    x: Any
    y: Any


def load_images() -> tuple[Images, Images, Images]:
    """Return the images for training, for choices, and for the test."""
    data = load_fashion_mnist()
    train = _images(data.train_images, data.train_labels)
    test = _images(data.test_images, data.test_labels)
    cut = len(train.y) - VALIDATION
    return Images(train.x[:cut], train.y[:cut]), Images(train.x[cut:], train.y[cut:]), test


def _images(images: AnyArray, labels: AnyArray) -> Images:
    rows = torch.tensor(images.reshape(len(images), -1), dtype=torch.float32)
    return Images(rows / 127.5 - 1, torch.tensor(labels, dtype=torch.int64))


def network(widths: tuple[int, ...]) -> Any:
    """Return linear layers with ReLU between them: ``fc1``, ``relu1``, ``fc2``, …"""
    layers = torch.nn.Sequential()
    for k, (inputs, outputs) in enumerate(pairwise(widths), 1):
        if k > 1:
            layers.add_module(f"relu{k - 1}", torch.nn.ReLU())
        layers.add_module(f"fc{k}", torch.nn.Linear(inputs, outputs))
    return layers


def initial_network(training: Training) -> Any:
    """Return the network before training: all parameters uniform on ±1/√inputs."""
    with torch.random.fork_rng():
        torch.manual_seed(training.seed)
        return network(training.widths)


def accuracy(module: Any, images: Images) -> float:
    """Return the share of the images that get their class, in float32."""
    module.eval()
    with torch.no_grad():
        found = [module(rows).argmax(1) for rows in images.x.split(2500)]
    return float((torch.cat(found) == images.y).float().mean())


def new_optimizer(training: Training, module: Any) -> Any:
    """Return the descent, with the gradient of the L2 penalty Σw²."""
    return torch.optim.SGD(
        module.parameters(),
        lr=training.rate,
        momentum=MOMENTUM,
        weight_decay=2 * training.penalty,
        fused=True,
    )


class Pruning(Protocol):
    """What makes a network smaller while it is trained."""

    def after_step(self, share: float) -> None:
        """Called after each step, with the share of the training that is done."""

    def after_epoch(self) -> None:
        """Called after each epoch."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a training needs to resume."""

    def load_state_dict(self, state: Any) -> None:
        """Resume."""


class NoPruning:
    """Leaves the network as it is."""

    def after_step(self, share: float) -> None:
        pass

    def after_epoch(self) -> None:
        pass

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Any) -> None:
        pass


def train(
    training: Training, images: Images, path: Path, pruning_of: Callable[[Any, Any], Pruning]
) -> tuple[Any, Pruning, list[float], float]:
    """Train, from the state in `path` where there is one.

    `pruning_of` is called with the network and its optimizer.

    Returns
    -------
    module, pruning, list of float, float
        The network, what pruned it, the mean loss of each epoch, and CPU seconds.
    """
    module, losses, seconds = initial_network(training), list[float](), 0.0
    optimizer = new_optimizer(training, module)
    pruning = pruning_of(module, optimizer)
    if path.exists():
        state = torch.load(path, weights_only=True)
        # Gives the layers the factors that the other states are of.
        pruning.load_state_dict(state["pruning"])
        module.load_state_dict(state["module"])
        optimizer.load_state_dict(state["optimizer"])
        losses, seconds = state["losses"], state["seconds"]
    while len(losses) < training.epochs:
        start = time.process_time()
        losses.append(_epoch(training, module, optimizer, pruning, images, len(losses)))
        pruning.after_epoch()
        seconds += time.process_time() - start
        states = {"module": module, "optimizer": optimizer, "pruning": pruning}
        _save(path, states, losses, seconds)
    return module, pruning, losses, seconds


def _epoch(
    training: Training, module: Any, optimizer: Any, pruning: Pruning, images: Images, done: int
) -> float:
    module.train()
    order = np.random.default_rng((training.seed, done)).permutation(len(images.y))
    batches = torch.from_numpy(order).split(training.batch)
    steps, total = training.epochs * len(batches), 0.0
    parameters = list(module.parameters())
    for k, batch in enumerate(batches, done * len(batches)):
        for group in optimizer.param_groups:
            group["lr"] = training.rate * (1 - k / steps)
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = functional.cross_entropy(module(images.x[batch]).float(), images.y[batch])
        loss.backward()
        if training.penalty:
            for one in parameters:
                one.grad.add_(torch.sign(one.detach()), alpha=training.penalty)
        optimizer.step()
        pruning.after_step((k + 1) / steps)
        total += float(loss.detach())
    return total / len(batches)


def _save(path: Path, states: dict[str, Any], losses: list[float], seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    content = {name: one.state_dict() for name, one in states.items()}
    torch.save(content | {"losses": losses, "seconds": seconds}, part)
    os.replace(part, path)


def versions() -> dict[str, str]:
    """Return what the bits of a network depend on besides its configuration."""
    kernels = torch.backends.cpu.get_cpu_capability()
    return package_versions() | {"torch": torch.__version__, "instructions": kernels}
