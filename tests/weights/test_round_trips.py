"""What the formats' own writers write comes back to the same bits."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from pastur._typing import AnyArray
from pastur.weights import Matrix, iter_matrices, open_weights

NUMPY_TYPES = [
    "float64",
    "float32",
    "float16",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint64",
    "uint32",
    "uint16",
    "uint8",
    "bool",
    "complex64",
]
SHAPES = [(5, 7), (7,), (), (2, 3, 4), (0, 4), (1, 1)]


def bits(shape: tuple[int, ...], dtype: str, seed: int = 0) -> AnyArray:
    """Return an array of random bits, so that NaN payloads and denormals are among them."""
    kind = np.dtype(dtype)
    count = int(np.prod(shape))
    raw = np.random.default_rng(seed).integers(0, 256, count * kind.itemsize, dtype=np.uint8)
    if kind.kind == "b":
        raw &= 1
    return np.frombuffer(raw.tobytes(), kind).reshape(shape)


def assert_same_bits(got: AnyArray, expected: AnyArray) -> None:
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    assert got.tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", NUMPY_TYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_safetensors(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    array = bits(shape, dtype)
    save_file({"a.weight": array, "b": np.ones(3)}, tmp_path / "m.safetensors")
    weights = open_weights(tmp_path / "m.safetensors")
    assert_same_bits(weights.read("a.weight"), array)
    entry = next(entry for entry in weights.entries if entry.name == "a.weight")
    assert (entry.shape, entry.dtype, entry.nbytes) == (shape, dtype, array.nbytes)


@pytest.mark.parametrize("dtype", NUMPY_TYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_npy(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    array = bits(shape, dtype)
    np.save(tmp_path / "layer.npy", array)
    weights = open_weights(str(tmp_path / "layer.npy"))
    assert [entry.name for entry in weights.entries] == ["layer"]
    assert_same_bits(weights.read("layer"), array)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path: Path, save: Callable[..., Any]) -> None:
    arrays = {
        f"{dtype} {len(shape)} {0 in shape}": bits(shape, dtype)
        for dtype in NUMPY_TYPES
        for shape in SHAPES
    }
    save(tmp_path / "m.npz", **arrays)
    weights = open_weights(tmp_path / "m.npz")
    assert [entry.name for entry in weights.entries] == list(arrays)
    for entry in weights.entries:
        assert_same_bits(weights.read(entry.name), arrays[entry.name])
        assert entry.dtype == arrays[entry.name].dtype.name


@pytest.mark.parametrize("dtype", NUMPY_TYPES)
def test_memory(dtype: str) -> None:
    array = bits((5, 7), dtype)
    assert_same_bits(open_weights({"w": array}).read("w"), array)
    assert_same_bits(open_weights(array).read("matrix"), array)


@pytest.mark.parametrize("kind", [">f8", ">f4", ">i2", "<u4", "longdouble"])
def test_npy_of_other_byte_orders_and_widths(tmp_path: Path, kind: str) -> None:
    array = np.arange(12, dtype=kind).reshape(3, 4)
    np.save(tmp_path / "a.npy", array)
    weights = open_weights(tmp_path / "a.npy")
    assert_same_bits(weights.read("a"), array)
    (item,) = iter_matrices(weights)
    assert isinstance(item, Matrix)
    np.testing.assert_array_equal(item.load(), np.arange(12.0).reshape(3, 4))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_npy_versions_and_column_order(tmp_path: Path, version: tuple[int, int]) -> None:
    array = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    with open(tmp_path / "a.npy", "wb") as file:
        np.lib.format.write_array(file, array, version=version)
    read = open_weights(tmp_path / "a.npy").read("a")
    np.testing.assert_array_equal(read, array)
    assert read.flags.f_contiguous
    (item,) = iter_matrices(open_weights(tmp_path / "a.npy"))
    assert isinstance(item, Matrix)
    assert item.load().flags.c_contiguous


SMALL_FLOATS = {
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
}


@pytest.mark.parametrize("word", SMALL_FLOATS)
def test_small_floats_of_safetensors(raw_safetensors: Callable[..., Path], word: str) -> None:
    dtype = getattr(ml_dtypes, SMALL_FLOATS[word])
    array = bits((6, 5), dtype)
    header = {"w": {"dtype": word, "shape": [6, 5], "data_offsets": [0, array.nbytes]}}
    weights = open_weights(raw_safetensors(header, array.tobytes()))
    assert weights.entries[0].dtype == SMALL_FLOATS[word]
    assert_same_bits(weights.read("w"), array)


def test_bfloat16_as_the_package_writes_it(tmp_path: Path) -> None:
    array = bits((6, 5), ml_dtypes.bfloat16)
    save_file({"w": array}, tmp_path / "m.safetensors")
    assert_same_bits(open_weights(tmp_path / "m.safetensors").read("w"), array)


def test_bfloat16_is_the_upper_half_of_float32(raw_safetensors: Callable[..., Path]) -> None:
    """The meaning of the bits, told without ml_dtypes."""
    upper = np.array([[0x3F80, 0xC000, 0x0001], [0x4049, 0x7F7F, 0x8000]], dtype="<u2")
    expected = (upper.astype("<u4") << 16).view("<f4")
    header = {"w": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}}
    (item,) = iter_matrices(open_weights(raw_safetensors(header, upper.tobytes())))
    assert isinstance(item, Matrix)
    assert item.load().tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("dtype", "loaded"),
    [
        ("float64", "float64"),
        ("float32", "float32"),
        ("float16", "float32"),
        ("int64", "float64"),
        ("int32", "float64"),
        ("uint16", "float32"),
        ("int8", "float32"),
    ],
)
def test_every_number_becomes_the_smallest_float_that_holds_its_type(
    tmp_path: Path, dtype: str, loaded: str
) -> None:
    array = np.array([[1, 2, 3], [100, 5, 6]], dtype=dtype)
    save_file({"w": array}, tmp_path / "m.safetensors")
    np.save(tmp_path / "m.npy", array)
    for name in ("m.safetensors", "m.npy"):
        (item,) = iter_matrices(open_weights(tmp_path / name))
        assert isinstance(item, Matrix)
        values = item.load()
        assert isinstance(item, Matrix)
        assert item.dtype == dtype
        assert values.dtype == loaded
        np.testing.assert_array_equal(values, [[1, 2, 3], [100, 5, 6]])


def test_big_and_tiny_values_stay(tmp_path: Path) -> None:
    array = np.array([[1e308, -1e308], [5e-324, 1.0]])
    np.save(tmp_path / "w.npy", array)
    (item,) = iter_matrices(open_weights(tmp_path / "w.npy"))
    assert isinstance(item, Matrix)
    assert item.load().tobytes() == array.tobytes()


def shards(folder: Path, index: bool = True) -> dict[str, np.ndarray]:
    first = {"a": bits((4, 3), "float32", 1), "b": bits((3,), "float64", 2)}
    second = {"c": bits((5, 2), "float16", 3)}
    save_file(first, folder / "model-00001-of-00002.safetensors", metadata={"format": "np"})
    save_file(second, folder / "model-00002-of-00002.safetensors")
    if index:
        weight_map = dict.fromkeys(first, "model-00001-of-00002.safetensors")
        weight_map |= dict.fromkeys(second, "model-00002-of-00002.safetensors")
        text = json.dumps({"metadata": {"total_size": 92}, "weight_map": weight_map})
        (folder / "model.safetensors.index.json").write_text(text)
    return first | second


def test_sharded_index_by_folder_and_by_name(tmp_path: Path) -> None:
    arrays = shards(tmp_path)
    for source in (tmp_path, tmp_path / "model.safetensors.index.json"):
        weights = open_weights(source)
        assert {entry.name for entry in weights.entries} == set(arrays)
        assert len(weights.entries) == 3
        assert weights.entries[-1].name == "c"
        for name, array in arrays.items():
            assert_same_bits(weights.read(name), array)
        assert weights.metadata == {"total_size": "92", "format": "np"}


def test_index_under_another_name_is_known_by_its_content(tmp_path: Path) -> None:
    arrays = shards(tmp_path)
    renamed = tmp_path / "anything.txt"
    (tmp_path / "model.safetensors.index.json").rename(renamed)
    assert {entry.name for entry in open_weights(renamed).entries} == set(arrays)


def test_folder_of_several_files_without_index(tmp_path: Path) -> None:
    arrays = shards(tmp_path, index=False)
    weights = open_weights(tmp_path)
    for name, array in arrays.items():
        assert_same_bits(weights.read(name), array)


def test_folder_of_links(tmp_path: Path) -> None:
    """Downloaded models are often folders of links to files without suffix, stored elsewhere."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    arrays = shards(tmp_path / "snapshot")
    for number, file in enumerate(sorted((tmp_path / "snapshot").iterdir())):
        blob = tmp_path / "blobs" / f"{number:064x}"
        file.rename(blob)
        file.symlink_to(blob)
    weights = open_weights(tmp_path / "snapshot")
    for name, array in arrays.items():
        assert_same_bits(weights.read(name), array)
    assert open_weights(tmp_path / "blobs" / f"{0:064x}").entries


def test_metadata_and_order_of_the_data(raw_safetensors: Callable[..., Path]) -> None:
    """The header may name tensors in any order; they are listed as their data lie."""
    header = {
        "second": {"dtype": "U8", "shape": [2], "data_offsets": [3, 5]},
        "__metadata__": {"made": "by hand"},
        "first": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]},
    }
    weights = open_weights(raw_safetensors(header, bytes(range(5))))
    assert [entry.name for entry in weights.entries] == ["first", "second"]
    assert weights.metadata == {"made": "by hand"}
    assert weights.read("second").tolist() == [3, 4]


def test_content_is_recognised_under_a_wrong_suffix(tmp_path: Path) -> None:
    array = bits((4, 3), "float32")
    save_file({"w": array}, tmp_path / "a.npy")
    np.savez(tmp_path / "b.npz", w=array)
    (tmp_path / "b.npz").rename(tmp_path / "b.safetensors")
    np.save(tmp_path / "c.npy", array)
    (tmp_path / "c.npy").rename(tmp_path / "c")
    for file, name in (("a.npy", "w"), ("b.safetensors", "w"), ("c", "c")):
        assert_same_bits(open_weights(tmp_path / file).read(name), array)


def test_one_tensor_at_a_time(tmp_path: Path) -> None:
    """Opening reads no data, and reading one tensor asks for that one's memory."""
    import tracemalloc

    arrays: dict[str, Any] = {
        f"w{number}": np.full((500, 500), number + 1.0) for number in range(8)
    }
    save_file(arrays, tmp_path / "m.safetensors")
    np.savez(tmp_path / "m.npz", **arrays)
    for file in ("m.safetensors", "m.npz"):
        tracemalloc.start()
        weights = open_weights(tmp_path / file)
        assert tracemalloc.get_traced_memory()[1] < 500_000
        # 2 MB a tensor in float64; the blocks of the archive and the tests for NaN come on top.
        for item in iter_matrices(weights):
            assert isinstance(item, Matrix)
            item.load()
        assert tracemalloc.get_traced_memory()[1] < 5_500_000
        tracemalloc.stop()
