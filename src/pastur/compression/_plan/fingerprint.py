"""Which model a plan is of: names, shapes and a hash of every tensor."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pastur._errors import InvalidInputError
from pastur._foreign import shown, suggestion
from pastur._typing import AnyArray
from pastur.analysis._matrix.initial_values import SUFFIX
from pastur.weights import TensorInfo, Weights

# Numbers turned into float32 together.
_PART = 1 << 18


@dataclass(frozen=True)
class TensorRecord:
    """One tensor of the model.

    Attributes
    ----------
    name : str
    shape : tuple of ints
    dtype : str
    nbytes : int
        Bytes of its numbers.
    digest : str
        Hash of its numbers, the same in every type that holds them exactly; empty where they cannot
        be read.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    digest: str

    @property
    def entries(self) -> int:
        """Numbers in it."""
        return int(np.prod(self.shape, dtype=np.int64))


def parameters_of(tensors: Sequence[TensorRecord], planned: Collection[str]) -> list[TensorRecord]:
    """Return the tensors that are parameters: all but values before training.

    Those that a plan has, by the names `planned`, are parameters whatever they are called.
    """
    known = {record.name for record in tensors}
    return [
        record
        for record in tensors
        if record.name in planned or record.name.removesuffix(SUFFIX) not in known - {record.name}
    ]


def records(tensors: Sequence[TensorInfo], weights: Weights) -> Iterator[TensorRecord]:
    """Yield the record of each of the tensors of `weights`, each read once."""
    for entry in tensors:
        digest = "" if entry.unreadable else tensor_digest(weights.read(entry.name))
        yield TensorRecord(entry.name, entry.shape, entry.dtype, entry.nbytes, digest)


def tensor_digest(array: AnyArray) -> str:
    """Return a hash of the numbers of an array; floats of at most 32 bits count as float32."""
    found = hashlib.sha256(str(array.shape).encode())
    flat = np.ascontiguousarray(array).reshape(-1)
    small = flat.dtype.kind in "fV" and flat.dtype.itemsize <= 4
    for start in range(0, flat.size, _PART):
        part = flat[start : start + _PART]
        part = part.astype("<f4") if small else part.astype(part.dtype.newbyteorder("<"))
        found.update(part.view(np.uint8).data)
    return found.hexdigest()[:32]


def check_same(planned: Sequence[TensorRecord], there: Sequence[TensorRecord], source: str) -> None:
    """Raise unless the tensors of a source are those of a plan.

    Raises
    ------
    InvalidInputError
        With the first tensor that differs, and how.
    """
    found = {record.name: record for record in there}
    for record in planned:
        other = found.pop(record.name, None)
        if other is None:
            hint = suggestion(record.name, found)
            raise _another(source, f"it has no tensor {shown(record.name)}.{hint}")
        check_tensor(record, other, source)
        if record.dtype != other.dtype:
            held = f"tensor {shown(record.name)} is stored as {other.dtype}, not {record.dtype}."
            raise _another(source, held)
        if record.nbytes != other.nbytes:
            sizes = f"{other.nbytes} bytes, not {record.nbytes}."
            raise _another(source, f"tensor {shown(record.name)} has {sizes}")
    if found:
        raise _another(source, f"tensor {shown(next(iter(found)))} is not in the plan.")


def check_tensor(record: TensorRecord, other: TensorRecord, source: str) -> None:
    """Raise unless one tensor is that of a plan."""
    if record.shape != other.shape:
        raise _another(
            source, f"tensor {shown(record.name)} has the shape {other.shape}, not {record.shape}."
        )
    if record.digest != other.digest:
        raise _another(source, f"the numbers of tensor {shown(record.name)} differ.")


def _another(source: str, what: str) -> InvalidInputError:
    return InvalidInputError(
        f"The plan is of another model than {source}: {what} Plan again for this one."
    )
