"""What the graph of an ONNX model shows of its tensors: which axes are outputs, and how packed."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pastur._foreign import visible
from pastur.weights._axes.layout import UNKNOWN, Layout, convolution
from pastur.weights._formats.onnx.packing import COMPUTED, Packing
from pastur.weights._hostile.array_bytes import MOST_AXES
from pastur.weights._hostile.budget import Budget

_GATES = {"LSTM": ("i", "o", "f", "c"), "GRU": ("z", "r", "h"), "RNN": ()}
_PASSING = ("Identity", "Cast")
# Weight, its scale and its zero point among the inputs; the scale of the last is applied elsewhere.
_PACKED = {
    "DequantizeLinear": (0, 1, 2),
    "QLinearMatMul": (3, 4, 5),
    "QLinearConv": (3, 4, 5),
    "QGemm": (3, 4, 5),
    "DynamicQuantizeMatMul": (1, 2, 3),
    "MatMulIntegerToFloat": (1, 3, 5),
    "MatMulInteger": (1, None, 3),
    "ConvInteger": (1, None, 3),
}
_INTEGER = ("MatMulInteger", "ConvInteger")
_PRODUCTS = ("MatMul", *(name for name in _PACKED if "MatMul" in name))
_SHAPING = ("Reshape", "Unsqueeze", "Squeeze")
# Types of codes: integers of 4, 8 and 16 bits.
_SMALL = (2, 3, 4, 5, 21, 22)
_NO_AXIS = 1 << 10


def text(value: str | bytes) -> str:
    """Return a text of the file; protobuf returns bytes if it is not UTF-8."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


@dataclass(frozen=True)
class Use:
    """How a tensor is used: its layout, its packing, and why it is not a weight."""

    layout: Layout = UNKNOWN
    packing: Packing | None = None
    fault: str = ""


class Stored(NamedTuple):
    """A tensor of the model, under a name that no other need differ from, and if it is sparse."""

    label: str
    proto: Any
    sparse: bool = False


class _Origin(NamedTuple):
    """The tensor of which a value is made; which of its axes stand where; how it is unpacked.

    And what was made of it, if it is not itself any more: some of its "rows", its "product" with
    integers, or another number that it is a "factor" of.
    """

    tensor: int
    order: tuple[int, ...]
    packing: Packing | None
    made: str = ""


class _Scope:
    """What the names of values mean in one graph, and in those around it."""

    def __init__(self, around: _Scope | None = None) -> None:
        self._around = around
        self._origins: dict[str, _Origin] = {}

    def define(self, name: str, origin: _Origin) -> None:
        """Give a name its first meaning."""
        self._origins.setdefault(name, origin)

    def find(self, name: str) -> _Origin | None:
        """Return what a value is made of; None where it is computed from several."""
        scope: _Scope | None = self
        while scope is not None:
            if name in scope._origins:
                return scope._origins[name]
            scope = scope._around
        return None


class Graphs:
    """The nodes and tensors of a model, those of graphs within nodes and of functions too.

    Parameters
    ----------
    model : ModelProto
    budget : Budget
        Names of tensors begin with those of the nodes around them.

    Attributes
    ----------
    tensors : list of Stored
    """

    def __init__(self, model: Any, budget: Budget) -> None:
        self.tensors: list[Stored] = []
        self._budget = budget
        self._nodes: list[tuple[Any, _Scope]] = []
        self._waiting: deque[tuple[str, Any, _Scope]] = deque([("", model.graph, _Scope())])
        for number, one in enumerate(model.training_info):
            for part in ("initialization", "algorithm"):
                self._wait(f"training.{number}.{part}.", getattr(one, part), _Scope())
        for function in model.functions:
            self._wait(f"{text(function.name)}.", function, _Scope())
        while self._waiting:
            self._enter(*self._waiting.popleft())

    def _wait(self, prefix: str, graph: Any, scope: _Scope) -> None:
        self._waiting.append((prefix, graph, scope))

    def _enter(self, prefix: str, graph: Any, scope: _Scope) -> None:
        for proto in getattr(graph, "initializer", ()):
            self._add(prefix, proto.name, proto, scope)
        for proto in getattr(graph, "sparse_initializer", ()):
            self._add(prefix, proto.values.name, proto.values, scope, sparse=True)
        for node in graph.node:
            self._nodes.append((node, scope))
            self._attributes(prefix, node, scope)
        for attribute in getattr(graph, "attribute_proto", ()):
            self._attribute(prefix, attribute, scope)

    def _attributes(self, prefix: str, node: Any, scope: _Scope) -> None:
        inside = f"{prefix}{text(node.name or node.op_type)}."
        self._budget.take(len(inside))
        for attribute in node.attribute:
            if node.op_type == "Constant" and node.output and attribute.HasField("t"):
                self._add(prefix, node.output[0], attribute.t, scope)
            else:
                self._attribute(inside, attribute, scope)

    def _attribute(self, inside: str, attribute: Any, scope: _Scope) -> None:
        name = text(attribute.name)
        if attribute.HasField("t"):
            self._add(inside, name, attribute.t)
        if attribute.HasField("sparse_tensor"):
            self._add(inside, name, attribute.sparse_tensor.values, sparse=True)
        for number, proto in enumerate(attribute.tensors):
            self._add(inside, f"{name}.{number}", proto)
        for number, proto in enumerate(attribute.sparse_tensors):
            self._add(inside, f"{name}.{number}", proto.values, sparse=True)
        if attribute.HasField("g"):
            self._wait(inside, attribute.g, _Scope(scope))
        for graph in attribute.graphs:
            self._wait(inside, graph, _Scope(scope))

    def _add(
        self, prefix: str, name: str, proto: Any, scope: _Scope | None = None, sparse: bool = False
    ) -> None:
        """List a tensor; in a scope, `name` is that of its value."""
        self._budget.take_tensor(prefix, name)
        if scope is not None:
            axes = tuple(range(len(proto.dims))) if len(proto.dims) <= MOST_AXES else ()
            scope.define(name, _Origin(len(self.tensors), axes, None))
        self.tensors.append(Stored(prefix + text(name), proto, sparse))

    def uses(self) -> dict[int, Use]:
        """Return how each tensor is used, also after transpositions and conversions.

        What makes a value comes before what takes it, as the format asks for.
        """
        found: dict[int, Use] = {}
        for node, scope in self._nodes:
            attributes = {a.name: a for a in node.attribute}
            origins = [scope.find(value) for value in node.input]
            for place, origin in enumerate(origins):
                if origin is not None:
                    _note(found, origin, _Taken(node, attributes, scope, place))
            if node.op_type == "Mul" and len(origins) == 2:
                moved = _multiplied(found, *origins)
            elif node.op_type == "Add" and len(origins) == 2:
                moved = _added(*origins)
            else:
                second = node.op_type in _INTEGER and len(origins) > 1
                origin = origins[second] if origins else None
                moved = None
                if origin is not None:
                    moved = self._behind(_Taken(node, attributes, scope, 0), origin)
            if moved is not None and node.output:
                scope.define(node.output[0], moved)
        for place, use in found.items():
            if self._is_small(place) and use.packing is None and not use.fault:
                found[place] = replace(use, fault="is codes whose scale the graph does not show")
        return found

    def _is_small(self, place: int) -> bool:
        proto = self.tensors[place].proto
        return proto.data_type in _SMALL and len(proto.dims) > 1

    def _behind(self, taken: _Taken, origin: _Origin) -> _Origin | None:
        """Return what a node makes of a tensor; None where it is another one."""
        if origin.made:
            passed = taken.operation in (*_PASSING, *_SHAPING)
            return origin if passed and origin.made != "rows" else None
        if taken.operation == "Gather" and self._is_small(origin.tensor):
            return origin._replace(made="rows")
        return _behind(taken, origin)


class _Taken(NamedTuple):
    """A node that takes a value at one place of its inputs."""

    node: Any
    attributes: Mapping[str, Any]
    scope: _Scope
    place: int

    @property
    def operation(self) -> str:
        return text(self.node.op_type)

    def number(self, name: str, usual: int) -> int:
        """Return an attribute that is an integer."""
        return int(self.attributes[name].i) if name in self.attributes else usual

    def tensor(self, place: int | None) -> int | None:
        """Return which tensor another input is; None where there is no such input."""
        names = self.node.input
        if place is None or place >= len(names) or not names[place]:
            return None
        origin = self.scope.find(names[place])
        return COMPUTED if origin is None else origin.tensor


def _multiplied(
    found: dict[int, Use], first: _Origin | None, second: _Origin | None
) -> _Origin | None:
    """Return what a product of two values is made of; note the scale of a product of integers."""
    for integers, factor in ((first, second), (second, first)):
        if integers is not None and integers.made == "product":
            use = found.get(integers.tensor, Use())
            if factor is not None and factor.made == "factor" and use.packing is not None:
                packing = replace(use.packing, scale=factor.tensor)
                found[integers.tensor] = replace(use, packing=packing)
            return None
    only = [origin for origin in (first, second) if origin is not None]
    # One of the two is the scale of the inputs, which is computed.
    return only[0]._replace(made="factor") if len(only) == 1 and not only[0].made else None


def _added(first: _Origin | None, second: _Origin | None) -> _Origin | None:
    """Return the product of integers to which a bias is added: the scale comes after both."""
    products = [one for one in (first, second) if one is not None and one.made == "product"]
    return products[0] if len(products) == 1 else None


def _behind(taken: _Taken, origin: _Origin) -> _Origin | None:
    if taken.operation in _INTEGER:
        return origin._replace(made="product")
    if taken.operation == "Transpose":
        stated = taken.attributes.get("perm")
        moved = tuple(stated.ints) if stated else ()
        moved = moved or tuple(range(len(origin.order)))[::-1]
        if sorted(moved) != list(range(len(origin.order))):
            return None
        return origin._replace(order=tuple(origin.order[axis] for axis in moved))
    if taken.operation == "DequantizeLinear":
        return origin._replace(packing=_packing(taken, origin))
    return origin if taken.operation in _PASSING else None


def _note(found: dict[int, Use], origin: _Origin, taken: _Taken) -> None:
    """Add what one node shows of the tensor that it takes."""
    old = found.get(origin.tensor, Use())
    packing, rank, operation = origin.packing, len(origin.order), taken.operation
    if origin.made == "rows" and operation == "DequantizeLinear" and taken.place == 0:
        # Rows of a table: one scale serves them all, or it is not along an axis of the table.
        packing = replace(_packing(taken, origin), axis=_NO_AXIS)
        found[origin.tensor] = replace(old, packing=old.packing or packing)
    if old.layout != UNKNOWN or origin.made:
        return
    if operation in _PACKED and taken.place in _PACKED[operation][1:]:
        found[origin.tensor] = replace(
            old, fault=old.fault or "is the scale or zero point of codes"
        )
        return
    if operation in _PACKED and _PACKED[operation][0] == taken.place:
        packing = packing or _packing(taken, origin)
    layout = _layout(taken, rank)
    if layout is None:
        passed_on = operation in (*_PASSING, "Transpose", *_PACKED)
        # Of two axes: a table, unless a recurrent layer takes it for its biases.
        none = operation in _GATES or (rank > 2 and not passed_on)
        used = visible(operation[:60])
        fault = f"is used by {used}, whose matrices pastur does not know" if none else ""
        found[origin.tensor] = Use(UNKNOWN, old.packing or packing, old.fault or fault)
    elif len(layout.axes) == rank:
        letters = dict(zip(origin.order, layout.axes, strict=True))
        axes = "".join(letters[axis] for axis in range(rank))
        found[origin.tensor] = Use(replace(layout, axes=axes), packing)


def _packing(taken: _Taken, origin: _Origin) -> Packing:
    _, scale, zero_point = _PACKED[taken.operation]
    # Along the outputs: the first axis of a kernel, the last of a matrix.
    usual = {"DequantizeLinear": 1, "QLinearConv": 0, "ConvInteger": 0}.get(taken.operation, -1)
    if taken.operation == "QGemm" and taken.number("transB", 0):
        usual = 0
    axis, rank = taken.number("axis", usual), len(origin.order)
    return Packing(
        taken.tensor(scale),
        taken.tensor(zero_point),
        origin.order[axis] if -rank <= axis < rank else _NO_AXIS,
        taken.number("block_size", 0),
    )


def _layout(taken: _Taken, rank: int) -> Layout | None:
    """Return the layout of what a node takes, as it takes it."""
    operation, place = taken.operation, taken.place
    groups = max(1, taken.number("group", 1))
    second, _, _ = _PACKED.get(operation, (1, None, None))
    if operation in _PRODUCTS and rank >= 2:
        if place in (0, second):
            return Layout("e" * (rank - 2) + ("io" if place else "oi"))
    elif operation in ("Gemm", "QGemm") and place in (0, second):
        return Layout("oi" if bool(taken.number("transB", 0)) == bool(place) else "io")
    elif operation in ("Conv", "ConvInteger", "QLinearConv") and place == second:
        return convolution(rank - 2, groups=groups)
    elif operation == "ConvTranspose" and place == 1:
        return convolution(rank - 2, groups=groups, transposed=True)
    elif operation in _GATES and place in (1, 2):
        return Layout("eoi", _GATES[operation])
    elif operation == "Gather" and place == 0 and rank == 2:
        return Layout("oi")
    return None
