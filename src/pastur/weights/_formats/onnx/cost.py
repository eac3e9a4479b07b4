"""What an ONNX model costs once it is parsed, from its bytes: two of them can be an empty graph."""

from pastur.weights._hostile.budget import Budget

# The messages in each message, by the numbers of their fields in onnx.proto.
_INNER = {
    "model": {7: "graph", 8: "leaf", 14: "leaf", 20: "training", 25: "function", 26: "leaf"},
    "training": {1: "graph", 2: "graph", 3: "leaf", 4: "leaf"},
    "function": {7: "node", 9: "leaf", 11: "attribute", 12: "value", 14: "leaf"},
    "graph": {
        1: "node",
        5: "tensor",
        11: "value",
        12: "value",
        13: "value",
        14: "annotation",
        15: "sparse",
        16: "leaf",
    },
    "node": {5: "attribute", 9: "leaf", 10: "device"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        14: "type",
        15: "type",
        22: "sparse",
        23: "sparse",
    },
    "tensor": {3: "leaf", 13: "leaf", 16: "leaf"},
    "sparse": {1: "tensor", 2: "tensor"},
    "annotation": {2: "leaf"},
    "value": {2: "type", 4: "leaf"},
    "type": {1: "array", 4: "holder", 5: "holder", 8: "array", 9: "holder"},
    "holder": {1: "type", 2: "type"},
    "array": {2: "shape"},
    "shape": {1: "leaf"},
    "device": {2: "device", 3: "device", 4: "device", 5: "device"},
    "leaf": {},
}
_MESSAGE = 400  # bytes of memory, with what Python puts around it
_WIDTHS = {1: 8, 5: 4}
_VARINT, _BYTES = 0, 2


def charge(data: bytes, budget: Budget) -> None:
    """Take from `budget` what parsing the bytes of a model will take.

    Raises
    ------
    FileFormatError
        When the budget has not enough left.
    ValueError, IndexError
        When they are not those of a model.
    """
    waiting = [("model", 0, len(data))]
    while waiting:
        kind, at, end = waiting.pop()
        inner = _INNER[kind]
        while at < end:
            key, at = _varint(data, at)
            wire = key & 7
            if wire == _BYTES:
                length, at = _varint(data, at)
                if key >> 3 in inner:
                    budget.take(_MESSAGE)
                    waiting.append((inner[key >> 3], at, min(at + length, end)))
                at += length
            elif wire == _VARINT:
                _, at = _varint(data, at)
            else:
                at += _width(wire)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at `at`, and where it ends."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while byte >= 0x80:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > 70:
            raise ValueError("a number without end")
    return value, at + 1


def _width(wire: int) -> int:
    if wire not in _WIDTHS:
        raise ValueError(f"a field of the kind {wire}")
    return _WIDTHS[wire]
