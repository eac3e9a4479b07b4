"""What the graph of an ONNX model tells of its tensors: which axes are outputs, and how packed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pastur.weights._layout import UNKNOWN, Layout, convolution

_GATES = {"LSTM": ("i", "o", "f", "c"), "GRU": ("z", "r", "h"), "RNN": ()}
_PASSING = ("Identity", "Cast")
# Weight, its scale and its zero point among the inputs; the scale of the last is applied elsewhere.
_PACKED = {
    "DequantizeLinear": (0, 1, 2),
    "QLinearMatMul": (3, 4, 5),
    "QLinearConv": (3, 4, 5),
    "MatMulInteger": (1, None, 3),
    "ConvInteger": (1, None, 3),
}


@dataclass(frozen=True)
class Packing:
    """Integers q that stand for (q − zero point)·scale: the tensors that hold these two."""

    scale: str
    zero_point: str
    axis: int
    blocks: bool

    @property
    def values(self) -> tuple[str, ...]:
        """Return scale and zero point, those that there are."""
        return tuple(filter(None, (self.scale, self.zero_point)))


@dataclass(frozen=True)
class Use:
    """How a tensor is used: its layout, its packing, and why it is no weight."""

    layout: Layout = UNKNOWN
    packing: Packing | None = None
    fault: str = ""


def nodes_and_tensors(model: Any) -> tuple[list[Any], list[tuple[str, str, Any]]]:
    """Return every node of a model, and every tensor by the value it is and a name for it.

    Graphs inside nodes and functions are entered; their tensors' names begin with the node's.
    """
    nodes: list[Any] = []
    tensors: list[tuple[str, str, Any]] = []
    graphs: list[tuple[str, Any]] = [("", model.graph)]
    graphs += [(f"{function.name}.", function) for function in model.functions]
    while graphs:
        prefix, graph = graphs.pop(0)
        for proto in getattr(graph, "initializer", ()):
            tensors.append((proto.name, f"{prefix}{proto.name}", proto))
        for proto in getattr(graph, "sparse_initializer", ()):
            # The numbers that are not zero: one row of them, never a matrix.
            name = f"{prefix}{proto.values.name}"
            tensors.append((proto.values.name, name, proto.values))
        for node in graph.node:
            nodes.append(node)
            for attribute in node.attribute:
                inside = f"{prefix}{node.name or node.op_type}."
                if attribute.HasField("t"):
                    constant = node.op_type == "Constant" and len(node.output) > 0
                    value = node.output[0] if constant else f"{inside}{attribute.name}"
                    tensors.append((value, f"{prefix}{value}" if constant else value, attribute.t))
                if attribute.HasField("g"):
                    graphs.append((inside, attribute.g))
                graphs += [(inside, one) for one in attribute.graphs]
                for number, one in enumerate(attribute.tensors):
                    name = f"{inside}{attribute.name}.{number}"
                    tensors.append((name, name, one))
    return nodes, tensors


def uses(nodes: Iterable[Any], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Use]:
    """Return how each tensor is used, also behind transpositions and conversions.

    Parameters
    ----------
    nodes : iterable
        What makes a value before what takes it, as the format asks for.
    shapes : mapping of str to tuple of int
        Of the tensors, by value.
    """
    found: dict[str, Use] = {}
    origins = {value: _Origin(value, tuple(range(len(s))), None) for value, s in shapes.items()}
    for node in nodes:
        for place, value in enumerate(node.input):
            if value in origins:
                _note(found, origins[value], node, place)
        origin = origins.get(node.input[0]) if node.input else None
        moved = None if origin is None else _behind(node, origin)
        if moved is not None and node.output:
            origins.setdefault(node.output[0], moved)
    return found


class _Origin(NamedTuple):
    """The tensor of which a value is made; which of its axes stand where; how it is unpacked."""

    tensor: str
    order: tuple[int, ...]
    packing: Packing | None


def _behind(node: Any, origin: _Origin) -> _Origin | None:
    """Return what a node makes of a tensor; None where it is another one."""
    if node.op_type == "Transpose":
        attributes = {a.name: tuple(a.ints) for a in node.attribute}
        moved = attributes.get("perm") or tuple(range(len(origin.order)))[::-1]
        if sorted(moved) != list(range(len(origin.order))):
            return None
        return origin._replace(order=tuple(origin.order[axis] for axis in moved))
    if node.op_type == "DequantizeLinear":
        return origin._replace(packing=_packing(node))
    return origin if node.op_type in _PASSING else None


def _note(found: dict[str, Use], origin: _Origin, node: Any, place: int) -> None:
    """Add what one node tells of the tensor that it takes at `place`."""
    old = found.get(origin.tensor, Use())
    if old.layout != UNKNOWN:
        return
    packing, rank = origin.packing, len(origin.order)
    if node.op_type in _PACKED and _PACKED[node.op_type][0] == place:
        packing = packing or _packing(node)
    layout = _layout(node, place, rank)
    if layout is None:
        passed_on = node.op_type in (*_PASSING, "Transpose", *_PACKED)
        # Of two axes: a table, unless a recurrent layer takes it for its biases.
        none = node.op_type in _GATES or (rank > 2 and not passed_on)
        fault = f"is used by {node.op_type}, which tells pastur of no matrix" if none else ""
        found[origin.tensor] = Use(UNKNOWN, old.packing or packing, old.fault or fault)
    elif len(layout.axes) == rank:
        letters = dict(zip(origin.order, layout.axes, strict=True))
        axes = "".join(letters[axis] for axis in range(rank))
        found[origin.tensor] = Use(replace(layout, axes=axes), packing)


def _packing(node: Any) -> Packing:
    _, scale, zero_point = _PACKED[node.op_type]

    def name(place: int | None) -> str:
        return node.input[place] if place is not None and place < len(node.input) else ""

    numbers = {a.name: a.i for a in node.attribute}
    # Along the outputs: the first axis of a kernel, the last of a matrix.
    usual = {"DequantizeLinear": 1, "QLinearConv": 0, "ConvInteger": 0}.get(node.op_type, -1)
    blocks = bool(numbers.get("block_size", 0))
    return Packing(name(scale), name(zero_point), numbers.get("axis", usual), blocks)


def _layout(node: Any, place: int, rank: int) -> Layout | None:
    """Return the layout of the input of a node at `place`, as the node takes it."""
    operation = node.op_type
    numbers = {a.name: a.i for a in node.attribute}
    groups = max(1, numbers.get("group", 1))
    second, _, _ = _PACKED.get(operation, (1, None, None))
    if operation in ("MatMul", "MatMulInteger", "QLinearMatMul") and rank >= 2:
        if place in (0, second):
            return Layout("e" * (rank - 2) + ("io" if place else "oi"))
    elif operation == "Gemm" and place < 2:
        return Layout("oi" if bool(numbers.get("transB", 0)) == bool(place) else "io")
    elif operation in ("Conv", "ConvInteger", "QLinearConv") and place == second:
        return convolution(rank - 2, groups=groups)
    elif operation == "ConvTranspose" and place == 1:
        return convolution(rank - 2, groups=groups, transposed=True)
    elif operation in _GATES and place in (1, 2):
        return Layout("eoi", _GATES[operation])
    elif operation == "Gather" and place == 0 and rank == 2:
        return Layout("oi")
    return None
