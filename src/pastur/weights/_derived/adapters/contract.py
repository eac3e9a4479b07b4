"""What a method of adaptation is: the tensors of a layer in, the change of its matrix out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pastur._typing import AnyArray
from pastur.weights._derived.adapters.settings import Settings

Shape = tuple[int, ...]
# An adapter's tensors by their roles, in float64.
Parts = Mapping[str, AnyArray]


class RefusedError(Exception):
    """Why an adapter is not computed at all, in words that follow "which"."""


class NeedsBaseError(Exception):
    """Why an adapter is not computed without its base, in words that follow "that"."""


class UnfitError(Exception):
    """Why the change of one layer is not computed, in words that follow its name."""


@dataclass(frozen=True)
class Layer:
    """What an adapter holds of one layer.

    Attributes
    ----------
    name : str
        Name of the layer in the base model, as the adapter gives it.
    roles : mapping of str to str
        The names of its tensors, by what they are: ``lora_A``, ``hada_w1_a``.
    shapes : mapping of str to tuple of int
        Their shapes, by the same keys.
    settings : Settings
    scale : float or None
        ``alpha`` where the file holds it for this layer.
    depth : int
        How many adapters of the same module lie within this one.
    parameter : str
        The name of the matrix in its layer, where a configuration names it.
    """

    name: str
    roles: Mapping[str, str]
    shapes: Mapping[str, Shape]
    settings: Settings
    alpha: float | None = None
    depth: int = 0
    parameter: str = ""

    @property
    def key(self) -> str:
        """The name that patterns of a configuration are matched with."""
        return f"{self.name}.{self.parameter}" if self.parameter else self.name


@dataclass(frozen=True)
class Change:
    """What an adapter does to one matrix.

    Attributes
    ----------
    shape : tuple of int
        Shape of the change, outputs first; empty where only the base has it.
    compute : callable
        ``compute(parts, base)`` returns the changed matrix, or where `base` is None the change
        alone. `base` has its outputs first.
    fits : callable
        ``fits(shape)``: whether a base of this shape, its outputs first, can be changed so.
    on_base : str
        Why the change cannot be computed without the base; empty where it can.
    vectors : tuple of str
        What else is changed in the layer and is not a matrix.
    stacked : bool
        Whether it is a stack of matrices, one on the other.
    turns : bool
        Whether the base may keep inputs first.
    adds : bool
        Whether it adds to the base, whose entries then stay as they were rounded.
    """

    shape: Shape
    compute: Callable[[Parts, AnyArray | None], AnyArray] = field(repr=False)
    fits: Callable[[Shape], bool] = field(repr=False)
    on_base: str = ""
    vectors: tuple[str, ...] = ()
    stacked: bool = False
    turns: bool = True
    adds: bool = True


@dataclass(frozen=True)
class Method:
    """One method of adaptation.

    Attributes
    ----------
    peft_type : str
        PEFT's word for it.
    needed, possible : frozenset of str
        What a layer must hold, and may hold.
    fields : frozenset of str
        The entries of a configuration that it takes into account.
    change : callable
        ``change(layer)`` returns the `Change`, or raises `RefusedError` or `UnfitError`.
    """

    peft_type: str
    needed: frozenset[str]
    possible: frozenset[str]
    fields: frozenset[str]
    change: Callable[[Layer], Change] = field(repr=False)

    def takes(self, roles: frozenset[str]) -> bool:
        """Tell whether these are the tensors of a layer so adapted."""
        return self.needed <= roles <= self.needed | self.possible


def unfolds_to(shape: Shape, base: Shape) -> bool:
    """Tell whether two shapes have the same outputs, and as many numbers for each."""
    return len(base) >= 2 and base[0] == shape[0] and math.prod(base[1:]) == math.prod(shape[1:])


def added(change: AnyArray, base: AnyArray | None) -> AnyArray:
    """Return a change on its base; alone where there is none."""
    return change if base is None else base + change.reshape(base.shape)
