"""The state of a training after an epoch, on disk: what a killed run goes on from.

A safetensors file: the parameters, the moments of the optimiser, and in the metadata the
configuration, the losses so far and the versions that the bits depend on.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pastur._errors import FileFormatError
from pastur._files import write_whole
from pastur.experiments._config import TrainingConfig
from pastur.experiments._network import Parameters

_MOMENT = "optimizer."


class TrainingState(NamedTuple):
    """Parameters, the optimiser's moments by parameter and name, and the loss of each epoch."""

    parameters: Parameters
    moments: dict[str, dict[str, Any]]
    losses: list[float]


def save_state(
    path: Path, config: TrainingConfig, state: TrainingState, versions: dict[str, str]
) -> None:
    """Write the state; the file appears whole or not at all."""
    from safetensors.numpy import save

    tensors = dict(state.parameters)
    for name, moments in state.moments.items():
        for kind, value in moments.items():
            tensors[f"{_MOMENT}{name}.{kind}"] = np.asarray(value, order="C")
    metadata = {
        "config": json.dumps(dataclasses.asdict(config)),
        "losses": json.dumps(state.losses),
        "versions": json.dumps(versions),
    }
    write_whole(path, save(tensors, metadata=metadata))


def load_state(
    path: Path, config: TrainingConfig, versions: dict[str, str]
) -> TrainingState | None:
    """Return the state in the file; None where there is none, or one of other versions.

    With another torch or other instructions the bits would differ from those of a whole run, so
    that the training begins anew.

    Raises
    ------
    FileFormatError
        If the file is damaged or belongs to another configuration.
    """
    if not path.exists():
        return None
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
            kept, losses = json.loads(metadata["config"]), json.loads(metadata["losses"])
            same = json.loads(metadata["versions"]) == versions
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise FileFormatError(
            f"'{path}' is no state of a training ({error}). Remove it to train from the start."
        ) from None
    if kept != dataclasses.asdict(config):
        raise FileFormatError(
            f"'{path}' is the state of another training: {kept}. Remove it to train from the start."
        )
    if not same:
        return None
    moments: dict[str, dict[str, Any]] = {}
    for name in [name for name in tensors if name.startswith(_MOMENT)]:
        parameter, _, kind = name.removeprefix(_MOMENT).rpartition(".")
        moments.setdefault(parameter, {})[kind] = tensors.pop(name)
    return TrainingState(tensors, moments, losses)


def epochs_done(path: Path, versions: dict[str, str] | None = None) -> int:
    """Return how many epochs a state includes; 0 where there is none, or none that can be read.

    With `versions`, 0 too for a state of other versions. Reads the header alone.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
            if versions is not None and json.loads(metadata["versions"]) != versions:
                return 0
            return len(json.loads(metadata["losses"]))
    except (SafetensorError, OSError, KeyError, ValueError):
        return 0
