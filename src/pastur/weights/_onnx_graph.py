"""What the graph of an ONNX model tells of its tensors: which axes are outputs, and how packed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pastur.weights._layout import UNKNOWN, Layout

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
    """Return how each tensor is used, traced back through transpositions and conversions.

    Parameters
    ----------
    nodes : iterable
    shapes : mapping of str to tuple of int
        Of the tensors, by value.
    """
    nodes = list(nodes)
    made_by = {output: node for node in nodes for output in node.output}
    found: dict[str, Use] = {}
    for node in nodes:
        for place, value in enumerate(node.input):
            source, order, packing = _source(value, made_by, shapes)
            if source not in shapes or found.get(source, Use()).layout != UNKNOWN:
                continue
            rank = len(shapes[source])
            layout = _layout(node, place, rank)
            if node.op_type in _PACKED and _PACKED[node.op_type][0] == place:
                packing = packing or _packing(node)
            if layout is None:
                passed_on = node.op_type in (*_PASSING, "Transpose", *_PACKED)
                # Of two axes: a table, unless a recurrent layer takes it for its biases.
                none = node.op_type in _GATES or (rank > 2 and not passed_on)
                fault = (
                    f"is used by {node.op_type}, which tells pastur of no matrix" if none else ""
                )
                old = found.get(source, Use())
                found[source] = Use(UNKNOWN, old.packing or packing, old.fault or fault)
            elif len(layout.axes) == rank:
                axes = [""] * rank
                for letter, axis in zip(layout.axes, order or range(rank), strict=True):
                    axes[axis] = letter
                found[source] = Use(replace(layout, axes="".join(axes)), packing)
    return found


def _source(
    value: str, made_by: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[str, tuple[int, ...], Packing | None]:
    """Return the tensor from which a value is made, its axes as they are in the value, its packing.

    The axes are empty where nothing moved them.
    """
    order: tuple[int, ...] = ()
    packing = None
    for _ in range(len(made_by) + 1):
        node = made_by.get(value)
        if value in shapes or node is None or not node.input:
            break
        if node.op_type == "Transpose":
            attributes = {a.name: a for a in node.attribute}
            perm = tuple(attributes["perm"].ints) if "perm" in attributes else ()
            moved = perm or tuple(range(len(shapes.get(node.input[0], ()))))[::-1]
            if order and sorted(order) != sorted(moved):
                break
            order = tuple(moved[axis] for axis in order) if order else moved
        elif node.op_type == "DequantizeLinear":
            packing = _packing(node)
        elif node.op_type not in _PASSING:
            break
        value = node.input[0]
    known = sorted(order) == list(range(len(shapes.get(value, ()))))
    return value, order if known else (), packing


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
    window = "s" * (rank - 2)
    if operation in ("MatMul", "MatMulInteger") and rank >= 2 and place < 2:
        return Layout("e" * (rank - 2) + ("io" if place else "oi"))
    if operation == "QLinearMatMul" and place in (0, 3) and rank >= 2:
        return Layout("e" * (rank - 2) + ("io" if place else "oi"))
    if operation == "Gemm" and place < 2:
        return Layout("oi" if bool(numbers.get("transB", 0)) == bool(place) else "io")
    if (operation in ("Conv", "ConvInteger") and place == 1) or (
        operation == "QLinearConv" and place == 3
    ):
        return Layout("oi" + window, groups=max(1, numbers.get("group", 1)))
    if operation == "ConvTranspose" and place == 1:
        groups = max(1, numbers.get("group", 1))
        # The groups are blocks of the inputs here: what is called outputs is then the other side.
        return Layout(("io" if groups == 1 else "oi") + window, groups=groups)
    if operation in _GATES and place in (1, 2):
        return Layout("eoi", _GATES[operation])
    if operation == "Gather" and place == 0 and rank == 2:
        return Layout("oi")
    return None
