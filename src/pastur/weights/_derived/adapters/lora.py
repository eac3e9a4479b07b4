"""LoRA and DoRA: a product of two thin factors (Hu et al. 2021; Liu et al. 2024), and its kin.

On linear layers, convolutions, embeddings and stacked experts, by PEFT's names and by kohya's.
"""

from __future__ import annotations

from functools import partial

import numpy as np

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
    unfolds_to,
)

_MAGNITUDES = ("lora_magnitude_vector", "dora_scale")
_ON_BASE = "scales rows of the base and its change together (DoRA)"
# Starts of the factors that leave the base as it is.
_STARTS = ("", "gaussian", "eva", "orthogonal", "mica")
_FIELDS = frozenset(
    "r lora_alpha alpha_pattern rank_pattern use_rslora fan_in_fan_out use_dora init_lora_weights "
    "target_parameters lora_bias lora_dropout lora_dtype lorap_lr_ratio lorap_emb_lr "
    "qalora_group_size megatron_config megatron_core loftq_config "
    "eva_config corda_config lora_ga_config runtime_config".split()
)


def change(layer: Layer) -> Change:
    """Return the change of a linear layer, of a convolution or of stacked experts."""
    first, second = layer.shapes["lora_A"], layer.shapes["lora_B"]
    if layer.parameter:
        stacked = _of_experts(layer)
        if stacked is not None:
            return stacked
    shape, fault = _shape(first, second, layer.shapes.get("lora_mid"))
    if fault:
        raise UnfitError(fault)
    scale = scaling(layer, first[0])
    start = _start(layer, shape)
    magnitude = _magnitude(layer, shape)
    by_inputs = magnitude == "dora_scale" and layer.shapes[magnitude][0] != shape[0]
    if magnitude and start:
        raise RefusedError("is DoRA with factors that start from the base's own directions")
    return Change(
        shape,
        partial(
            _changed,
            scale=scale,
            shape=shape,
            start=start,
            magnitude=magnitude,
            axis=1 if by_inputs else 0,
        ),
        partial(unfolds_to, shape),
        on_base=_ON_BASE if magnitude else start and f"starts from parts of the base ({start})",
        vectors=("bias",) if "lora_B.bias" in layer.roles else (),
        adds=not (magnitude or start),
    )


def change_of_embedding(layer: Layer) -> Change:
    """Return the change of an embedding, words × width."""
    first, second = layer.shapes["lora_embedding_A"], layer.shapes["lora_embedding_B"]
    if not len(first) == len(second) == 2 or first[0] != second[1] or not first[0]:
        raise UnfitError(_misfit(first, second))
    shape = (first[1], second[0])
    if _start(layer, shape):
        raise RefusedError("starts the factors of an embedding from the base, as PEFT does not")
    magnitude = _MAGNITUDES[0] if _MAGNITUDES[0] in layer.roles else ""
    _check_dora(layer, bool(magnitude))
    if magnitude and int(np.prod(layer.shapes[magnitude])) != shape[1]:
        raise UnfitError(f"has {layer.shapes[magnitude]} magnitudes for a width of {shape[1]}")
    scale = scaling(layer, first[0])
    return Change(
        shape,
        partial(_changed_embedding, scale=scale, magnitude=magnitude),
        partial(_same, shape),
        on_base=_ON_BASE if magnitude else "",
        turns=False,
        adds=not magnitude,
    )


def scaling(layer: Layer, rank: int) -> float:
    """Return what the product of the factors is multiplied by.

    An ``alpha`` in the file comes first, as kohya's scripts write it, where 0 stands for the rank;
    then the configuration; where neither is there, the scale is 1.
    """
    settings = layer.settings
    if layer.alpha is not None:
        alpha = layer.alpha or float(rank)
    elif settings:
        alpha = settings.of_layer("lora_alpha", "alpha_pattern", layer.key, 8.0)
    else:
        return 1.0
    return alpha / (rank**0.5 if settings.says("use_rslora") else rank)


def _start(layer: Layer, shape: Shape) -> str:
    """Return how the factors were cut out of the base; empty where the base was left whole."""
    start = layer.settings.text("init_lora_weights")
    if start in _STARTS:
        return ""
    plain = len(shape) == 2 and "lora_embedding_A" not in layer.roles
    if start == "pissa" and plain:
        return start
    if start == "olora" and plain and not layer.settings.says("fan_in_fan_out"):
        return start
    raise RefusedError(
        f"starts from factors that were taken out of the base (init_lora_weights={start!r}), in a "
        "way that cannot be repeated here"
    )


def _magnitude(layer: Layer, shape: Shape) -> str:
    """Return the role of DoRA's magnitudes; empty where there are none."""
    found = [role for role in _MAGNITUDES if role in layer.roles]
    _check_dora(layer, bool(found))
    if not found:
        return ""
    (role,) = found
    held = layer.shapes[role]
    outputs = int(np.prod(held)) == shape[0] and (role == _MAGNITUDES[0] or held[0] == shape[0])
    inputs = role == "dora_scale" and len(held) > 1 and held[:2] == (1, shape[1])
    if not (outputs or inputs):
        raise UnfitError(f"has magnitudes of shape {held} for a change of shape {shape}")
    return role


def _check_dora(layer: Layer, found: bool) -> None:
    if layer.settings and layer.settings.says("use_dora") != found:
        raise RefusedError("has DoRA's magnitudes, and its configuration does not, or the reverse")


# --- shapes ---


def _shape(first: Shape, second: Shape, middle: Shape | None) -> tuple[Shape, str]:
    """Return the shape of a change, and why there is none."""
    if min(len(first), len(second)) < 2 or 0 in (*first, *second):
        return (), _misfit(first, second)
    inner = int(np.prod(second[1:]))
    if middle is not None:
        # LoCon: a core between the factors, which has the window.
        fits = len(middle) > 2 and middle[:2] == (inner, first[0])
        fits = fits and int(np.prod(first[2:])) == 1
        return (second[0], first[1], *middle[2:]), "" if fits else _misfit(second, middle, first)
    if inner == first[0]:
        return (second[0], *first[1:]), ""
    if len(second) > 2 and inner and first[0] % inner == 0:
        groups = f"is of a convolution in {first[0] // inner} groups"
        return (), f"{groups}, whose change is not a kernel of that shape: PEFT does not merge it"
    return (), _misfit(first, second)


def _misfit(*shapes: Shape) -> str:
    texts = ", ".join(map(str, reversed(shapes)))
    return f"has factors that do not fit, of shapes {texts.replace('), (', ') and (')}"


def _same(shape: Shape, base: Shape) -> bool:
    return shape == base


# --- stacked experts ---


def _of_experts(layer: Layer) -> Change | None:
    """Return the change of a stack; None where the factors are those of one matrix."""
    first, second = layer.shapes["lora_A"], layer.shapes["lora_B"]
    rank = int(layer.settings.of_layer("r", "rank_pattern", layer.key))
    if not len(first) == len(second) == 2 or first[0] != second[1] or rank < 1 or first[0] % rank:
        raise UnfitError(_misfit(first, second))
    count = first[0] // rank
    if count == 1:
        return None
    if _start(layer, (0, 0, 0)) or layer.settings.says("use_dora"):
        raise RefusedError("is DoRA on stacked experts, as PEFT does not have it")
    scale = scaling(layer, rank)
    shape = (count, second[0], first[1])
    return Change(
        shape,
        partial(_changed_stack, scale=scale, count=count),
        partial(_same, shape),
        stacked=True,
    )


# --- values ---


def _changed(
    parts: Parts,
    base: AnyArray | None,
    *,
    scale: float,
    shape: Shape,
    start: str,
    magnitude: str,
    axis: int,
) -> AnyArray:
    down, up = parts["lora_A"], parts["lora_B"]
    if "lora_mid" in parts:
        core = parts["lora_mid"].reshape(*parts["lora_mid"].shape[:2], -1)
        flat = [factor.reshape(len(factor), -1) for factor in (up, down)]
        product = np.einsum("or,rsx,si->oix", flat[0], core, flat[1], optimize=True)
    else:
        product = up.reshape(len(up), -1) @ down.reshape(len(down), -1)
    product = np.asarray(scale * product).reshape(shape)
    if base is None:
        return product
    whole = added(product, base)
    if start:
        whole = whole - _taken_out(base, start, len(down), scale)
    return _with_magnitudes(whole, parts[magnitude], axis) if magnitude else whole


def _taken_out(base: AnyArray, start: str, rank: int, scale: float) -> AnyArray:
    """Return what the first factors took out of the base: its first columns, or directions."""
    if start == "olora":
        q, r = np.linalg.qr(base)
        return np.asarray(scale * (q[:, :rank] @ r[:rank]))
    u, s, vt = np.linalg.svd(base, full_matrices=False)
    return np.asarray((u[:, :rank] * s[:rank]) @ vt[:rank])


def _with_magnitudes(whole: AnyArray, magnitudes: AnyArray, kept: int) -> AnyArray:
    """Return the array with its slices along the axis `kept` scaled to these norms."""
    sizes = tuple(n if axis == kept else 1 for axis, n in enumerate(whole.shape))
    others = tuple(axis for axis in range(whole.ndim) if axis != kept)
    norms = np.sqrt((whole * whole).sum(axis=others)).reshape(sizes)
    # PEFT divides by a norm of 0 too: what is not finite is found later.
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(whole * (magnitudes.reshape(sizes) / norms))


def _changed_embedding(
    parts: Parts, base: AnyArray | None, *, scale: float, magnitude: str
) -> AnyArray:
    product = scale * (parts["lora_embedding_B"] @ parts["lora_embedding_A"]).T
    whole = added(product, base)
    return _with_magnitudes(whole, parts[magnitude], 1) if magnitude else whole


def _changed_stack(parts: Parts, base: AnyArray | None, *, scale: float, count: int) -> AnyArray:
    down, up = parts["lora_A"], parts["lora_B"]
    # PEFT keeps the experts outside in one factor, inside in the other.
    first = down.reshape(count, -1, down.shape[1])
    second = up.reshape(len(up), -1, count)
    product = np.einsum("ore,eri->eoi", second, first, optimize=True)
    return added(scale * product, base)


LORA = Method(
    "LORA",
    frozenset(("lora_A", "lora_B")),
    frozenset((*_MAGNITUDES, "lora_mid", "lora_B.bias")),
    _FIELDS,
    change,
)
LORA_OF_EMBEDDING = Method(
    "LORA",
    frozenset(("lora_embedding_A", "lora_embedding_B")),
    frozenset((_MAGNITUDES[0],)),
    _FIELDS,
    change_of_embedding,
)
