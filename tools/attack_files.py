"""Hostile files, each with what it tries and the words that answer it; see `attacks.py`."""

import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

# Next to the folder of an attack: what it would touch, and what it would read.
MARK, SECRET = "harm", "secret.bin"
# Without these packages such files are not opened at all; elsewhere the reader is pastur's own.
NEEDED = {".onnx": "onnx", ".h5": "h5py", ".keras": "h5py", ".gguf": "gguf"}


@dataclass(frozen=True)
class Attack:
    """A file that `write` makes, what it tries, and the words (a pattern) that answer it."""

    file: str
    tries: str
    write: Callable[[Path], object]
    answer: str


# --- safetensors ---


def safetensors_raw(
    header: Mapping[str, Mapping[str, Sequence[int] | str]] | bytes,
    data: bytes = b"",
    length: int | None = None,
) -> Callable[[Path], int]:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = len(text) if length is None else length
    return lambda path: path.write_bytes(size.to_bytes(8, "little") + text + data)


def field(
    shape: Sequence[int], begin: int, end: int, dtype: str = "F32"
) -> dict[str, Sequence[int] | str]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


# --- pickles ---


class Call:
    """An object whose unpickling calls a function."""

    def __init__(self, function: Callable[..., Any], *arguments: str) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, ...]]:
        return self.call


def command(path: Path) -> str:
    return f"touch {path.parent.parent / MARK}"


def torch_zip(
    content: Callable[[Path], bytes] | bytes,
    members: Mapping[str, bytes] | None = None,
    packed: bool = False,
) -> Callable[[Path], None]:
    how = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED

    def write(path: Path) -> None:
        data = content(path) if callable(content) else content
        with zipfile.ZipFile(path, "w", how) as archive:
            archive.writestr("m/data.pkl", data)
            for name, numbers in (members or {}).items():
                archive.writestr(f"m/data/{name}", numbers)

    return write


def torch_pickle(
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *,
    keys: tuple[str, ...] = ("w",),
    **storage: Any,
) -> bytes:
    """A dictionary of one tensor under each of the keys, opcode by opcode."""
    items = (word(name) + torch_tensor(shape, strides, **storage) for name in keys)
    return b"\x80\x02}(" + b"".join(items) + b"u."


def torch_tensor(
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *,
    offset: int = 0,
    size: int = 4,
    key: str = "0",
    kind: str = "FloatStorage",
) -> bytes:
    out = io.BytesIO()
    out.write(b"ctorch._utils\n_rebuild_tensor_v2\n((" + word("storage"))
    out.write(f"ctorch\n{kind}\n".encode() + word(key) + word("cpu"))
    out.write(number(size) + b"tQ" + number(offset))
    for values in (shape, strides):
        out.write(b"(" + b"".join(number(v) for v in values) + b"t")
    out.write(b"\x89ccollections\nOrderedDict\n)RtR")
    return out.getvalue()


def word(text: str) -> bytes:
    return b"X" + len(text.encode()).to_bytes(4, "little") + text.encode()


def number(value: int) -> bytes:
    data = pickle.encode_long(value)
    return b"\x8a" + bytes([len(data)]) + data


def old_torch(
    content: Callable[[Path], bytes] | bytes, tail: bytes = b""
) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        data = content(path) if callable(content) else content
        contents: tuple[object, ...] = (0x1950A86A20F9469CFC6C, 1001, {})
        head = [pickle.dumps(p, 2) for p in contents]
        path.write_bytes(b"".join(head) + data + tail)

    return write


def script(path: Path) -> None:
    """A program whose code would write a file."""
    code = f"import os\nos.system({command(path)!r})\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", torch_pickle((2, 2), (2, 1)))
        archive.writestr("m/constants.pkl", b"\x80\x02).")
        archive.writestr("m/code/__torch__.py", code)
        archive.writestr("m/data/0", np.arange(4, dtype="<f4").tobytes())


def exported(meta: Mapping[str, Mapping[str, Any] | str]) -> Callable[[Path], None]:
    return exported_records({"w": {"path_name": "weight_0", **meta}})


def exported_records(
    records: Mapping[str, Mapping[str, Mapping[str, Any] | str]], folder: str = "m"
) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        usual = {"is_param": True, "use_pickle": False}
        config = {"config": {name: {**usual, **record} for name, record in records.items()}}
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{folder}/archive_format", "pt2")
            archive.writestr(f"{folder}/archive_version", "0")
            archive.writestr(f"{folder}/data/weights/weight_0", bytes(64))
            archive.writestr(f"{folder}/data/weights/model_weights_config.json", json.dumps(config))

    return write


def sizes(
    shape: tuple[int, int], strides: tuple[int, int], offset: int = 0
) -> dict[str, dict[str, Any]]:
    whole = [[{"as_int": v} for v in values] for values in (shape, strides)]
    place = {"as_int": offset}
    fields = {"sizes": whole[0], "strides": whole[1], "storage_offset": place}
    return {"tensor_meta": {"dtype": 7, "layout": 7} | fields}


# --- NumPy ---


def npy(header: str, data: bytes = b"") -> Callable[[Path], None]:
    def write(path: Path) -> None:
        text = header.encode("latin-1")
        path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data)

    return write


def npy_object(path: Path) -> None:
    np.save(path, np.array([Call(os.system, command(path))], dtype=object), allow_pickle=True)


def npz_bomb(path: Path) -> None:
    """One gigabyte of zeros in one megabyte."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("w.npy", "w", force_zip64=True) as stream:
            head = "{'descr': '<f8', 'fortran_order': False, 'shape': (12500, 10000)}"
            stream.write(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode())
            for _ in range(1000):
                stream.write(bytes(1_000_000))


# --- ONNX ---


def onnx_outside(**place: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        from onnx import TensorProto, helper, save

        tensor = TensorProto(dims=(4, 3), data_type=1, name="w", data_location=1)
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        save(helper.make_model(helper.make_graph([], "g", [], [], [tensor])), path)

    return write


def onnx_shape(dims: tuple[int, int]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        from onnx import TensorProto, helper, save

        tensor = TensorProto(dims=dims, data_type=1, name="w", raw_data=bytes(48))
        save(helper.make_model(helper.make_graph([], "g", [], [], [tensor])), path)

    return write


def onnx_nested(path: Path) -> None:
    def part(number: int, content: bytes) -> bytes:
        size = len(content)
        length = bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])
        return bytes([number << 3 | 2]) + length + content

    graph = b""
    for _ in range(200):  # graph, node, attribute, graph
        graph = part(1, part(5, part(6, graph)))
    path.write_bytes(b"\x08\x08" + part(7, graph))


# --- HDF5 ---


def hdf5(fill: Callable[[Any, Path], None]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        import h5py

        with h5py.File(path, "w") as file:
            fill(file, path)

    return write


def hdf5_outside(file: Any, path: Path) -> None:
    file.create_dataset("w", (4, 3), "f4", external=[(str(path.parent.parent / SECRET), 0, 48)])


def hdf5_link(file: Any, path: Path) -> None:
    import h5py

    file["w"] = h5py.ExternalLink(str(path.parent.parent / SECRET), "/w")


def hdf5_bomb(file: Any, path: Path) -> None:
    file.create_dataset("w", (10**6, 10**4), "f4", chunks=(1000, 1000), compression="gzip")


def hdf5_chunk(side: int) -> Callable[[Any, Path], None]:
    """One chunk of a hundred numbers, in which a stream unpacks to 1 GB."""

    def fill(file: Any, path: Path) -> None:
        packer = zlib.compressobj(9)
        head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
        block = packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
        settings = {"chunks": (side, side), "maxshape": (None, None), "compression": "gzip"}
        made = file.create_dataset("w", (10, 10), "f4", **settings)
        made.id.write_direct_chunk((0, 0), head + 100 * block)

    return fill


def hdf5_fill(file: Any, path: Path) -> None:
    file.create_dataset("w", (4000, 4000), "f4", chunks=(1, 1), fillvalue=1.0)


def hdf5_names(file: Any, path: Path) -> None:
    import h5py

    group = file.create_group("G" * 60_000)
    for number in range(2000):
        group[str(number)] = h5py.SoftLink("/w")


# --- GGUF ---


def gguf(
    *,
    tensors: Sequence[bytes] = (),
    keys: Sequence[bytes] = (),
    counts: tuple[int, int] | None = None,
    version: int = 3,
) -> Callable[[Path], int]:
    count = counts or (len(tensors), len(keys))
    head = b"GGUF" + struct.pack("<IQQ", version, *count) + b"".join((*keys, *tensors))
    return lambda path: path.write_bytes(head + bytes(-len(head) % 32) + bytes(4096))


def gguf_text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def gguf_tensor(
    name: bytes = b"w", sides: tuple[int, ...] = (4, 3), kind: int = 0, offset: int = 0
) -> bytes:
    parts = [gguf_text(name), struct.pack("<I", len(sides))]
    parts += [struct.pack("<Q", side) for side in sides]
    return b"".join(parts) + struct.pack("<IQ", kind, offset)


def gguf_nested(depth: int) -> bytes:
    inner = struct.pack("<IQ", 0, 1) + b"\0"
    for _ in range(depth):
        inner = struct.pack("<IQ", 9, 1) + inner
    return gguf_text(b"deep") + struct.pack("<I", 9) + inner


# --- Flax ---


def flax(value: bytes) -> Callable[[Path], int]:
    """A map of one key, in the encoding of msgpack."""
    return lambda path: path.write_bytes(b"\x81\xa1w" + value)


def flax_array(sides: Sequence[int], nbytes: int = 16, claimed: int | None = None) -> bytes:
    inner = b"\x93" + bytes([0x90 + len(sides)])
    inner += b"".join(b"\xcf" + struct.pack(">Q", side) for side in sides) + b"\xa7float32"
    inner += b"\xc6" + struct.pack(">I", nbytes if claimed is None else claimed) + bytes(nbytes)
    return b"\xc9" + struct.pack(">IB", len(inner), 1) + inner


# --- indexes and adapters ---


def index(files: Sequence[str]) -> Callable[[Path], int]:
    text = json.dumps({"weight_map": {f"t{i}": name for i, name in enumerate(files)}})
    return lambda path: path.write_text(text)


def adapter(path: Path) -> None:
    from safetensors.numpy import save_file

    stem = "base_model.model.layer.weight"
    # Two factors of 4 MB whose product would take 8 TB.
    pair = {f"{stem}.lora_A.weight": np.zeros((1, 10**6), np.float32)}
    pair[f"{stem}.lora_B.weight"] = np.zeros((10**6, 1), np.float32)
    save_file(pair, path)


NOT_RUN = "Nothing was run"

ATTACKS = (
    Attack("length.safetensors", "a header of 2⁶³ bytes",
           safetensors_raw({}, length=2**63), "claims a header of 9.22 EB"),
    Attack("shape.safetensors", "a tensor of 2⁶² numbers",
           safetensors_raw({"w": field([2**31, 2**31], 0, 16)}, bytes(16)), "tensor 'w'"),
    Attack("overlap.safetensors", "two tensors that share their bytes",
           safetensors_raw({"w": field([4, 4], 0, 64), "v": field([4, 4], 32, 96)}, bytes(96)),
           "'[vw]'"),
    Attack("hole.safetensors", "bytes that belong to no tensor",
           safetensors_raw({"w": field([4, 4], 32, 96)}, bytes(96)), "'w'|belong"),
    Attack("deep.safetensors", "JSON nested a hundred thousand deep",
           safetensors_raw(b'{"a":' * 100_000), "nested too deeply"),
    Attack("twins.safetensors", "one name twice",
           safetensors_raw(b'{"w": {}, "w": {}}'), "the key 'w' twice"),
    Attack("terminal.safetensors", "a name that drives the terminal",
           safetensors_raw({"\x1b[2J\x07w": field([3], 0, 12)}, bytes(12)), r"\\x1b\[2J"),
    Attack("system.pt", "a pickle that runs a command",
           torch_zip(lambda path: pickle.dumps({"w": Call(os.system, command(path))})),
           f"system.*{NOT_RUN}"),
    Attack("eval.pth", "a pickle that evaluates an expression",
           torch_zip(lambda path: pickle.dumps(Call(eval, f"open({str(path) + MARK!r}, 'w')"))),
           f"eval.*{NOT_RUN}"),
    Attack("getattr.bin", "a pickle that looks up what it may call",
           torch_zip(lambda path: pickle.dumps(Call(getattr, "text", "join"), 4)), NOT_RUN),
    Attack("module.pt", "a module whose class would be imported, and whose state runs a command",
           torch_zip(lambda path: (
               b"\x80\x02cevil\nNet\n)\x81}X\x01\x00\x00\x00acsubprocess\ngetoutput\nX"
               + len(command(path)).to_bytes(4, "little") + command(path).encode() + b"\x85Rsb.")),
           f"subprocess.*{NOT_RUN}"),
    Attack("state.pt", "a pickle that changes the reader itself",
           torch_zip(b"\x80\x02ctorch\nFloatStorage\n}X\x05\x00\x00\x00dtypeX\x03\x00\x00\x00badsb."),
           "holds no tensor"),
    Attack("memo.pt", "a pickle that asks for a memo of 2³¹ places",
           torch_zip(b"\x80\x02Kr\xff\xff\xff\x7f."), "holds no tensor|pickle is damaged"),
    Attack("word.pt", "a pickle with a word of 2 GB",
           torch_zip(b"\x80\x02X\xff\xff\xff\x7fa."), "pickle is damaged"),
    Attack("laughs.pt", "lists of ten lists, nineteen deep: 10¹⁹ entries",
           torch_zip(b"\x80\x02]q\x00" + b"".join(
               b"]q" + bytes([k + 1]) + b"(" + (b"h" + bytes([k])) * 10 + b"e" for k in range(19)
           ) + b"."), "holds no tensor"),
    Attack("beyond.pt", "a view that reaches beyond its numbers",
           torch_zip(torch_pickle((2**61,), (1,)), {"0": bytes(16)}), "'w'.*reaches beyond"),
    Attack("repeat.pt", "sixteen bytes seen as 2⁶⁰ numbers",
           torch_zip(torch_pickle((2**30, 2**30), (0, 0)), {"0": bytes(16)}),
           "'w'.*repeats its numbers"),
    Attack("traversal.pt", "numbers in a file outside the archive",
           torch_zip(torch_pickle((2, 2), (2, 1), key="../../secret.bin")),
           "'w'.*the file does not hold"),
    Attack("bomb.pt", "50 MB of zeros packed into 50 kB",
           torch_zip(torch_pickle((2, 2), (2, 1)), {"0": bytes(50_000_000)}, packed=True),
           "is packed"),
    Attack("old.pth", "a pickle of the old format that runs a command",
           old_torch(lambda path: pickle.dumps({"w": Call(os.system, command(path))}, 2)), NOT_RUN),
    Attack("old-count.pth", "a storage of 2⁶³ numbers in the old format",
           old_torch(torch_pickle((2, 2), (2, 1)), pickle.dumps(["0"], 2) + b"\xff" * 8),
           "its storage '0' should have"),
    Attack("script.pt", "TorchScript whose code writes a file", script,
           "1 matrix of 4 weights analysed"),
    Attack("export.pt2", "an exported tensor of 2⁶² numbers",
           exported(sizes((2**31, 2**31), (2**31, 1))), "'w'.*reaches beyond"),
    Attack("export-path.pt2", "an exported tensor in a file outside the archive",
           exported({"path_name": "../../../../secret.bin", **sizes((4, 4), (4, 1))}),
           "'w'.*the file does not hold"),
    Attack("object.npy", "an array of objects, whose reading runs a command", npy_object,
           "object"),
    Attack("shape.npy", "an array of 2⁸⁰ numbers",
           npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2**40, 2**40)}"), "shape.npy"),
    Attack("huge.npy", "an array of 10¹⁸ numbers",
           npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000000)}"),
           "huge.npy"),
    Attack("code.npy", "a header that is an expression",
           npy("__import__('os').system('touch harm')"), "code.npy"),
    Attack("bomb.npz", "1 GB of zeros packed into 1 MB", npz_bomb, "'w'.*packed|bomb"),
    Attack("outside.onnx", "numbers in a file outside the folder",
           onnx_outside(location=f"../{SECRET}"), "'w'.*own folder only"),
    Attack("absolute.onnx", "numbers in /etc/passwd",
           onnx_outside(location="/etc/passwd"), "'w'.*own folder only"),
    Attack("shape.onnx", "a tensor of 2⁸⁰ numbers", onnx_shape((2**40, 2**40)),
           "'w'.*bytes are there"),
    Attack("deep.onnx", "two hundred graphs within each other", onnx_nested, "deep.onnx"),
    Attack("outside.h5", "numbers in another file", hdf5(hdf5_outside),
           "'w'.*lies in another file"),
    Attack("link.h5", "a link to another file", hdf5(hdf5_link), "'w'.*is a link"),
    Attack("bomb.h5", "40 GB of chunks that are not there", hdf5(hdf5_bomb),
           "'w'.*claims 40000000000 bytes"),
    Attack("inflate.h5", "1 GB of zeros packed into a chunk of a hundred numbers",
           hdf5(hdf5_chunk(10)), "'w'.*cannot be read by HDF5"),
    Attack("chunk.h5", "a chunk of 400 MB around a hundred numbers", hdf5(hdf5_chunk(10_000)),
           "'w'.*is packed in pieces of 400000000 bytes"),
    Attack("fill.h5", "sixteen million numbers that were never written", hdf5(hdf5_fill),
           "'w'.*claims 64000000 bytes, and 0 are in the file"),
    Attack("names.h5", "a name of 60 000 letters above two thousand links", hdf5(hdf5_names),
           "which is not listed"),
    Attack("broken.h5", "a mark of HDF5 and 2000 bytes of chance",
           lambda path: path.write_bytes(
               b"\x89HDF\r\n\x1a\n" + np.random.default_rng(0).bytes(2000)),
           "not a sound HDF5 file"),
    Attack("counts.gguf", "2⁶³ tensors", gguf(counts=(2**63, 2**63)), "claims 9223372036854775808"),
    Attack("shape.gguf", "a tensor of 2⁸⁰ numbers",
           gguf(tensors=[gguf_tensor(sides=(2**40, 2**40))]), "'w'.*the file holds"),
    Attack("overlap.gguf", "two tensors that share their bytes",
           gguf(tensors=[gguf_tensor(), gguf_tensor(b"v", offset=32)]), "overlap"),
    Attack("deep.gguf", "lists within each other, two thousand deep",
           gguf(keys=[gguf_nested(2000)]), "unknown type 9"),
    Attack("array.gguf", "a list of 2⁶² numbers",
           gguf(keys=[gguf_text(b"a") + struct.pack("<IIQ", 9, 4, 2**62)]), "claim an array"),
    Attack("shape.msgpack", "an array of 2⁸⁰ numbers", flax(flax_array((2**40, 2**40))),
           "'w'.*takes 4.84e\\+06 EB, and 16 bytes are there"),
    Attack("numbers.msgpack", "an array whose numbers reach beyond it",
           flax(flax_array((2, 2), claimed=2**31)), "'w' do not fill|are left"),
    Attack("count.msgpack", "a list of 2³² values", flax(b"\xdd" + bytes([255] * 4)),
           "claims a list of 4294967295"),
    Attack("deep.msgpack", "lists within each other, a hundred thousand deep",
           flax(b"\x91" * 100_000), "nested more than 100 deep"),
    Attack("length.msgpack", "a name of 4 GB", lambda path: path.write_bytes(
               b"\x81\xa1a\xdf\0\0\0\1\xdb" + bytes([255] * 4)), "4294967295"),
    Attack("model.safetensors.index.json", "parts of a model in other folders",
           index(["../secret.bin", "/etc/passwd"]), "files of its own folder only"),
    Attack("adapter_model.safetensors", "8 MB whose product takes 8 TB", adapter,
           "more than this machine has"),
    Attack("pointer.safetensors", "a Git LFS pointer instead of the file",
           lambda path: path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n"),
           "git lfs pull"),
)  # fmt: skip


def prepare(folder: Path, attacks: Iterable[Attack]) -> dict[str, Path]:
    """Write the attacks, each in a folder of its own, and what they would like to read."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SECRET).write_bytes(bytes(48))
    paths = {}
    for attack in attacks:
        path = folder / attack.file.replace(".", "-") / attack.file
        path.parent.mkdir(exist_ok=True)
        attack.write(path)
        paths[attack.file] = path
    return paths
