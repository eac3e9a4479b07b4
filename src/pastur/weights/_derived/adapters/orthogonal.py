"""OFT and BOFT: the inputs of a matrix rotated in blocks (Qiu et al. 2023; Liu et al. 2024)."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from pastur._typing import AnyArray
from pastur.weights._derived.adapters.contract import (
    Change,
    Layer,
    Method,
    Parts,
    RefusedError,
    UnfitError,
)
from pastur.weights._derived.adapters.contract import Shape as _Shape

_ON_BASE = "rotates the base"


def rotation(layer: Layer) -> Change:
    """Return the change of OFT: blocks of inputs, each turned by a rotation of its own."""
    settings = layer.settings
    if "use_cayley_neumann" not in settings.entries:
        raise RefusedError("is OFT whose configuration does not state how the rotations are made")
    if settings.says("fan_in_fan_out"):
        raise RefusedError("is OFT on a layer that keeps inputs first, which PEFT does not merge")
    held = layer.shapes["oft_R"]
    size = (1 + math.isqrt(1 + 8 * held[-1])) // 2 if len(held) == 2 else 0
    if size < 2 or size * (size - 1) // 2 != held[-1]:
        raise UnfitError(f"has a rotation of shape {held}")
    shared = settings.says("block_share")
    terms = 0
    if settings.says("use_cayley_neumann"):
        terms = int(settings.number("num_cayley_neumann_terms", 5))
        if not 1 <= terms <= 100:
            raise RefusedError(f"makes its rotations of {terms} terms")
    radius = settings.number("eps", 6e-5) / held[0] ** 0.5 if settings.says("coft") else math.inf
    return Change(
        (),
        partial(_rotated, size=size, terms=terms, radius=radius),
        partial(_fits_blocks, size, 0 if shared else held[0]),
        on_base=_ON_BASE,
        turns=False,
        adds=False,
    )


def _fits_blocks(size: int, count: int, base: _Shape) -> bool:
    inputs = math.prod(base[1:])
    return len(base) >= 2 and (inputs == size * count if count else inputs % size == 0)


def _rotated(
    parts: Parts, base: AnyArray | None, *, size: int, terms: int, radius: float
) -> AnyArray:
    assert base is not None
    angles = parts["oft_R"]
    skew = np.zeros((len(angles), size, size))
    skew[:, *np.triu_indices(size, 1)] = angles
    skew -= skew.transpose(0, 2, 1)
    if math.isfinite(radius):
        norms = np.sqrt((skew * skew).sum((1, 2), keepdims=True))
        skew = np.where(norms <= radius, skew, radius * skew / np.maximum(norms, 1e-300))
    return _turned(base, _neumann(skew, terms) if terms else _cayley(skew))


def _neumann(skew: AnyArray, terms: int) -> AnyArray:
    """Return I + 2Q + 2Q² + … + Qᵏ, in the number of terms that PEFT takes."""
    total = np.broadcast_to(np.eye(skew.shape[1]), skew.shape).copy()
    if terms > 1:
        total += 2 * skew
    if terms > 2:
        power = skew @ skew
        total += 2 * power
        for _ in range(3, terms - 1):
            power = power @ skew
            total += 2 * power
        total += power @ skew
    return total


def _cayley(skew: AnyArray) -> AnyArray:
    """Return (I − Q)(I + Q)⁻¹."""
    unit = np.eye(skew.shape[1])
    # The two factors commute.
    return np.asarray(np.linalg.solve(unit + skew, unit - skew))


def _turned(base: AnyArray, rotations: AnyArray) -> AnyArray:
    """Return the base with each block of its inputs turned; one rotation may serve for all."""
    size = rotations.shape[1]
    blocks = base.reshape(len(base), -1, size)
    every = np.broadcast_to(rotations, (blocks.shape[1], size, size))
    turned = np.einsum("obk,bck->obc", blocks, every, optimize=True)
    return np.asarray(turned.reshape(base.shape))


def butterfly(layer: Layer) -> Change:
    """Return the change of BOFT with one butterfly factor, whose outputs are scaled too."""
    held, scales = layer.shapes["boft_R"], layer.shapes["boft_s"]
    if len(held) != 4 or held[2] != held[3] or len(scales) != 2 or min(scales) != 1:
        raise UnfitError(f"has rotations of shape {held} and scales of shape {scales}")
    if held[0] != 1:
        raise RefusedError(f"is BOFT of {held[0]} butterfly factors, and one is computed")
    if layer.settings.says("fan_in_fan_out"):
        raise RefusedError("is BOFT on a layer that keeps inputs first, which PEFT does not merge")
    return Change(
        (),
        _butterfly,
        partial(_fits_butterfly, held[2], held[1], math.prod(scales)),
        on_base=_ON_BASE,
        turns=False,
        adds=False,
    )


def _fits_butterfly(size: int, count: int, outputs: int, base: _Shape) -> bool:
    return base[0] == outputs and _fits_blocks(size, count, base)


def _butterfly(parts: Parts, base: AnyArray | None) -> AnyArray:
    assert base is not None
    given = parts["boft_R"][0]
    turned = _turned(base, _cayley(0.5 * (given - given.transpose(0, 2, 1))))
    return turned * parts["boft_s"].reshape(-1, *(1,) * (base.ndim - 1))


OFT = Method(
    "OFT",
    frozenset(("oft_R",)),
    frozenset(),
    frozenset(
        "r oft_block_size module_dropout fan_in_fan_out init_weights coft eps block_share "
        "use_cayley_neumann num_cayley_neumann_terms".split()
    ),
    rotation,
)
BOFT = Method(
    "BOFT",
    frozenset(("boft_R", "boft_s")),
    frozenset(),
    frozenset(
        "boft_block_size boft_block_num boft_n_butterfly_factor boft_dropout fan_in_fan_out "
        "init_weights".split()
    ),
    butterfly,
)
