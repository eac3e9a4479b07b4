"""VeRA (Kopiczko et al. 2024) and IA³ (Liu et al. 2022): vectors that scale."""

from __future__ import annotations

import math
from functools import partial

from pastur._typing import AnyArray
from pastur.weights._derived.adapters.contract import (
    Change,
    Layer,
    Method,
    Parts,
    RefusedError,
    Shape,
    UnfitError,
    added,
)


def projected(layer: Layer) -> Change:
    """Return the change of VeRA: factors that all layers share, scaled for each."""
    if not {"vera_A", "vera_B"} <= layer.shapes.keys():
        raise RefusedError(
            "is VeRA without its projections, which torch's random numbers made "
            "(save_projection is not set)"
        )
    first, second = layer.shapes["vera_A"], layer.shapes["vera_B"]
    outputs, inner = (math.prod(layer.shapes[f"vera_lambda_{one}"]) for one in "bd")
    if len(first) != 2 or len(second) != 2 or not first[0] == second[1] == inner:
        raise UnfitError(f"has factors that do not fit, of shapes {second} and {first}")
    if outputs > second[0]:
        raise UnfitError(f"has {outputs} outputs for a projection of {second[0]}")
    return Change(
        (),
        partial(_projected, outputs=outputs),
        partial(_fits_projection, outputs, first[1]),
        on_base="takes as much of shared projections as the base has inputs",
    )


def _fits_projection(outputs: int, most: int, base: Shape) -> bool:
    return len(base) == 2 and base[0] == outputs and base[1] <= most


def _projected(parts: Parts, base: AnyArray | None, *, outputs: int) -> AnyArray:
    assert base is not None
    first = parts["vera_lambda_d"].reshape(-1, 1) * parts["vera_A"][:, : base.shape[1]]
    second = parts["vera_lambda_b"].reshape(-1, 1) * parts["vera_B"][:outputs]
    return added(second @ first, base)


def rescaled(layer: Layer) -> Change:
    """Return the change of IA³: outputs are scaled, or inputs where the layer is a feedforward."""
    held = layer.shapes["ia3_l"]
    if len(held) < 2 or max(held) != math.prod(held):
        raise UnfitError(f"has scales of shape {held}")
    feedforward = held[0] == 1 if len(held) == 2 else _is_feedforward(layer)
    axis = 1 if feedforward else 0
    return Change(
        (),
        partial(_rescaled, axis=axis),
        partial(_has_side, axis, max(held), len(held)),
        on_base="scales the base",
        vectors=() if feedforward else ("bias",),
        adds=False,
    )


def _is_feedforward(layer: Layer) -> bool:
    named = layer.settings.entries.get("feedforward_modules")
    if not isinstance(named, (list, tuple)):
        raise RefusedError(
            "is IA³ on convolutions whose feedforward_modules are not a list of names"
        )
    words = [str(word) for word in named]
    return any(layer.name == word or layer.name.endswith(f".{word}") for word in words)


def _has_side(axis: int, size: int, axes: int, base: Shape) -> bool:
    return len(base) == axes and base[axis] == size


def _rescaled(parts: Parts, base: AnyArray | None, *, axis: int) -> AnyArray:
    assert base is not None
    scales = parts["ia3_l"].reshape(-1)
    return base * scales.reshape(tuple(-1 if one == axis else 1 for one in range(base.ndim)))


VERA = Method(
    "VERA",
    frozenset(("vera_lambda_b", "vera_lambda_d")),
    frozenset(("vera_A", "vera_B")),
    frozenset(
        "r projection_prng_key save_projection vera_dropout d_initial fan_in_fan_out "
        "init_weights".split()
    ),
    projected,
)
IA3 = Method(
    "IA3",
    frozenset(("ia3_l",)),
    frozenset(),
    frozenset("feedforward_modules fan_in_fan_out init_ia3_weights".split()),
    rescaled,
)
