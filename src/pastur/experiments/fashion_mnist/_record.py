"""The record of one trained network: a small JSON file, written as its training goes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pastur._errors import FileAccessError, FileFormatError
from pastur._files import write_whole
from pastur.experiments._config import TrainingConfig
from pastur.experiments.fashion_mnist._findings import LayerFindings

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
        layers = tuple(LayerFindings.from_dict(layer) for layer in values["layers"])
        return cls(int(values["epoch"]), values["test_accuracy"], layers)


@dataclass(frozen=True)
class NetworkRecord:
    """One network: how it was trained, and what was found in it.

    Attributes
    ----------
    config : TrainingConfig
    versions : dict of str to str
        Python, NumPy, torch, the instruction set, pastur and SciPy.
    losses : tuple of float or None
        Of each epoch; None where it is not finite.
    epochs : tuple of EpochFindings
        Ascending; the last one is the end of the training where `finished`.
    finished : bool
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
    """Return a name that tells the main fields, and all of them by a digest."""
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
        If the file cannot be read or is no record.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        if (content["schema"], content["experiment"]) != (SCHEMA, "fashion-mnist"):
            raise ValueError("another schema or experiment")
        return NetworkRecord(
            config=TrainingConfig(**content["config"]),
            versions=dict(content["versions"]),
            losses=tuple(content["losses"]),
            epochs=tuple(EpochFindings.from_dict(entry) for entry in content["epochs"]),
            finished=bool(content["finished"]),
        )
    except OSError as error:
        raise FileAccessError(f"Cannot read '{path}': {error.strerror or error}.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(
            f"'{path}' is no record of a network on Fashion-MNIST ({error}). Remove it, or name "
            "another folder."
        ) from None
