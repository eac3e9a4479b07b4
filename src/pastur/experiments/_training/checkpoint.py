"""The state of a training after an epoch, on disk: what a killed run resumes from.

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
from pastur._foreign import shown
from pastur._stored import Damaged, check, decoded, made, made_good, parse, taken
from pastur._typing import AnyArray
from pastur.experiments._training.configuration import TrainingConfig
from pastur.experiments._training.network import Parameters, parameter_shapes

_MOMENT = "optimizer."
# What an optimiser remembers of each parameter: of its shape, or one number.
OPTIMIZER_STATE = {
    "adam": {"step": False, "exp_avg": True, "exp_avg_sq": True},
    "sgd": {"momentum_buffer": True},
}


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
    that the training begins anew. A damaged file is kept under another name, with a warning.

    Raises
    ------
    FileFormatError
        If the file belongs to another configuration.
    """
    try:
        found = _read(path, with_tensors=True)
        if found is None:
            return None
        kept, losses, there, tensors = found
        if kept != dataclasses.asdict(config):
            raise FileFormatError(
                f"'{path}' is the state of another training: {shown(kept)}. Remove it to train "
                "from the start."
            )
        if there != versions:
            return None
        check(len(losses) <= config.epochs, "losses", f"are of {len(losses)} epochs")
        state = _state(tensors, losses, config)
    except Damaged as error:
        made_good(path, error, "the training begins anew")
        return None
    return state


def epochs_done(path: Path, versions: dict[str, str] | None = None) -> int:
    """Return how many epochs a state includes; 0 where there is none, or none that can be read.

    With `versions`, 0 too for a state of other versions. Reads the header alone.
    """
    try:
        found = _read(path, with_tensors=False)
    except FileFormatError:
        return 0
    if found is None or (versions is not None and found.versions != versions):
        return 0
    return len(found.losses)


class _Content(NamedTuple):
    config: Any
    losses: list[float]
    versions: dict[str, str]
    tensors: dict[str, AnyArray]


def _read(path: Path, *, with_tensors: bool) -> _Content | None:
    """Return what a file holds; None where there is none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
            names = file.keys() if with_tensors else ()
            tensors = {name: file.get_tensor(name) for name in names}
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise Damaged("", str(error)) from None
    return _Content(
        config=parse(taken(metadata, "config", str)),
        losses=made(metadata, "losses", _losses),
        versions=made(metadata, "versions", lambda text: decoded(dict[str, str], parse(text))),
        tensors=tensors,
    )


def _losses(text: str) -> list[float]:
    """Return the losses; those of a training that ran away need not be finite."""
    values = parse(text, finite=False)
    sound = isinstance(values, list) and all(type(one) is float for one in values)
    check(sound and bool(values), "", "must be a list of numbers")
    return list(values)


def _state(
    tensors: dict[str, AnyArray], losses: list[float], config: TrainingConfig
) -> TrainingState:
    """Return the parameters and moments, as many and as large as the configuration has them."""
    shapes = dict(parameter_shapes(config.size))
    kinds = OPTIMIZER_STATE[config.optimizer]
    expected = shapes | {
        f"{_MOMENT}{name}.{kind}": shape if like_parameter else ()
        for name, shape in shapes.items()
        for kind, like_parameter in kinds.items()
    }
    for name in expected.keys() | tensors.keys():
        check(name in tensors, name, "is missing")
        check(name in expected, name, "is not of this training")
        found = tensors[name]
        sound = found.shape == expected[name] and found.dtype == np.float32
        check(sound, name, f"should have the shape {expected[name]}. Got {found.shape}")
    moments = {
        name: {kind: tensors[f"{_MOMENT}{name}.{kind}"] for kind in kinds} for name in shapes
    }
    return TrainingState({name: tensors[name] for name in shapes}, moments, losses)
