"""The record of one trained network: a small JSON file, written as its training goes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pastur._errors import FileFormatError
from pastur._files import write_whole
from pastur._stored import Damaged, check, decoded, read_object, taken, within
from pastur.experiments._training.configuration import TrainingConfig
from pastur.experiments._training.network import layer_shapes
from pastur.experiments.fashion_mnist._study.findings import LayerFindings

SCHEMA = 1


@dataclass(frozen=True)
class EpochFindings:
    """A network after some epochs.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    test_accuracy : float or None
        Share of the test images that get their class; None where training ran away.
    layers : tuple of LayerFindings
        Empty where training ran away.
    """

    epoch: int
    test_accuracy: float | None
    layers: tuple[LayerFindings, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        layers = [layer.to_dict() for layer in self.layers]
        return {"epoch": self.epoch, "test_accuracy": self.test_accuracy, "layers": layers}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EpochFindings:
        """Return the findings that `to_dict` described."""
        found: EpochFindings = decoded(cls, values)
        return found


@dataclass(frozen=True)
class NetworkRecord:
    """One network: how it was trained, and what was found in it.

    Attributes
    ----------
    config : TrainingConfig
    versions : dict of str to str
        Python, NumPy, torch, the instruction set, pastur and SciPy.
    losses : tuple of float or None
        Loss of each epoch; None where it is not finite.
    epochs : tuple of EpochFindings
        Ascending; the last one is the end of the training where `finished`.
    finished : bool

    Examples
    --------
    What `run_fashion_mnist` returns, here of a training that has not begun:

    >>> from pastur.experiments import NetworkRecord, TrainingConfig
    >>> record = NetworkRecord(TrainingConfig(size=10), {}, (), (), finished=False)
    >>> record.config.size, record.epochs
    (10, ())
    """

    config: TrainingConfig
    versions: dict[str, str]
    losses: tuple[float | None, ...]
    epochs: tuple[EpochFindings, ...]
    finished: bool

    @property
    def last(self) -> EpochFindings:
        """What was found at the latest epoch."""
        return self.epochs[-1]

    def layer(self, name: str) -> LayerFindings | None:
        """Return the latest findings in a layer; None where training ran away."""
        return next((layer for layer in self.last.layers if layer.layer == name), None)

    def to_json(self) -> str:
        """Return the record as text."""
        content = {
            "schema": SCHEMA,
            "experiment": "fashion-mnist",
            "config": dataclasses.asdict(self.config),
            "versions": self.versions,
            "finished": self.finished,
            "losses": list(self.losses),
            "epochs": [epoch.to_dict() for epoch in self.epochs],
        }
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def save(self, folder: Path) -> Path:
        """Write the record into a folder, under its own name."""
        return write_whole(record_path(folder, self.config), self.to_json())


def record_name(config: TrainingConfig) -> str:
    """Return a name that shows the main fields, and all of them by a digest."""
    text = json.dumps(dataclasses.asdict(config), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{config.optimizer}-{config.activation}-n{config.size:04d}-seed{config.seed}-{digest}"


def record_path(folder: Path, config: TrainingConfig) -> Path:
    """Return where the record of a configuration lies."""
    return folder / f"{record_name(config)}.json"


def load_record(path: Path) -> NetworkRecord:
    """Read a record.

    Raises
    ------
    FileAccessError, FileFormatError
        If the file cannot be read or is not a record.
    """
    content = read_object(path)
    try:
        kind = (taken(content, "schema", int), taken(content, "experiment", str))
        check(kind == (SCHEMA, "fashion-mnist"), "schema", f"and experiment are {kind}")
        record: NetworkRecord = decoded(NetworkRecord, content)
        _check(record)
    except Damaged as error:
        raise FileFormatError(
            f"'{path}' is not a record of a network on Fashion-MNIST ({error}). Remove it, or name "
            "another folder."
        ) from None
    return record


def _check(record: NetworkRecord) -> None:
    """Refuse what does not go together."""
    epochs = [entry.epoch for entry in record.epochs]
    check(epochs == sorted(set(epochs)), "epochs", "must ascend")
    inside = all(1 <= epoch <= record.config.epochs for epoch in epochs)
    check(inside, "epochs", f"must lie between 1 and {record.config.epochs}")
    check(not record.finished or bool(epochs), "epochs", "must not be empty")
    for number, entry in enumerate(record.epochs):
        with within(f"epochs[{number}]"):
            _check_entry(entry, dict(layer_shapes(record.config.size)))
    if record.finished:
        ran_away = record.last.test_accuracy is None
        whole = len(record.losses) == record.last.epoch == record.config.epochs
        check(whole or ran_away, "losses", "and epochs must reach the end of the training")


def _check_entry(entry: EpochFindings, shapes: Mapping[str, tuple[int, int]]) -> None:
    if entry.test_accuracy is None:
        check(not entry.layers, "layers", "must be empty where training ran away")
        return
    check(0 <= entry.test_accuracy <= 1, "test_accuracy", "must lie between 0 and 1")
    names = [layer.layer for layer in entry.layers]
    check(names == [f"{name}.weight" for name in shapes], "layers", "must be those of the network")
    for number, (layer, shape) in enumerate(zip(entry.layers, shapes.values(), strict=True)):
        with within(f"layers[{number}]"):
            check(layer.shape == shape, "shape", f"must be {shape}. Got {layer.shape}")
            counts = (layer.rank, layer.bema_rank, layer.above_critical, layer.residual_rank)
            inside = all(0 <= count <= min(shape) for count in (*counts, layer.standing_out or 0))
            check(inside, "rank", "and other counts must be numbers of singular values")
