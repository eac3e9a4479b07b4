"""ONNX: the messages of Protocol Buffers, number by number, each value of any kind."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from structures.arrays import normal
from structures.tree import Tree, field, items, octets, whole


class Message(list[Any]):
    """Numbered fields, one pair each."""


class Double(float):
    """A number of eight bytes."""


def _tree(message: Any) -> Message:
    found = Message()
    for about, value in message.ListFields():
        repeated = not isinstance(value, (str, bytes, int, float)) and not hasattr(
            value, "ListFields"
        )
        for one in value if repeated else [value]:
            plain: Any = _tree(one) if hasattr(one, "ListFields") else one
            double = about.type == about.TYPE_DOUBLE
            found.append([about.number, Double(plain) if double else plain])
    return found


def _varint(number: int) -> bytes:
    number %= 2**64
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def encoded(message: Tree) -> bytes:
    """Return a message, or what stands in place of one, as bytes."""
    if not isinstance(message, list):
        return octets(message)
    out = bytearray()
    for one in message:
        if not isinstance(one, list) or len(one) < 2 or one[1] is None:
            continue
        number, value = max(whole(one[0], 1, 29), 1), one[1]
        if isinstance(value, int):
            out += _varint(number << 3) + _varint(int(value))
        elif isinstance(value, Double):
            out += _varint(number << 3 | 1) + struct.pack("<d", value)
        elif isinstance(value, float):
            out += _varint(number << 3 | 5) + np.float32(min(max(value, -3e38), 3e38)).tobytes()
        else:
            data = encoded(value) if isinstance(value, list) else octets(value)
            out += _varint(number << 3 | 2) + _varint(len(data)) + data
    return bytes(out)


def onnx() -> Tree:
    """A graph with tensors in every form, and nodes that tell how they are used."""
    from onnx import TensorProto, helper, numpy_helper

    def typed(name: str, kind: int, array: Sequence[int], values: Sequence[float]) -> Any:
        return helper.make_tensor(name, kind, array, values)

    outside = numpy_helper.from_array(normal(4, 3), "outside")
    outside.ClearField("raw_data")
    outside.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "weights.bin"), ("offset", "16"), ("length", "48")):
        outside.external_data.add(key=key, value=value)
    plain = {
        "a.weight": normal(6, 5),
        "w": normal(1, 16, 5),
        "r": normal(1, 16, 4),
        "conv.weight": normal(4, 2, 3, 3),
        "gemm.weight": normal(7, 6),
        "q": np.arange(-15, 15, dtype=np.int8).reshape(6, 5),
        "scale": abs(normal(5)),
        "zero": np.zeros(5, np.int8),
        "packed": np.arange(64, dtype=np.uint8).reshape(4, 1, 16),
        "packed.scales": normal(4),
        "half": normal(3, 4, kind="f2"),
        "shape": np.array([2, 12], np.int64),
    }
    tensors = [numpy_helper.from_array(value, name) for name, value in plain.items()]
    tensors += [
        outside,
        typed("floats", TensorProto.FLOAT, [2, 3], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        typed("doubles", TensorProto.DOUBLE, [2, 2], [1.0, 2.0, 3.0, 4.0]),
        typed("brain", TensorProto.BFLOAT16, [2, 2], [1.0, 2.0, 3.0, 4.0]),
        typed("eighth", TensorProto.FLOAT8E4M3FN, [2, 2], [1.0, 2.0, 3.0, 4.0]),
        typed("fourth", TensorProto.INT4, [2, 4], [1, 2, 3, 4, -1, -2, -3, -4]),
    ]
    values = numpy_helper.from_array(normal(3), "sparse")
    sparse = helper.make_sparse_tensor(
        values, numpy_helper.from_array(np.array([1, 4, 7], np.int64), "places"), [3, 4]
    )
    inner = helper.make_graph(
        [helper.make_node("MatMul", ["x", "inner.weight"], ["z"])],
        "inner",
        [],
        [],
        [numpy_helper.from_array(normal(6, 4), "inner.weight")],
    )
    nodes = [
        helper.make_node("MatMul", ["x", "a.weight"], ["h"], name="first"),
        helper.make_node("Gemm", ["h", "gemm.weight"], ["g"], transB=1),
        helper.make_node("Conv", ["i", "conv.weight"], ["c"], group=1, kernel_shape=[3, 3]),
        helper.make_node("LSTM", ["h", "w", "r"], ["y"], hidden_size=4),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["d"], axis=1),
        helper.make_node("MatMul", ["x", "d"], ["e"]),
        helper.make_node("Transpose", ["half"], ["t"], perm=[1, 0]),
        helper.make_node("Reshape", ["gemm.weight", "shape"], ["s"]),
        helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(normal(4, 3), "v")),
        helper.make_node("If", ["b"], ["f"], then_branch=inner),
        helper.make_node(
            "MatMulNBits",
            ["x", "packed", "packed.scales"],
            ["n"],
            domain="com.microsoft",
            K=32,
            N=4,
            bits=4,
            block_size=32,
        ),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 6])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [x], [y], tensors, sparse_initializer=[sparse])
    return {"model": _tree(helper.make_model(graph)), "beside": bytes(16) + normal(4, 3).tobytes()}


def packed() -> Tree:
    """A graph whose weights are codes, in the operations that unpack them, and graphs inside."""
    from onnx import TensorProto, helper, numpy_helper

    signs = np.arange(-15, 15, dtype=np.int8).reshape(6, 5)
    plain = {
        "q": signs,
        "u": (signs + 15).astype(np.uint8),
        "k": np.arange(24, dtype=np.int8).reshape(4, 6, 1, 1),
        "e": np.arange(40, dtype=np.int8).reshape(8, 5),
        "blocks": np.arange(48, dtype=np.int8).reshape(6, 8),
        "scale": np.float32(0.1),
        "zero": np.int8(0),
        "middle": np.uint8(15),
        "scales": abs(normal(5)),
        "zeros": np.zeros(5, np.int8),
        "rows": abs(normal(6, 2)),
        "shape": np.array([5, 6], np.int64),
        "axes": np.array([0], np.int64),
        "lookup": normal(9, 4),
        "gru": normal(1, 12, 5),
        "again": normal(1, 12, 4),
        "turned": normal(3, 4, 2, 2),
        "inner.weight": normal(6, 4),
    }
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in plain.items()]
    body = helper.make_graph(
        [helper.make_node("MatMul", ["state", "loop.weight"], ["next"])],
        "body",
        [],
        [],
        [numpy_helper.from_array(normal(4, 4), "loop.weight")],
    )
    own = helper.make_function(
        "own", "Layer", ["x", "w"], ["y"], [helper.make_node("MatMul", ["x", "w"], ["y"])], []
    )
    node = helper.make_node
    nodes = [
        node("QLinearMatMul", ["x", "s", "z", "q", "scale", "zero", "s", "z"], ["1"]),
        node("QLinearConv", ["x", "s", "z", "k", "scale", "zero", "s", "z"], ["2"], group=1),
        node("QGemm", ["x", "s", "z", "q", "scale", "zero"], ["3"], domain="com.microsoft"),
        node("DynamicQuantizeMatMul", ["x", "q", "scales", "zeros"], ["4"], domain="com.microsoft"),
        node("MatMulIntegerToFloat", ["x", "u", "s", "scale", "z", "middle"], ["5"]),
        node("MatMulInteger", ["x", "u", "z", "middle"], ["6"]),
        node("Cast", ["6"], ["7"], to=1),
        node("Mul", ["7", "scale"], ["8"]),
        node("DequantizeLinear", ["e", "scale", "zero"], ["9"]),
        node("Gather", ["9", "i"], ["10"]),
        node("DequantizeLinear", ["blocks", "rows"], ["11"], axis=1, block_size=4),
        node("MatMul", ["x", "11"], ["12"]),
        node("DequantizeLinear", ["q", "scales", "zeros"], ["13"], axis=-1),
        node("Transpose", ["13"], ["14"], perm=[1, 0]),
        node("Reshape", ["14", "shape"], ["15"]),
        node("Gemm", ["x", "15"], ["16"], transB=1),
        node("Unsqueeze", ["q", "axes"], ["17"]),
        node("GRU", ["x", "gru", "again"], ["18"], hidden_size=4, direction="forward"),
        node("ConvTranspose", ["x", "turned"], ["19"], group=1),
        node("Gather", ["lookup", "i"], ["20"]),
        node("Loop", ["n", "c", "state"], ["21"], body=body),
        node("Layer", ["x", "inner.weight"], ["22"], domain="own"),
        node("Einsum", ["x", "lookup"], ["23"], equation="ij,jk->ik"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 6])
    graph = helper.make_graph(nodes, "g", [x], [], tensors)
    return {"model": _tree(helper.make_model(graph, functions=[own])), "beside": b""}


ODD = [Double(1.5), Message(), Message([[1, 1]]), b"\x01\x02\x03", 22, 23, 17, 9, 8, 16]


def onnx_file(tree: Tree, folder: Path) -> Path:
    """Write `onnx`, and the file beside it."""
    (folder / "weights.bin").write_bytes(octets(field(tree, "beside") or b""))
    path = folder / "model.onnx"
    path.write_bytes(encoded(items(field(tree, "model"))))
    return path
