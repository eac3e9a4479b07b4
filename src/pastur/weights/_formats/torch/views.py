"""Tensors of PyTorch's files: views of stored numbers, held against what the file really has."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import IO, Any

import numpy as np

from pastur._errors import FileFormatError, InvalidInputError
from pastur._foreign import shown
from pastur._typing import AnyArray
from pastur.weights._derived.conventions.arithmetic import as_float32
from pastur.weights._derived.conventions.contract import Codes
from pastur.weights._hostile.array_bytes import MOST_AXES, check_memory, read_array, reading, shaped
from pastur.weights._hostile.zip_archive import DAMAGE, Archive
from pastur.weights._places.place import Place
from pastur.weights.tensors import TensorInfo, Weights, distinct

# How often the tensors of a file may hold the same numbers in all, as a matrix and its transpose
# do, and how often those may be read, as for the columns of a matrix one by one.
_MOST_SHARED, _MOST_READ = 4, 100


@dataclass(frozen=True)
class Store:
    """The stored numbers of a file.

    Attributes
    ----------
    sizes : mapping of str to int
        Bytes under each name; negative where they are packed.
    open : callable
        ``open(name, skip, count)``: a context with a stream that stands so many bytes behind their
        beginning, and of which `count` are going to be read.
    order : {"<", ">"}
        Order of the bytes in a number.
    """

    sizes: Mapping[str, int]
    open: Callable[[str, int, int], AbstractContextManager[IO[bytes]]]
    order: str = "<"


# Types of codes, and how they are stored.
QUANTISED = {"qint8": "int8", "quint8": "uint8", "qint32": "int32"}


@dataclass(frozen=True, slots=True)
class Quantiser:
    """What turns codes into numbers: scale and zero point, views where they go along an axis."""

    kind: str
    scale: float | View
    zero: int | View
    axis: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """A tensor, and where its numbers lie: `strides` and `offset` in numbers, not bytes."""

    info: TensorInfo
    stored: str
    offset: int
    strides: tuple[int, ...]
    quantiser: Quantiser | None = None

    @property
    def place(self) -> tuple[Any, ...]:
        """What two names of one tensor have in common."""
        return self.stored, self.offset, self.info.dtype, self.info.shape, self.strides


def byte_order(archive: Archive, folder: str) -> str:
    """Return the order of bytes that the member ``byteorder`` of an archive states."""
    member = archive.members.get(f"{folder}byteorder")
    if member is not None and 0 <= member.stored_size < 16:
        return ">" if archive.read(member.name) == b"big" else "<"
    return "<"


def refused(view: View, reason: str) -> View:
    """Return the view as one that cannot be read."""
    return replace(view, info=replace(view.info, unreadable=reason))


def view(
    name: str, dtype: str, shape: Any, strides: Any, offset: Any, stored: str | None, store: Store
) -> View:
    """Return what a file says about a tensor, with the reason if it cannot be true."""
    if not (_counts(shape) and _counts(strides) and _counts((offset,)) and stored is not None):
        return View(TensorInfo(name, (), "unknown", 0, "has no sound description"), "", 0, ())
    kind = _numpy(dtype)
    nbytes = math.prod(shape) * (kind.itemsize if kind is not None else 0)
    info = TensorInfo(name, tuple(shape), dtype or "unknown", nbytes)
    # One text for all tensors in one place.
    found = View(info, sys.intern(stored), offset, tuple(strides))
    if kind is None:
        return refused(
            found, f"has the type {shown(dtype or 'unknown')}, which pastur does not know"
        )
    if len(shape) != len(strides):
        return refused(found, "has no sound description")
    size = store.sizes.get(stored, -1)
    if size < 0:
        reason = f"lies in {shown(stored)}, which the file does not hold unpacked"
        return refused(replace(found, stored=""), reason)
    count = math.prod(shape)
    if count and (offset + _span(shape, strides)) * kind.itemsize > size:
        return refused(found, f"reaches beyond {shown(stored)}, of {size} bytes")
    if count and count > _span(shape, strides):
        return refused(found, "is a view that repeats its numbers: save its contiguous()")
    return found


def weights_of(path: Place, views: Iterable[View], store: Store) -> Weights:
    """Return the tensors of a file, each read when it is requested."""
    found = list(views)
    names = distinct(one.info.name for one in found)
    named = (
        replace(one, info=replace(one.info, name=name))
        for name, one in zip(names, found, strict=True)
    )
    by_name = {one.info.name: one for one in _seen_once(named, store)}
    entries = tuple(_listed(one) for one in by_name.values())
    fetch, steps = partial(_load, path, by_name, store), partial(_steps, path, by_name, store)
    return Weights(str(path), entries, {}, fetch, steps)


def _listed(one: View) -> TensorInfo:
    """Return the header of the tensor as read: of codes, that of the dequantised numbers."""
    if one.quantiser is None or one.info.unreadable:
        return one.info
    nbytes = 4 * math.prod(one.info.shape)
    return replace(one.info, dtype="float32", nbytes=nbytes, quantised=one.quantiser.kind)


def _seen_once(views: Iterable[View], store: Store) -> Iterator[View]:
    """Yield the views; of several names of one tensor all but the first refer to that.

    Others may share numbers too, but not without end.
    """
    first: dict[Any, str] = {}
    held: Counter[str] = Counter()
    read: Counter[str] = Counter()
    for one in views:
        if one.info.unreadable == "" and 0 not in one.info.shape:
            known = first.setdefault(one.place, one.info.name)
            if known != one.info.name:
                one = refused(one, f"is the same tensor as {shown(known)}")
            else:
                count, size = math.prod(one.info.shape), store.sizes[one.stored]
                held[one.stored] += one.info.nbytes
                read[one.stored] += one.info.nbytes // count * _span(one.info.shape, one.strides)
                if held[one.stored] > _MOST_SHARED * size or read[one.stored] > _MOST_READ * size:
                    one = refused(one, "shares its numbers with many others: save its contiguous()")
        yield one


def _load(path: Place, views: Mapping[str, View], store: Store, name: str) -> AnyArray:
    one = views[name]
    found = _stored(path, one, store)
    return found if one.quantiser is None else _codes(path, found, one.quantiser, store).values


def _steps(path: Place, views: Mapping[str, View], store: Store, name: str) -> AnyArray | None:
    one = views[name]
    if one.quantiser is None or one.info.unreadable:
        return None
    return _codes(path, _stored(path, one, store), one.quantiser, store).variances


def _codes(path: Place, levels: AnyArray, quantiser: Quantiser, store: Store) -> Codes:
    def along(part: float | View) -> AnyArray:
        if not isinstance(part, View):
            return as_float32(part)
        sides = [1] * levels.ndim
        sides[quantiser.axis] = -1
        return as_float32(_stored(path, part, store)).reshape(sides)

    return Codes(levels, along(quantiser.scale), along(quantiser.zero))


def _stored(path: Place, one: View, store: Store) -> AnyArray:
    label = f"Tensor {shown(one.info.name)} of {shown(path)}"
    shape, dtype = one.info.shape, _numpy(one.info.dtype)
    assert dtype is not None
    with reading(label, path):
        if not math.prod(shape):
            return shaped(np.empty(0, dtype), shape)
        check_memory(one.info.nbytes)
        span = _span(shape, one.strides)
        skip, count = one.offset * dtype.itemsize, span * dtype.itemsize
        try:
            with store.open(one.stored, skip, count) as stream:
                flat = read_array(stream, (span,), dtype)
        except (FileFormatError, InvalidInputError):
            raise
        except DAMAGE as error:
            raise FileFormatError(f"{label} is damaged: {error}.") from None
        if store.order == ">" and dtype.itemsize > 1:
            flat = flat.byteswap()
        steps = tuple(step * dtype.itemsize for step in one.strides)
        try:
            # A copy, so that no more is kept than the tensor's own numbers.
            return np.ndarray(shape, dtype, flat, strides=steps).copy()
        except ValueError:  # more axes than this version of NumPy has
            raise InvalidInputError(f"has the shape {shape}, which NumPy cannot hold") from None


def _counts(values: Any) -> bool:
    whole = isinstance(values, tuple) and len(values) <= MOST_AXES
    return whole and all(type(v) is int and 0 <= v < 2**62 for v in values)


def _span(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Numbers from the first to the last, both included."""
    return 1 + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))


def _numpy(name: str) -> np.dtype[Any] | None:
    import ml_dtypes

    if not name or "." in name:  # a type that only has a name: torch.complex32
        return None
    try:
        return np.dtype(getattr(ml_dtypes, name, name))
    except TypeError:
        return None
