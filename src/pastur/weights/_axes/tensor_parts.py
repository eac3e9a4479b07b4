"""The matrices in a tensor whose axes are known: unfolded, split, one of several at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from math import prod

import numpy as np

from pastur._typing import AnyArray
from pastur.weights._axes.layout import Layout

UNFOLDINGS = ("outputs", "inputs", "window")

# What describes a matrix takes hundreds of bytes, where a small one takes a few in the file. Models
# with the most experts have some 70,000 matrices.
_MOST = 10_000
MOST_IN_ALL = 100_000


@dataclass(frozen=True, slots=True)
class TensorPart:
    """One matrix in a tensor.

    Attributes
    ----------
    label : str
        What sets it apart from the others in the tensor: ``"q"``, ``"expert 3"``; empty where it
        is alone.
    shape : tuple of two ints
    cut : callable
        ``cut(tensor)`` returns it, of this shape, a view or a copy.
    """

    label: str
    shape: tuple[int, int]
    cut: Callable[[AnyArray], AnyArray] = field(repr=False)


def tensor_parts(
    shape: tuple[int, ...], layout: Layout, unfold: str, most: int = MOST_IN_ALL
) -> list[TensorPart] | str:
    """Return the matrices in a tensor of this shape; or why the layout does not suit it.

    Every entry of the tensor is in exactly one of them.

    Parameters
    ----------
    shape : tuple of int
    layout : Layout
        With one letter for each axis.
    unfold : {"outputs", "inputs", "window"}
        For a convolution of outputs o, inputs i and places s of its window: one matrix o × (i·s),
        i × (o·s), or o × i for each place. Where each output has one input only (depthwise) the
        places take its place, o × s, whatever was chosen.
    most : int
        How many matrices may be added to those of other tensors.
    """
    if layout.shares:
        return _heads(shape, layout)
    sizes = {
        letter: prod(n for n, axis in zip(shape, layout.axes, strict=True) if axis == letter)
        for letter in "eois"
    }
    blocks = layout.groups if sizes["i"] > 1 or sizes["s"] == 1 else 1
    names = layout.parts or ("",)
    if sizes["o"] % (blocks * len(names)):
        return f"its {sizes['o']} outputs do not fall into {blocks * len(names)} equal parts"
    rows = sizes["o"] // (blocks * len(names))
    places = sizes["s"] if unfold == "window" and sizes["i"] > 1 else 1
    count = sizes["e"] * len(names) * blocks * places
    if count > _MOST:
        return f"is of {count} matrices; pastur takes {_MOST} at most from one tensor"
    if count > most:
        return f"is of {count} matrices; pastur takes {MOST_IN_ALL} at most from one model"
    _, n, m = next(_views(rows, sizes["i"], sizes["s"], unfold))
    if line := one_line(n, m):
        each = "has" if count == 1 else f"is of {count} matrices, each with"
        return f"{each} {line}"
    stacked = [n for n, axis in zip(shape, layout.axes, strict=True) if axis == "e"]
    labels = product(
        [",".join(map(str, e)) if sizes["e"] > 1 else "" for e in np.ndindex(*stacked)],
        names,
        [f"group {g}" if blocks > 1 else "" for g in range(blocks)],
    )
    found = []
    for block, label_parts in enumerate(labels):
        for view, n, m in _views(rows, sizes["i"], sizes["s"], unfold):
            place = f"place {view}" if isinstance(view, int) else ""
            cut = partial(_cut, layout=layout, rows=rows, block=block, view=view)
            label = ", ".join(filter(None, (*label_parts, place)))
            found.append(TensorPart(label, (n, m), cut))
    return found


def one_line(n: int, m: int) -> str:
    """Return what a matrix of so many rows and columns has instead of a spectrum; or nothing."""
    if min(n, m) > 1:
        return ""
    return f"one {'row' if n == 1 else 'column'} only: a spectrum of one value"


def _heads(shape: tuple[int, ...], layout: Layout) -> list[TensorPart] | str:
    """Return the parts of a matrix that take turns, or have different numbers of heads."""
    outputs, inputs = shape if layout.axes == "oi" else shape[::-1]
    total = layout.repeats * sum(layout.shares)
    if outputs % total:
        return f"its {outputs} outputs do not fall into {total} heads"
    found = []
    start = 0
    for name, share in zip(layout.parts, layout.shares, strict=True):
        heads = slice(start, start + share)
        cut = partial(_cut_heads, layout=layout, heads=heads)
        found.append(TensorPart(name, (layout.repeats * share * outputs // total, inputs), cut))
        start += share
    return found


def _cut_heads(tensor: AnyArray, *, layout: Layout, heads: slice) -> AnyArray:
    matrix = tensor if layout.axes == "oi" else tensor.T
    turns = matrix.reshape(layout.repeats, sum(layout.shares), -1, matrix.shape[1])
    return turns[:, heads].reshape(-1, matrix.shape[1])


def _views(o: int, i: int, s: int, unfold: str) -> Iterator[tuple[int | str, int, int]]:
    """Return how a block of o × i × s is seen, a place or an unfolding; rows and columns."""
    if s == 1 or i == 1 or unfold == "outputs":
        yield "outputs", o, i * s
    elif unfold == "inputs":
        yield "inputs", i, o * s
    else:
        yield from ((place, o, i) for place in range(s))


def _cut(tensor: AnyArray, *, layout: Layout, rows: int, block: int, view: int | str) -> AnyArray:
    """Return one block of the outputs, counted through all stacked matrices, in this view."""
    order = [axis for letter in "eois" for axis, name in enumerate(layout.axes) if name == letter]
    e, o, i = (layout.axes.count(letter) for letter in "eoi")
    straight = tensor.transpose(order)
    outputs, inputs = (prod(straight.shape[a:b]) for a, b in ((e, e + o), (e + o, e + o + i)))
    stack, block = divmod(block, outputs // rows)
    # The stacked matrix first: what has to be copied is then it alone.
    one = straight[np.unravel_index(stack, straight.shape[:e])] if e else straight
    cube = one.reshape(outputs, inputs, -1)[block * rows : (block + 1) * rows]
    if isinstance(view, int):
        return cube[:, :, view]
    if view == "inputs":
        cube = cube.transpose(1, 0, 2)
    return cube.reshape(cube.shape[0], -1)
