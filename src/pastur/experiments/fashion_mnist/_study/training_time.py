"""How long trainings will take, measured on a few batches before they begin."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from pastur.datasets import FashionMnist
from pastur.experiments._training.configuration import TrainingConfig
from pastur.experiments._training.train import train_network

_BATCHES = 6


def training_seconds(
    configs: Sequence[TrainingConfig], data: FashionMnist, *, device: str = "cpu"
) -> list[float]:
    """Return the seconds that the training of each network will take, about.

    Some batches of the smallest and of the largest network are timed; between them the time of a
    batch is taken as linear in the number of weights. Analysing the trained networks comes on top:
    a few per cent.
    """
    ends = {config.size: config for config in (min(configs, key=_size), max(configs, key=_size))}
    timed = sorted((_weights(c), _batch_seconds(c, data, device)) for c in ends.values())
    (low, quick), (high, slow) = timed[0], timed[-1]
    slope = max(slow - quick, 0.0) / (high - low) if high > low else 0.0
    images = len(data.train_labels)
    return [
        (quick + slope * (_weights(config) - low))
        * math.ceil(images / config.batch_size)
        * config.epochs
        for config in configs
    ]


def in_words(seconds: float) -> str:
    """Return a time as it is said: "3 h 20 min", "12 min", "40 s".

    Examples
    --------
    >>> in_words(12000), in_words(700), in_words(41.7), in_words(0.2)
    ('3 h 20 min', '12 min', '42 s', '1 s')
    """
    if seconds < 100:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _size(config: TrainingConfig) -> int:
    return config.size


def _weights(config: TrainingConfig) -> int:
    return config.size * (784 + config.size + 10)


def _batch_seconds(config: TrainingConfig, data: FashionMnist, device: str) -> float:
    """Time a batch: the difference of two short trainings, which have the same beginning."""
    once = replace(config, epochs=1)
    _train(once, data, 1, device)  # Loads what is loaded once.
    short = _train(once, data, 1, device)
    return max(_train(once, data, 1 + _BATCHES, device) - short, 1e-6) / _BATCHES


def _train(config: TrainingConfig, data: FashionMnist, batches: int, device: str) -> float:
    count = batches * config.batch_size
    # As many images as the batches take, whatever their number in the data.
    index = [i % len(data.train_labels) for i in range(count)]
    part = FashionMnist(
        data.train_images[index],
        data.train_labels[index],
        data.test_images[:1],
        data.test_labels[:1],
    )
    start = time.perf_counter()
    train_network(config, data=part, device=device)
    return time.perf_counter() - start
