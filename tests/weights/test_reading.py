"""Reading tensor by tensor: in time and memory that follow the file, and of the file as it was."""

import json
import os
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401  (its import is not part of what is measured)
import numpy as np
import pytest
from attack_files import (
    exported_records,
    gguf,
    gguf_tensor,
    old_torch,
    sizes,
    torch_pickle,
    torch_tensor,
    torch_zip,
    word,
)
from safetensors.numpy import save_file

from pastur._errors import FileAccessError, FileFormatError, InternalError, InvalidInputError
from pastur._typing import AnyArray
from pastur.weights import Matrix, Weights, iter_matrices, open_weights


def arrays(n: int) -> dict[str, AnyArray]:
    rng = np.random.default_rng(n)
    return {f"layers.{i}.weight": rng.standard_normal((4, 5)).astype("<f4") for i in range(n)}


def entries(n: int) -> bytes:
    """A dictionary of n tensors, each with a storage of its own."""
    keys = (
        word(name) + torch_tensor((4, 5), (5, 1), size=20, key=str(i))
        for i, name in enumerate(arrays(n))
    )
    return b"\x80\x02}(" + b"".join(keys) + b"u."


def write_torch(path: Path, n: int) -> None:
    torch_zip(entries(n), {str(i): a.tobytes() for i, a in enumerate(arrays(n).values())})(path)


def write_old(path: Path, n: int) -> None:
    names = pickle.dumps([str(i) for i in range(n)], 2)
    data = (struct.pack("<Q", 20) + a.tobytes() for a in arrays(n).values())
    old_torch(entries(n), names + b"".join(data))(path)


def write_exported(path: Path, n: int) -> None:
    fields: dict[str, Any] = sizes((4, 5), (5, 1))
    exported_records({name: {"path_name": f"w{i}"} | fields for i, name in enumerate(arrays(n))})(
        path
    )
    with zipfile.ZipFile(path, "a") as archive:
        for i, array in enumerate(arrays(n).values()):
            archive.writestr(f"m/data/weights/w{i}", array.tobytes())


def write_npz(path: Path, n: int) -> None:
    named: dict[str, Any] = dict(arrays(n))
    np.savez_compressed(path, **named)


def write_safetensors(path: Path, n: int) -> None:
    save_file(arrays(n), path)


def write_index(path: Path, n: int) -> None:
    """A file for every ten tensors."""
    named = arrays(n)
    names = list(named)
    shards: dict[str, str] = {}
    for start in range(0, n, 10):
        part = {name: named[name] for name in names[start : start + 10]}
        save_file(part, path.parent / f"{start}.safetensors")
        shards |= dict.fromkeys(part, f"{start}.safetensors")
    path.write_text(json.dumps({"weight_map": shards}))


def write_onnx(path: Path, n: int) -> None:
    from onnx import helper, numpy_helper, save

    tensors = [numpy_helper.from_array(array, name) for name, array in arrays(n).items()]
    save(helper.make_model(helper.make_graph([], "g", [], [], tensors)), path)


def write_gguf(path: Path, n: int) -> None:
    import gguf

    writer = gguf.GGUFWriter(path, "none")
    for name, array in arrays(n).items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


FILES = {
    "m.safetensors": write_safetensors,
    "m.npz": write_npz,
    "m.pt": write_torch,
    "m.pth": write_old,
    "m.pt2": write_exported,
    "m.onnx": write_onnx,
    "m.gguf": write_gguf,
    "m.safetensors.index.json": write_index,
}
ZIPPED = ("m.npz", "m.pt", "m.pt2")
KEPT = ("m.onnx",)  # in memory once it is opened


def written(folder: Path, file: str, n: int) -> Path:
    pytest.importorskip({"onnx": "onnx", "gguf": "gguf"}.get(file.rpartition(".")[2], "numpy"))
    folder.mkdir(exist_ok=True)
    FILES[file](folder / file, n)
    return folder / file


def read_all(path: Path) -> dict[str, AnyArray]:
    weights = open_weights(path)
    return {e.name: weights.read(e.name) for e in weights.entries if e.name.startswith("layers")}


@pytest.mark.lengthy
@pytest.mark.parametrize("file", FILES)
def test_time_follows_the_number_of_tensors(
    tmp_path: Path, cpu_seconds: Callable[[Callable[[], object]], float], file: str
) -> None:
    small, large = (written(tmp_path / str(n), file, n) for n in (100, 400))
    found = read_all(small)
    for name, array in arrays(100).items():
        np.testing.assert_array_equal(found[name], array)
    # Four times the tensors; sixteen times is what is looked for, and what is short is noise.
    short, long = (cpu_seconds(partial(read_all, path)) for path in (small, large))
    assert long < 8 * short + 0.1


@pytest.mark.parametrize("file", ZIPPED)
def test_the_directory_of_an_archive_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    path = written(tmp_path / "m", file, 30)
    opened = []
    make = zipfile.ZipFile.__init__

    def counted(self: zipfile.ZipFile, *args: Any, **kwargs: Any) -> None:
        opened.append(args)
        make(self, *args, **kwargs)

    monkeypatch.setattr(zipfile.ZipFile, "__init__", counted)
    assert len(read_all(path)) == 30
    assert len(opened) == 1


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_has_changed_is_not_read(tmp_path: Path, file: str) -> None:
    """The same header over other numbers would go unnoticed, and an older header over another."""
    path = written(tmp_path / "m", file, 3)
    weights = open_weights(path)
    name = weights.entries[0].name
    held = path if "index" not in file else path.parent / "0.safetensors"
    content = held.read_bytes()
    status = held.stat()
    held.write_bytes(content)
    os.utime(held, ns=(status.st_atime_ns, status.st_mtime_ns + 10_000_000))
    if file in KEPT:
        np.testing.assert_array_equal(weights.read(name), arrays(3)[name])
        return
    with pytest.raises(FileFormatError, match=f"{held.name}' has changed since it was opened"):
        weights.read(name)
    held.unlink()
    with pytest.raises(FileAccessError, match="cannot be read: No such file"):
        weights.read(name)


@pytest.mark.parametrize("file", FILES)
def test_weights_travel_to_another_process(tmp_path: Path, file: str) -> None:
    path = written(tmp_path / "m", file, 3)
    weights = pickle.loads(pickle.dumps(open_weights(path)))
    for name, array in arrays(3).items():
        np.testing.assert_array_equal(weights.read(name), array)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="the system does not count files")
@pytest.mark.parametrize("file", FILES)
def test_no_file_stays_open(tmp_path: Path, file: str) -> None:
    path = written(tmp_path / "m", file, 3)
    read_all(path)
    before = os.listdir("/proc/self/fd")
    weights = open_weights(path)
    weights.read(weights.entries[-1].name)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_views_of_a_large_storage_are_read_from_where_they_begin(tmp_path: Path) -> None:
    """Sixty matrices of one storage, as flat parameters are: each is read once."""
    n, count = 100, 60
    values = np.arange(n * n * count, dtype="<f4")
    views = (
        word(str(i)) + torch_tensor((n, n), (n, 1), size=values.size, offset=i * n * n)
        for i in range(count)
    )
    path = tmp_path / "m.pt"
    torch_zip(b"\x80\x02}(" + b"".join(views) + b"u.", {"0": values.tobytes()})(path)
    weights = open_weights(path)
    for i in (0, 1, count - 1):
        np.testing.assert_array_equal(weights.read(str(i)).ravel(), values[i * n * n :][: n * n])
    # In bytes and not in seconds: what is read is what is asked for.
    tracemalloc.start()
    weights.read(str(count - 1))
    assert tracemalloc.get_traced_memory()[1] < 5 * 4 * n * n + 50_000
    tracemalloc.stop()


def peak_of(path: Path) -> int:
    """What reading a matrix takes beyond its copy in float64."""
    (matrix,) = (i for i in iter_matrices(open_weights(path)) if isinstance(i, Matrix))
    tracemalloc.start()
    matrix.load()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - 8 * matrix.shape[0] * matrix.shape[1]


@pytest.mark.parametrize("kind", ["<f4", "<f8", "<i1", "<i8", "<f2", "<u4"])
def test_reading_what_is_packed_takes_its_numbers_and_little_more(
    tmp_path: Path, kind: str
) -> None:
    values = np.random.default_rng(0).integers(0, 2, (1000, 2000)).astype(kind)
    np.savez_compressed(tmp_path / "m.npz", w=values)
    size = (tmp_path / "m.npz").stat().st_size
    assert peak_of(tmp_path / "m.npz") < 20 * size + 3_000_000 + values.nbytes
    np.save(tmp_path / "m.npy", values)
    assert peak_of(tmp_path / "m.npy") < 3_000_000 + values.nbytes


@pytest.mark.parametrize("kind", ["<i8", "<f4"])
def test_wide_integers_are_packed_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """They are in memory twice: as they are, and in float64."""
    monkeypatch.setattr("pastur.weights._formats.npz._BOMB_SIZE", 2_000_000)
    values = np.random.default_rng(0).integers(0, 2, (200, 1000))
    values[:, :500] = 0
    members: dict[str, Any] = {str(i): values.astype(kind) for i in range(3)}
    np.savez_compressed(tmp_path / "m.npz", **members)
    reasons = [e.unreadable for e in open_weights(tmp_path / "m.npz").entries]
    assert reasons[0] == "" and ("packed like a zip bomb" in reasons[2]) == (kind == "<i8")


@pytest.mark.parametrize("word", ["Q4_0", "IQ1_S"])
def test_unpacking_takes_no_more_than_the_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    package = pytest.importorskip("gguf")
    kind = package.GGMLQuantizationType[word]
    block, block_bytes = package.GGML_QUANT_SIZES[kind]
    monkeypatch.setattr("pastur.weights._formats.gguf._NUMBERS_AT_ONCE", 2**14)
    rows, columns = 8, 65_536
    stored = np.random.default_rng(0).bytes(rows * columns // block * block_bytes)
    path = tmp_path / "m.gguf"
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + gguf_tensor(b"w", (columns, rows), int(kind))
    path.write_bytes(head + bytes(-len(head) % 32) + stored)
    weights = open_weights(path)
    tracemalloc.start()
    found = weights.read("w")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # By the package in one go; damaged scales are anything, and alike.
    with np.errstate(all="ignore"):
        whole = package.dequantize(np.frombuffer(stored, np.uint8).reshape(rows, -1), kind)
    np.testing.assert_array_equal(found, whole)
    assert peak - found.nbytes < 1_000_000


@pytest.mark.parametrize("shape", [(0, 2**61, 2**61), (2**62 - 1, 0), (0, 5), (3, 0, 2)])
def test_nothing_of_any_shape_is_an_array_or_a_sentence(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    torch_zip(torch_pickle(shape, (1,) * len(shape)), {"0": bytes(16)})(tmp_path / "m.pt")
    pytest.importorskip("gguf")
    sides = shape[::-1]
    for kind in (0, 2):  # float32, and Q4_0 of rows of 32
        whole = (32, *sides[1:]) if kind == 2 else sides
        gguf(tensors=[gguf_tensor(b"w", whole, kind)])(tmp_path / f"{kind}.gguf")
    pytest.importorskip("onnx")
    from onnx import TensorProto, helper, save

    tensor = TensorProto(dims=shape, data_type=1, name="w", raw_data=b"")
    save(helper.make_model(helper.make_graph([], "g", [], [], [tensor])), tmp_path / "m.onnx")
    for file in ("m.pt", "0.gguf", "2.gguf", "m.onnx"):
        try:
            weights = open_weights(tmp_path / file)
            assert weights.read("w").shape == weights.entries[0].shape
        except (InvalidInputError, FileFormatError) as error:
            assert "shape" in str(error) or "end at byte" in str(error)


@pytest.mark.internal_error
def test_what_no_reader_foresaw_is_an_error_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def divide(name: str) -> AnyArray:
        return np.eye(3) / (len(name) // 0)

    weights = Weights("source", open_weights({"w": np.eye(3)}).entries, {}, divide)
    with pytest.raises(InternalError, match="internal error: ZeroDivisionError"):
        weights.read("w")
    path = tmp_path / "m.npy"
    np.save(path, np.eye(3))
    monkeypatch.setattr(
        "pastur.weights._formats.npy.read_header", lambda file: dict[str, int]()["no"]
    )
    with pytest.raises(InternalError, match="internal error: KeyError"):
        open_weights(path)


def test_memory_that_is_not_there_is_a_sentence() -> None:
    def fetch(name: str) -> AnyArray:
        raise MemoryError

    weights = Weights("source", open_weights({"w": np.eye(3)}).entries, {}, fetch)
    with pytest.raises(InvalidInputError, match="Tensor 'w' of source needs 72 bytes of memory"):
        weights.read("w")
    with pytest.raises(KeyboardInterrupt):
        Weights("source", weights.entries, {}, stopped).read("w")  # type: ignore[arg-type]


def stopped(name: str) -> None:
    raise KeyboardInterrupt
