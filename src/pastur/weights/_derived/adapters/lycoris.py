"""LoHa and LoKr: products of Hadamard and of Kronecker (Yeh et al. 2023), as PEFT and LyCORIS."""

from __future__ import annotations

from collections.abc import Mapping
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

_FIELDS = frozenset(
    "r alpha alpha_pattern rank_pattern rank_dropout rank_dropout_scale module_dropout "
    "use_effective_conv2d init_weights decompose_both decompose_factor".split()
)
_UNFIT = "has factors that do not fit"


def _scale(layer: Layer, rank: int) -> float:
    """Return alpha over the rank; `rank` is 0 where no factor is thin, and the file states none."""
    if layer.alpha is not None:
        return layer.alpha / rank if rank and layer.alpha else 1.0
    if not layer.settings:
        return 1.0
    own = rank or layer.settings.of_layer("r", "rank_pattern", layer.name, 8)
    if own < 1:
        raise RefusedError(f"has the rank {own:g}")
    return layer.settings.of_layer("alpha", "alpha_pattern", layer.name, 8) / own


# --- LoHa ---


def hadamard(layer: Layer) -> Change:
    """Return the change (a₁b₁) ∘ (a₂b₂), with a core between the factors of a convolution."""
    shapes = layer.shapes
    core = [shapes[role] for role in ("hada_t1", "hada_t2") if role in shapes]
    rank = shapes["hada_w1_b"][0] if shapes["hada_w1_b"] else 0
    if len(core) == 1 or not rank:
        raise UnfitError(_UNFIT)
    own = [_product_shape(shapes[f"hada_w{k}_a"], shapes[f"hada_w{k}_b"], core) for k in (1, 2)]
    if own[0] != own[1] or (core and core[0] != core[1]):
        raise UnfitError(f"{_UNFIT}: their products have the shapes {own[0]} and {own[1]}")
    compute = partial(_hadamard, scale=_scale(layer, rank))
    return Change(own[0], compute, partial(unfolds_to, own[0]))


def _hadamard(parts: Parts, base: AnyArray | None, *, scale: float) -> AnyArray:
    one, two = (
        _product(parts[f"hada_w{k}_a"], parts[f"hada_w{k}_b"], parts.get(f"hada_t{k}"))
        for k in (1, 2)
    )
    return added(scale * one * two, base)


# --- LoKr ---


def kronecker(layer: Layer) -> Change:
    """Return the change w₁ ⊗ w₂, each of them whole or a product."""
    shapes = layer.shapes
    first, one = _side(shapes, 1)
    second, two = _side(shapes, 2)
    if len(first) != 2 or len(second) < 2:
        raise UnfitError(f"{_UNFIT}, of shapes {first} and {second}")
    shape = (first[0] * second[0], first[1] * second[1], *second[2:])
    compute = partial(_kronecker, scale=_scale(layer, one or two))
    return Change(shape, compute, partial(unfolds_to, shape))


def _side(held: Mapping[str, Shape], k: int) -> tuple[Shape, int]:
    """Return the shape of a factor, and its rank where it is a product."""
    whole, parts = f"lokr_w{k}", (f"lokr_w{k}_a", f"lokr_w{k}_b")
    core = [held[f"lokr_t{k}"]] if f"lokr_t{k}" in held else []
    if whole in held and not core and not any(part in held for part in parts):
        return held[whole], 0
    if whole in held or not all(part in held for part in parts):
        raise UnfitError(f"{_UNFIT}: it has not each side once")
    a, b = (held[part] for part in parts)
    return _product_shape(a, b, core), b[0]


def _kronecker(parts: Parts, base: AnyArray | None, *, scale: float) -> AnyArray:
    one, two = (
        parts[f"lokr_w{k}"]
        if f"lokr_w{k}" in parts
        else _product(parts[f"lokr_w{k}_a"], parts[f"lokr_w{k}_b"], parts.get(f"lokr_t{k}"))
        for k in (1, 2)
    )
    one = one.reshape(*one.shape, *(1,) * (two.ndim - 2))
    return added(scale * np.kron(one, two), base)


# --- both ---


def _product_shape(a: Shape, b: Shape, core: list[Shape]) -> Shape:
    """Return the shape of a product of factors; with a core, both have the rank first."""
    if len(a) != 2 or len(b) < 2 or 0 in (*a, *b):
        raise UnfitError(f"{_UNFIT}, of shapes {a} and {b}")
    if core:
        if len(b) != 2 or len(core[0]) < 3 or core[0][:2] != (a[0], b[0]):
            raise UnfitError(f"{_UNFIT}, of shapes {a}, {core[0]} and {b}")
        return (a[1], b[1], *core[0][2:])
    if a[1] != b[0]:
        raise UnfitError(f"{_UNFIT}, of shapes {a} and {b}")
    return (a[0], *b[1:])


def _product(a: AnyArray, b: AnyArray, core: AnyArray | None) -> AnyArray:
    if core is None:
        return np.asarray(np.tensordot(a, b, 1))
    flat = core.reshape(*core.shape[:2], -1)
    product = np.einsum("ijx,ip,jr->prx", flat, a, b, optimize=True)
    return np.asarray(product.reshape(a.shape[1], b.shape[1], *core.shape[2:]))


LOHA = Method(
    "LOHA",
    frozenset(("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b")),
    frozenset(("hada_t1", "hada_t2")),
    _FIELDS,
    hadamard,
)
LOKR = Method(
    "LOKR",
    frozenset(),
    frozenset(
        ("lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2")
    ),
    _FIELDS,
    kronecker,
)
