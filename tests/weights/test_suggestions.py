"""Did you mean: the nearest spelling, at a bounded cost."""

import time
from collections.abc import Sequence

import numpy as np
import pytest

from pastur._errors import InvalidInputError
from pastur._foreign import suggestion
from pastur.weights import iter_matrices, open_weights

LAYERS = [f"model.layers.{i}.self_attn.{part}_proj.weight" for i in range(20_000) for part in "qk"]


def hint(pattern: str, names: Sequence[str]) -> str:
    weights = open_weights(dict.fromkeys(names, np.eye(3, dtype=np.float32)))
    with pytest.raises(InvalidInputError) as caught:
        list(iter_matrices(weights, include=[pattern]))
    return str(caught.value)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("fc1.wieght", "fc1.weight"),
        ("fc1.weigth", "fc1.weight"),
        ("fc.weight", "fc1.weight"),
        ("Encoder.*", "encoder.*"),
        ("encoder.atention", "encoder.attention.*"),
        ("encoder.attention", "encoder.attention.*"),
    ],
)
def test_the_nearest_spelling(typed: str, meant: str) -> None:
    names = ["fc1.weight", "head.bias", "encoder.attention.q", "encoder.mlp.up"]
    assert f"'{meant}'" in hint(typed, names).partition("Did you mean ")[2]


def test_where_none_is_near_some_are_named() -> None:
    assert "There are 'fc1.weight', 'head.bias'" in hint("xyz", ["fc1.weight", "head.bias"])


@pytest.mark.parametrize("layer", [0, 77, 19_999])
def test_in_a_large_model(layer: int) -> None:
    typed = f"model.layers.{layer}.self_atn.q_proj.weight"
    assert f"'model.layers.{layer}.self_attn.q_proj.weight'" in suggestion(typed, LAYERS)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("fc", ["a." * 200_000]),
        ("a." * 100_000 + "b", ["a." * 100_000]),
        ("model.layers.0.self_atn.q_proj.weight", LAYERS),
        ("ab" * 100, [f"{i}." * 150 for i in range(3_000)]),
        ("x" * 199, ["x" * 195 + str(i) for i in range(20_000)]),
        ("ab" * 5_000, ["ba" * 5_000 + str(i) for i in range(300)]),
    ],
    ids=["dots", "dots typed", "layers", "many dots", "alike", "long"],
)
def test_the_cost_is_bounded(typed: str, names: Sequence[str]) -> None:
    start = time.process_time()
    said = hint(typed, names)
    # Seconds on a slow processor; comparing all with all took minutes.
    assert time.process_time() - start < 10
    assert len(said) < 2000
