"""Weights in parts: PyTorch's `prune`, `weight_norm`, `spectral_norm` and `parametrize`.

A state does not name the function that makes the weight of its parts. Where names and shapes leave
one answer, the weight is made; where they leave several, it is left out with that as the reason.
"""

from collections.abc import Callable, Iterator
from functools import partial
from math import prod

import numpy as np

from pastur._typing import AnyArray
from pastur.weights._derived.conventions.arithmetic import Shape
from pastur.weights._derived.conventions.contract import Convention, Derived, Stored, refused
from pastur.weights.tensors import TensorInfo

_FOLDER = "parametrizations."
_WORDS = ("weight", "bias", "kernel")
_ASK = "pass the module itself to pastur, or call remove_parametrizations before saving"


def _pruned(stored: Stored) -> Iterator[Derived]:
    """Yield weights that are an original times a mask."""
    for stem, name, whole in stored.ending("_orig"):
        mask = stored.entries.get(f"{stem}_mask")
        vectors = [n for n in (f"{stem}_u", f"{stem}_v") if n in stored.entries]
        if mask is not None:
            parts = {name: "the values before pruning", mask.name: "the mask"}
            if mask.shape != whole.shape or vectors:
                parts |= dict.fromkeys(vectors, "a vector")
                yield refused(stem, whole, parts, "is pruned, in a way that pastur does not undo")
            else:
                make = partial(_masked, whole=name, mask=mask.name)
                yield _exact(stem, whole, parts, make)
        elif vectors:
            yield _spectral(stored, stem, name, whole, f"{stem}_u", f"{stem}_v")


def _exact(
    weight: str,
    whole: TensorInfo,
    parts: dict[str, str],
    make: Callable[[Callable[[str], AnyArray]], AnyArray],
) -> Derived:
    """Return a weight of the shape of its largest part."""
    dtype = "float64" if whole.dtype == "float64" else "float32"
    return Derived(weight, whole.shape, parts, make, layout=whole.layout, dtype=dtype)


def _masked(read: Callable[[str], AnyArray], *, whole: str, mask: str) -> AnyArray:
    # What is masked is zero even where it is infinite.
    return np.where(read(mask).astype(bool), read(whole), 0)


def _normed(stored: Stored) -> Iterator[Derived]:
    """Yield weights that are a length times a direction."""
    for stem, name, lengths in stored.ending("_g"):
        direction = stored.entries.get(f"{stem}_v")
        if direction is None or not stem.rpartition(".")[2].startswith(_WORDS):
            continue
        parts = {name: "the lengths", direction.name: "the directions"}
        yield _norm(stem, parts, lengths, direction)


def _norm(
    weight: str, parts: dict[str, str], lengths: TensorInfo, direction: TensorInfo
) -> Derived:
    shape = direction.shape
    floats = all(one.dtype.startswith(("float", "bfloat")) for one in (lengths, direction))
    plain = floats and prod(shape) > 0
    if not plain or _kept_axis(lengths.shape, shape) is None:
        return refused(weight, direction, parts, "is kept in two parts that do not fit weight_norm")
    make = partial(_scaled, lengths=lengths.name, direction=direction.name)
    return _exact(weight, direction, parts, make)


def _kept_axis(lengths: Shape, shape: Shape) -> int | None:
    """Return the axis along which the lengths go, the rank where there is one; None if neither."""
    if prod(lengths) == 1 and len(lengths) in (0, len(shape)):
        return len(shape)
    if len(lengths) != len(shape):
        return None
    axes = [axis for axis, n in enumerate(lengths) if n != 1]
    return axes[0] if len(axes) == 1 and lengths[axes[0]] == shape[axes[0]] else None


def _scaled(read: Callable[[str], AnyArray], *, lengths: str, direction: str) -> AnyArray:
    values, factors = (read(name).astype(np.float64) for name in (direction, lengths))
    kept = _kept_axis(factors.shape, values.shape)
    others = tuple(axis for axis in range(values.ndim) if axis != kept)
    norms = np.sqrt(np.sum(values**2, axis=others, keepdims=True))
    return np.asarray(values * (factors / norms))


def _spectral(stored: Stored, weight: str, name: str, whole: TensorInfo, u: str, v: str) -> Derived:
    """Return a weight that is divided by its largest singular value, as two vectors give it."""
    parts = {name: "the values before division"}
    parts |= {vector: "a singular vector" for vector in (u, v) if vector in stored.entries}
    sizes = [stored.entries[vector].shape for vector in (u, v) if vector in stored.entries]
    total = prod(whole.shape)
    axes = [axis for axis, n in enumerate(whole.shape) if n and sizes == [(n,), (total // n,)]]
    if not axes or not whole.dtype.startswith(("float", "bfloat")):
        reason = f"is kept in parts that do not fit spectral_norm: {_ASK}"
        return refused(weight, whole, parts, reason)
    make = partial(_divided, whole=name, u=u, v=v, axes=axes)
    return _exact(weight, whole, parts, make)


def _divided(
    read: Callable[[str], AnyArray], *, whole: str, u: str, v: str, axes: list[int]
) -> AnyArray:
    values, left, right = (read(name).astype(np.float64) for name in (whole, u, v))
    # Of equal sides any may be the one that was put first. For it the two vectors are singular
    # ones, and the number between them is the largest.
    norms = [
        float(left @ np.moveaxis(values, axis, 0).reshape(len(left), -1) @ right) for axis in axes
    ]
    return np.asarray(values / max(norms, key=abs))


def _parametrised(stored: Stored) -> Iterator[Derived]:
    """Yield weights with one or several parametrisations of `torch.nn.utils.parametrize`."""
    for stem, first, lengths in stored.ending(".original0"):
        owner, weight = _owner(stem)
        second = f"{stem}.original1"
        if owner is None:
            continue
        parts = _all_parts(stored, stem)
        if set(parts) == {first, second}:
            parts = {first: "the lengths", second: "the directions"}
            yield _norm(weight, parts, lengths, stored.entries[second])
        else:
            yield refused(weight, lengths, parts, _unknown(len(parts)))
    for stem, name, whole in stored.ending(".original"):
        owner, weight = _owner(stem)
        if owner is None:
            continue
        parts = _all_parts(stored, stem)
        u, v = f"{stem}.0._u", f"{stem}.0._v"
        if set(parts) == {name, u, v}:
            yield _spectral(stored, weight, name, whole, u, v)
        else:
            yield refused(weight, whole, parts, _unknown(len(parts)))


def _owner(stem: str) -> tuple[str | None, str]:
    """Return the module of ``MODULE.parametrizations.NAME``, and the name of the weight."""
    before, mark, weight = stem.rpartition(_FOLDER)
    sound = mark and "." not in weight and (not before or before.endswith("."))
    return (before, f"{before}{weight}") if sound else (None, "")


def _all_parts(stored: Stored, stem: str) -> dict[str, str]:
    return dict.fromkeys(stored.under(f"{stem}."), "a part")


def _unknown(count: int) -> str:
    parts = f"{count} part{'s' * (count > 1)}"
    return f"is made of {parts} by a function that a state does not name: {_ASK}"


PRUNED = Convention("prune, spectral_norm", _pruned)
NORMED = Convention("weight_norm", _normed)
PARAMETRISED = Convention("parametrize", _parametrised)
