"""Quantised tensors of ONNX: which other tensors undo the packing, and how."""

from collections.abc import Callable
from dataclasses import dataclass

from pastur._typing import AnyArray
from pastur.weights._derived.conventions.arithmetic import (
    Shape,
    as_float32,
    float_widths,
    stretched,
)
from pastur.weights._derived.conventions.contract import Codes

COMPUTED = -1  # in place of a tensor: a value that is made while the model runs


@dataclass(frozen=True)
class Packing:
    """Codes q that stand for (q − zero point)·scale.

    Attributes
    ----------
    scale, zero_point : int or None
        Places of the two among the tensors of the model; None where there is none, or `COMPUTED`.
    axis : int
        Along which they go, where there are several; beyond the last where there is no such axis.
    block : int
        How many entries along it share one; 0 where each has its own.
    """

    scale: int | None
    zero_point: int | None
    axis: int
    block: int

    @property
    def places(self) -> tuple[int, ...]:
        """Return scale and zero point, those that there are."""
        return tuple(place for place in (self.scale, self.zero_point) if place is not None)

    def fits(self, scales: Shape, shape: Shape) -> bool:
        """Tell whether there is a scale for each block along the axis of a tensor."""
        if self.axis >= len(shape) or self.block < 1:
            return False
        blocks = list(shape)
        blocks[self.axis] = -(-shape[self.axis] // self.block)
        return list(scales) == blocks


def packed(values: AnyArray, packing: Packing, read: Callable[[int], AnyArray]) -> Codes:
    """Return the codes with their scale and zero point: along one axis, by blocks or for all."""

    def along(place: int | None, missing: float) -> AnyArray:
        if place is None:
            return as_float32(missing)
        numbers = as_float32(read(place))
        block = [1] * values.ndim
        if packing.block:
            block[packing.axis] = packing.block
            return stretched(numbers, values.shape, tuple(block))
        if numbers.size > 1:
            block[packing.axis] = numbers.size
        return numbers.reshape(block)

    floats = values.dtype.name.startswith("float8")
    widths = float_widths(values) if floats else 1.0
    return Codes(values, along(packing.scale, 1.0), along(packing.zero_point, 0.0), widths=widths)
