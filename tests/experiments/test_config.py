"""A configuration that exists is one that can be trained."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur.experiments import TrainingConfig


@pytest.mark.parametrize(
    ("fields", "error", "sentence"),
    [
        ({"size": 0}, InvalidInputError, "`size` must be at least 1. Got 0"),
        ({"size": 2.5}, InvalidTypeError, "`size` must be an integer"),
        ({"epochs": -1}, InvalidInputError, "`epochs` must be at least 1"),
        ({"batch_size": True}, InvalidTypeError, "`batch_size` must be an integer"),
        ({"optimizer": "lion"}, InvalidInputError, "one of 'adam', 'sgd'. Got 'lion'"),
        ({"activation": "gelu"}, InvalidInputError, "'relu', 'tanh'. Got 'gelu'"),
        ({"initialization": "zeros"}, InvalidInputError, "'he', 'uniform'. Got 'zeros'"),
        ({"learning_rate": 0}, InvalidInputError, "`learning_rate` must be positive"),
        ({"learning_rate": np.nan}, InvalidInputError, "`learning_rate` must be finite"),
        ({"weight_decay": -0.1}, InvalidInputError, "must not be negative. Got -0.1"),
        ({"seed": -3}, InvalidInputError, "`seed` must be at least 0. Got -3"),
        ({"seed": None}, InvalidTypeError, "`seed` must be an integer. Got None"),
    ],
)
def test_refuses_what_cannot_be_trained(
    fields: Mapping[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        TrainingConfig(**fields)


def test_equal_configurations_are_equal_whatever_the_number_types() -> None:
    size: Any = np.int64(8)
    seed: Any = np.int32(4)
    config = TrainingConfig(size=size, learning_rate=1, seed=seed)
    assert config == TrainingConfig(size=8, learning_rate=1.0, seed=4)
    assert {type(value) for value in dataclasses.astuple(config)} == {int, float, str}


def test_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainingConfig().size = 3  # type: ignore[misc]
