"""PyTorch's files: pickles built of their opcodes, in an archive or one behind the other."""

import pickle
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from structures.archive import archive, archive_tree, member
from structures.arrays import normal
from structures.texts import json_bytes
from structures.tree import Nest, Pairs, Raw, Tree, field, items, octets, whole


class Tuple(list[Any]):
    """A tuple of a pickle."""


class Name(list[Any]):
    """A module and a name in it."""


class Call(list[Any]):
    """A function and its arguments."""


class New(list[Any]):
    """A class and its arguments, of which an object is made."""


class State(list[Any]):
    """An object and its state."""


class Stored(list[Any]):
    """What is kept outside the pickle: a storage."""


def pickled(value: Tree) -> bytes:
    """Return a pickle that builds a tree."""
    return b"\x80\x02" + b"".join(_opcodes(value)) + b"."


def _opcodes(value: Any) -> Iterator[bytes]:
    made: dict[type, bytes] = {Call: b"R", New: b"\x81", State: b"b", Stored: b"Q"}
    around = made.get(type(value))
    if around is not None:
        for one in value:
            yield from _opcodes(one)
        yield around
    elif isinstance(value, Nest) and value:
        depth = whole(value[0], 0, 17)
        yield b"]" * depth
        yield from _opcodes(value[-1])
        yield b"a" * depth
    elif isinstance(value, Name):
        yield b"c" + b"".join(octets(one) + b"\n" for one in value)
    elif isinstance(value, Pairs):
        yield b"}("
        for pair in value:
            for one in pair if isinstance(pair, list) else [pair]:
                yield from _opcodes(one)
        yield b"u"
    elif isinstance(value, (Tuple, list)):
        yield b"(" if isinstance(value, Tuple) else b"]("
        for one in value:
            yield from _opcodes(one)
        yield b"t" if isinstance(value, Tuple) else b"e"
    elif isinstance(value, Raw):
        yield bytes(value)
    else:
        yield _plain(value)


def _plain(value: Tree) -> bytes:
    if value is None or isinstance(value, bool):
        return {None: b"N", True: b"\x88", False: b"\x89"}[value]
    if isinstance(value, int):
        data = pickle.encode_long(value)
        return b"\x8a" + bytes([len(data)]) + data
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"X" + struct.pack("<I", len(octets(value))) + octets(value)
    return b"B" + struct.pack("<I", len(octets(value))) + octets(value)


# --- what torch writes ---

_EMPTY = Call([Name(["collections", "OrderedDict"]), Tuple()])


def storage(key: str, count: int, kind: str = "FloatStorage") -> Stored:
    """Return a reference to a storage."""
    module = "torch.storage" if kind == "UntypedStorage" else "torch"
    return Stored([Tuple(["storage", Name([module, kind]), key, "cpu", count])])


def tensor(
    key: str,
    shape: Sequence[int],
    strides: Sequence[int],
    count: int,
    offset: int = 0,
    kind: str = "FloatStorage",
) -> Call:
    """Return a call that rebuilds a tensor."""
    seen = [storage(key, count, kind), offset, Tuple(shape), Tuple(strides), False, _EMPTY]
    return Call([Name(["torch._utils", "_rebuild_tensor_v2"]), Tuple(seen)])


def _quantised(key: str, scheme: str, *numbers: Call | float) -> Call:
    parameters = Tuple([Name(["torch", scheme]), *numbers])
    seen = [storage(key, 12, "QInt8Storage"), 0, Tuple([3, 4]), Tuple([4, 1]), parameters]
    return Call([Name(["torch._utils", "_rebuild_qtensor"]), Tuple([*seen, False, _EMPTY])])


def _states() -> Pairs:
    third = [storage("2", 12, "UntypedStorage"), 0, Tuple([3, 4]), Tuple([4, 1]), False, _EMPTY]
    eighth = Call(
        [
            Name(["torch._utils", "_rebuild_tensor_v3"]),
            Tuple([*third, Name(["torch", "float8_e4m3fn"])]),
        ]
    )
    weight = tensor("0", [6, 5], [5, 1], 30)
    parameter = Call([Name(["torch._utils", "_rebuild_parameter"]), Tuple([weight, True, _EMPTY])])
    indices = tensor("4", [2, 3], [3, 1], 6, kind="LongStorage")
    sparse = Tuple([indices, tensor("5", [3], [1], 3), Tuple([6, 5]), False])
    rebuilt = Call([Name(["torch._utils", "_rebuild_sparse_tensor"]), Tuple([None, sparse])])
    scales = tensor("5", [3], [1], 3), tensor("4", [3], [1], 6, kind="LongStorage")
    plain = Name(["torch._utils", "_rebuild_tensor_v2"])
    seen = Tuple([storage("1", 12, "HalfStorage"), 0, Tuple([3, 4]), Tuple([4, 1]), False, _EMPTY])
    own = [plain, Name(["__main__", "Own"]), seen, Pairs([["note", "text"]])]
    return Pairs(
        [
            ["q", Pairs([["weight", _quantised("6", "per_tensor_affine", 0.1, 3)]])],
            ["r", Pairs([["weight", _quantised("7", "per_channel_affine", *scales, 0)]])],
            ["own", Call([Name(["torch._tensor", "_rebuild_from_type_v2"]), Tuple(own)])],
            ["a.weight", parameter],
            ["b.weight", tensor("1", [4, 3], [1, 4], 12, kind="HalfStorage")],
            ["b.tied", tensor("0", [6, 5], [5, 1], 30)],
            ["b.part", tensor("0", [2, 5], [5, 1], 30, offset=10)],
            [
                "c",
                Pairs(
                    [
                        ["weight", eighth],
                        ["d", Pairs([["weight", tensor("3", [5, 4], [4, 1], 20)]])],
                    ]
                ),
            ],
            ["sparse", rebuilt],
            ["lists", [tensor("3", [5, 4], [4, 1], 20), 1, 2.5, "text", None]],
        ]
    )


_MEMBERS = [("0", 30, "f4"), ("1", 12, "f2"), ("2", 12, "i1"), ("3", 20, "f4")]
_MEMBERS += [("4", 6, "i8"), ("5", 3, "f4"), ("6", 12, "i1"), ("7", 12, "i1")]

OPCODES: list[Tree] = [
    Raw(op) for op in (b"q\0", b"h\0", b"r\xff\xff\xff\x7f", b"0", b"1", b"2", b"(", b"t")
]
OPCODES += [
    Raw(op) for op in (b".", b"R", b"b", b"}", b"]", b"u", b"e", b"Q", b"\x94", b"\x95" * 9)
]
OPCODES += [Raw(op) for op in (b"cos\nsystem\n", b"\x80\x05", b"\x93", b"j\0\0\0\0", b"N)\x81")]
OPCODES += [Name(["torch", name]) for name in ("DoubleStorage", "BFloat16Storage", "QInt8Storage")]
OPCODES += [Name(["torch", "float8_e5m2"]), Name(["torch", "Size"]), Name(["builtins", "eval"])]
OPCODES += [Name(["torch._utils", n]) for n in ("_rebuild_qtensor", "_rebuild_nested_tensor")]
OPCODES += [Name(["torch._tensor", "_rebuild_from_type_v2"]), Tuple([2, 3]), Tuple([0, 0])]


def torch() -> Tree:
    """What `torch.save` leaves of the states of a model and of an optimiser."""
    moments = Pairs([["exp_avg", tensor("3", [5, 4], [4, 1], 20)]])
    content = [["model", _states()], ["epoch", 3], ["optimizer", Pairs([["state", moments]])]]
    return _saved(Pairs(content))


def _saved(content: Tree, **more: Any) -> Tree:
    records = [member("m/data.pkl", content), member("m/byteorder", b"little")]
    for name, count, kind in _MEMBERS:
        records.append(member(f"m/data/{name}", abs(normal(count) * 10).astype(kind).tobytes()))
    records.append(member("m/version", b"3\n"))
    return archive_tree(records + [member(f"m/{name}", data) for name, data in more.items()])


def torch_file(tree: Tree, folder: Path) -> Path:
    """Write what is in an archive: whatever is neither bytes nor text is pickled."""
    path = folder / "model.pt"
    path.write_bytes(archive(tree, lambda data: data if isinstance(data, bytes) else pickled(data)))
    return path


def _module(
    name: str,
    parameters: Tree,
    parts: Tree = (),
    **settings: Any,
) -> State:
    state = [["training", True], ["_parameters", Pairs(parameters)], ["_buffers", Pairs()]]
    state += [["_modules", Pairs(parts)], *([key, value] for key, value in settings.items())]
    return State([New([Name(["torch.nn.modules", name]), Tuple()]), Pairs(state)])


def module() -> Tree:
    """A module saved whole, among other things."""
    linear = _module("Linear", [["weight", tensor("0", [6, 5], [5, 1], 30)], ["bias", None]])
    kernel = tensor("3", [5, 2, 2], [4, 2, 1], 20)
    window: Tree = {"groups": 1, "kernel_size": Tuple([2]), "transposed": False}
    conv = _module("Conv1d", [["weight", kernel]], **window)
    whole_one = _module("Sequential", [], [["0", linear], ["1", conv]])
    return _saved(Pairs([["model", whole_one], ["epoch", 3]]))


def script() -> Tree:
    """A TorchScript program: objects of classes in the archive, and constants."""
    new = New([Name(["__torch__", "Linear"]), Tuple()])
    part = State([new, Pairs([["weight", tensor("0", [6, 5], [5, 1], 30)], ["training", True]])])
    top = State([New([Name(["__torch__", "Net"]), Tuple()]), Pairs([["fc", part]])])
    fixed = Tuple([tensor("0", [2, 3], [3, 1], 6)])
    tree = _saved(top, **{"constants.pkl": fixed})
    tree["members"].append(member("m/constants/0", normal(6).tobytes()))
    return tree


# --- before torch 1.6 ---


def old() -> Tree:
    """Five pickles one behind the other, then the numbers."""
    machine = Pairs([["protocol_version", 1001], ["little_endian", True]])

    def saved(
        key: str, shape: Sequence[int], strides: Sequence[int], count: int, kind: str
    ) -> Call:
        made = tensor(key, shape, strides, count, kind=kind)
        made[1][0][0].append(None)
        return made

    content = [["a.weight", saved("94", [6, 5], [5, 1], 30, "FloatStorage")]]
    content.append(["b.weight", saved("95", [4, 3], [1, 4], 12, "HalfStorage")])
    numbers = [{"count": 30, "data": normal(30).tobytes()}]
    numbers.append({"count": 12, "data": normal(12, kind="f2").tobytes()})
    return {
        "magic": 0x1950A86A20F9469CFC6C,
        "pickles": [1001, machine, Pairs(content), ["94", "95"]],
        "storages": numbers,
    }


def old_file(tree: Tree, folder: Path) -> Path:
    """Write `old`."""
    path = folder / "old.pth"
    heads = [field(tree, "magic"), *items(field(tree, "pickles"))]
    tail = (
        whole(field(one, "count"), 0, 64).to_bytes(8, "little") + octets(field(one, "data") or b"")
        for one in items(field(tree, "storages"))
    )
    path.write_bytes(b"".join([*map(pickled, heads), *tail]))
    return path


# --- torch.export ---


def _number(value: int) -> Pairs:
    return Pairs([["as_int", value]])


def _described(file: str, shape: Sequence[int], strides: Sequence[int]) -> Pairs:
    meta = [["dtype", 7], ["sizes", [_number(n) for n in shape]], ["requires_grad", True]]
    meta += [["device", Pairs([["type", "cpu"], ["index", None]])]]
    meta += [["strides", [_number(n) for n in strides]], ["storage_offset", _number(0)]]
    meta.append(["layout", 7])
    about = [["path_name", file], ["is_param", True], ["use_pickle", False]]
    return Pairs([*about, ["tensor_meta", Pairs(meta)]])


def exported() -> Tree:
    """A program of `torch.export`."""
    config = [["weight", _described("weight_0", [6, 5], [5, 1])]]
    config.append(["bias", _described("weight_1", [6], [1])])
    fixed = Pairs([["config", Pairs([["c", _described("tensor_0", [2, 3], [3, 1])]])]])
    weights = Pairs([["config", Pairs(config)]])
    return archive_tree(
        [
            member("p/data/weights/weight_0", normal(30).tobytes()),
            member("p/data/weights/weight_1", normal(6).tobytes()),
            member("p/data/weights/model_weights_config.json", weights),
            member("p/data/constants/tensor_0", normal(6).tobytes()),
            member("p/data/constants/model_constants_config.json", fixed),
            member("p/models/model.json", Pairs([["schema", 8]])),
            member("p/archive_format", b"pt2"),
            member("p/archive_version", b"0"),
            member("p/byteorder", b"little"),
        ]
    )


def exported_file(tree: Tree, folder: Path) -> Path:
    """Write `exported`: whatever is not bytes becomes JSON."""
    path = folder / "program.pt2"
    path.write_bytes(
        archive(tree, lambda data: data if isinstance(data, bytes) else json_bytes(data))
    )
    return path
