"""Small files that ask for much: memory or time that grows faster than they do; see `attacks.py`.

Each is written by ``write(path, n)``, at a size in proportion to `n`; what it asks for grows with
the square of `n`, or is fifty times its size.
"""

import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from attack_files import (
    Attack,
    exported_records,
    flax,
    flax_array,
    gguf,
    gguf_tensor,
    gguf_text,
    number,
    old_torch,
    safetensors_raw,
    sizes,
    torch_tensor,
    torch_zip,
    word,
)


@dataclass(frozen=True)
class Costly:
    """A file of any size: ``write(path, n)`` makes it.

    With `little` it is read in a moment; with `much` it would take more than it may.
    """

    file: str
    tries: str
    write: Callable[[Path, int], None]
    little: int
    much: int
    answer: str

    @property
    def attack(self) -> Attack:
        """Return the file that asks for much."""
        return Attack(self.file, self.tries, lambda path: self.write(path, self.much), self.answer)


# --- pickles: b"q\0" remembers what was made, b"h\0" puts it on the stack once more ---


def repeated(made: bytes, step: bytes, n: int) -> bytes:
    """A list of what `made` leaves, in the memo's place 0, and of what `step` leaves, n times."""
    return b"\x80\x04](" + made + b"q\x00" + step * n + b"e."


def called_again(n: int) -> bytes:
    arguments = b"(" + b"N" * n + b"t"
    return repeated(arguments, b"ctorch\nSize\nh\x00R", n)


def referred_again(n: int) -> bytes:
    reference = b"(" + word("storage") + b"ctorch\nFloatStorage\n" + word("0") + b"N" * n + b"t"
    return repeated(reference, b"h\x00Q", n)


def wrapped_again(n: int) -> bytes:
    arguments = b"(" + b"N" * n + b"t"
    return repeated(arguments, b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch\nSize\nNh\x00tR", n)


def ordered_again(n: int) -> bytes:
    pairs = b"](" + b"".join(number(i) + b"N\x86" for i in range(n)) + b"e"
    return repeated(pairs, b"ccollections\nOrderedDict\nh\x00\x85R", n)


def state_of_many(n: int) -> bytes:
    state = b"}(" + b"".join(number(i) + b"N" for i in range(n)) + b"u"
    return repeated(state, b"cm\nM\n)\x81h\x00b", n)


def keys_of_one_hash(n: int) -> bytes:
    keys = b"".join(number(i * (2**61 - 1)) + b"N" for i in range(1, n))
    return b"\x80\x02}(" + keys + b"u."


def long_module(n: int) -> bytes:
    """A name of n letters, in two parts, made up again and again."""
    return repeated(word("a" * n), b"h\x00h\x00\x93", n)


def deep_names(n: int) -> bytes:
    """Keys of a thousand letters, forty deep, above n tensors."""
    inner = b"](" + torch_tensor((2, 2), (2, 1)) + b"q\x00" + b"h\x00" * n + b"e"
    above = b"".join(b"}" + word("k" * 1000) for _ in range(40))
    return b"\x80\x02" + above + inner + b"s" * 40 + b"."


def many_views(n: int) -> bytes:
    views = (torch_tensor((100, 2), (2, 1), size=2 * n + 400, offset=i) for i in range(n))
    items = b"".join(word(str(i)) + view for i, view in enumerate(views))
    return b"\x80\x02}(" + items + b"u."


def zipped(program: Callable[[int], bytes]) -> Callable[[Path, int], None]:
    return lambda path, n: torch_zip(program(n))(path)


def views_file(path: Path, n: int) -> None:
    numbers = np.random.default_rng(0).standard_normal(2 * n + 400).astype("<f4")
    torch_zip(many_views(n), {"0": numbers.tobytes()})(path)


def old_file(path: Path, n: int) -> None:
    old_torch(called_again(n))(path)


def exported_folder(path: Path, n: int) -> None:
    records = {f"w{i}": {"path_name": "x"} | sizes((4, 4), (4, 1)) for i in range(n)}
    exported_records(records, folder="f" * 20 * min(n, 3000))(path)


# --- JSON ---


def safetensors_lists(path: Path, n: int) -> None:
    safetensors_raw(b'{"a":[' + b"{}," * n + b"{}]}")(path)


def index_lists(path: Path, n: int) -> None:
    path.write_bytes(b'{"weight_map":{"w":[' + b"[]," * n + b"[]]}}")


def keras_config(path: Path, n: int) -> None:
    import h5py

    with h5py.File(io.BytesIO(), "w") as file:
        numbers = np.random.default_rng(0).standard_normal((20, 30))
        file.create_dataset("layers/dense/vars/0", data=numbers.astype(np.float32))
        file.flush()
        weights = file.id.get_file_image()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.h5", weights)
        config = b"[" + b'{"a":[]},' * n + b"{}]"
        archive.writestr("config.json", config, zipfile.ZIP_DEFLATED)


# --- NumPy ---


def array_of_zeros(shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros(shape, np.float32))
    return stream.getvalue()


def npz_stacks(path: Path, n: int) -> None:
    """Each member holds ten thousand matrices in some hundred bytes."""
    content = array_of_zeros((10_000, 2, 2))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(n):
            archive.writestr(f"{i}.experts.npy", content)


def npz_bombs(path: Path, n: int) -> None:
    """Each member alone is small enough."""
    content = array_of_zeros((1000, 1000))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(n):
            archive.writestr(f"{i}.npy", content)


# --- ONNX ---


def onnx_model(path: Path, graph: Any) -> None:
    from onnx import helper, save

    save(helper.make_model(graph), path)


def onnx_graph(nodes: Sequence[Any] = ()) -> Any:
    from onnx import helper, numpy_helper

    numbers = np.random.default_rng(0).standard_normal((20, 30)).astype(np.float32)
    return helper.make_graph(list(nodes), "g", [], [], [numpy_helper.from_array(numbers, "w")])


def onnx_twins(path: Path, n: int) -> None:
    graph = onnx_graph()
    for _ in range(n):
        graph.initializer.add(data_type=1, name="w")
    onnx_model(path, graph)


def onnx_axes(path: Path, n: int) -> None:
    graph = onnx_graph()
    graph.initializer.add(data_type=1, name="x").dims.extend([127] * n)
    onnx_model(path, graph)


def onnx_graphs(path: Path, n: int) -> None:
    from onnx import helper

    node = helper.make_node("X", ["a"], ["b"])
    inside = node.attribute.add(name="g")
    for _ in range(n):
        inside.graphs.add()
    onnx_model(path, onnx_graph([node]))


def onnx_attributes(path: Path, n: int) -> None:
    """A node of n inputs and n attributes."""
    from onnx import helper

    node = helper.make_node("MatMul", ["w"] * n, ["b"])
    for _ in range(n):
        node.attribute.add()
    onnx_model(path, onnx_graph([node]))


def onnx_names(path: Path, n: int) -> None:
    from onnx import helper

    inner = helper.make_graph([], "s", [], [], [])
    for i in range(n):
        inner.initializer.add(data_type=1, name=str(i))
    node = helper.make_node("If", ["c"], ["y"], name="B" * 20 * n, then_branch=inner)
    onnx_model(path, onnx_graph([node]))


# --- GGUF ---


def gguf_many(path: Path, n: int) -> None:
    tensors = [gguf_tensor(str(i).encode(), (), 99) for i in range(n)]
    gguf(tensors=tensors)(path)


def gguf_keys(path: Path, n: int) -> None:
    gguf(keys=[gguf_text(str(i).encode()) + struct.pack("<IB", 0, 0) for i in range(n)])(path)


# --- Flax ---


def flax_values(path: Path, n: int) -> None:
    flax(b"\xdd" + struct.pack(">I", n) + b"\xc0" * n)(path)


def flax_names(path: Path, n: int) -> None:
    """Arrays of no numbers below forty keys of a thousand letters."""
    key = b"\xda" + struct.pack(">H", 1000) + b"k" * 1000
    arrays = (b"\xa8%08d" % i + flax_array((0,), 0) for i in range(n))
    tree = b"\xdf" + struct.pack(">I", n) + b"".join(arrays)
    flax((b"\x81" + key) * 40 + tree)(path)


BEYOND = "would take more than .* before a number is read"

COSTS = (
    Costly("called.pt", "a tuple that a pickle gives to a function again and again",
           zipped(called_again), 120, 4000, BEYOND),
    Costly("referred.pt", "a reference of many parts, followed again and again",
           zipped(referred_again), 120, 4000, BEYOND),
    Costly("wrapped.pt", "arguments within arguments, again and again",
           zipped(wrapped_again), 120, 4000, BEYOND),
    Costly("ordered.pt", "a list of pairs made a dictionary again and again",
           zipped(ordered_again), 120, 4000, BEYOND),
    Costly("states.pt", "one state put into many objects",
           zipped(state_of_many), 120, 4000, BEYOND),
    Costly("hash.pt", "keys that all have one hash",
           zipped(keys_of_one_hash), 1000, 100_000, "pickle is damaged"),
    Costly("module.pth", "a long name put together again and again",
           zipped(long_module), 1000, 20_000, "pickle is damaged"),
    Costly("prefixes.pt", "long keys, forty deep, above many tensors",
           zipped(deep_names), 20, 2000, BEYOND),
    Costly("views.pt", "many tensors that share their numbers",
           views_file, 100, 4000, "shares its numbers with many others"),
    Costly("called.pth", "the same as called.pt in the old format", old_file, 120, 4000, BEYOND),
    Costly("folder.pt2", "a long name of a folder before many tensors",
           exported_folder, 60, 3000, BEYOND),
    Costly("lists.safetensors", "a header of empty dictionaries",
           safetensors_lists, 8000, 2_000_000, BEYOND),
    Costly("lists.safetensors.index.json", "an index of empty lists",
           index_lists, 15_000, 2_000_000, BEYOND),
    Costly("config.keras", "a packed configuration of empty lists",
           keras_config, 8000, 1_000_000, "matrix|takes more than .* unpacked"),
    Costly("stacks.npz", "members of ten thousand matrices each", npz_stacks, 1, 40,
           "at most from one model"),
    Costly("bombs.npz", "many small bombs in place of a large one", npz_bombs, 5, 40,
           "packed like a zip bomb"),
    Costly("twins.onnx", "many tensors of one name", onnx_twins, 200, 8000, "matrix"),
    Costly("axes.onnx", "a tensor of many axes", onnx_axes, 5000, 200_000,
           "axes, and an array has 64"),
    Costly("graphs.onnx", "many empty graphs of two bytes", onnx_graphs, 3000, 400_000, BEYOND),
    Costly("attributes.onnx", "a node of many inputs and attributes", onnx_attributes, 1000, 30_000,
           "matrix"),
    Costly("names.onnx", "a long name of a node around many tensors", onnx_names, 80, 2000,
           BEYOND),
    Costly("many.gguf", "tensors of no bytes", gguf_many, 2000, 250_000, BEYOND),
    Costly("keys.gguf", "keys of one byte", gguf_keys, 10_000, 300_000,
           f"holds no tensor|{BEYOND}"),
    Costly("values.msgpack", "a list of nothing", flax_values, 10_000, 2_000_000, BEYOND),
    Costly("names.msgpack", "long keys, forty deep, above many arrays", flax_names, 20, 2000,
           BEYOND),
)  # fmt: skip
