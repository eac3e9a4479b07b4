"""GGUF files, written and quantised by the package of llama.cpp."""

import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attack_files import gguf as gguf_file
from attack_files import gguf_nested as nested
from attack_files import gguf_tensor as tensor
from attack_files import gguf_text as text

from pastur._errors import FileFormatError, PasturError
from pastur._typing import AnyArray
from pastur.weights import Matrix, Skipped, iter_matrices, open_weights

gguf = pytest.importorskip("gguf")
Kind = gguf.GGMLQuantizationType
WRITABLE = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "BF16", "TQ1_0", "TQ2_0"]


def numbers(*shape: int, seed: int = 0) -> AnyArray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def write(
    path: Path,
    tensors: Mapping[str, Any],
    keys: Sequence[tuple[str, str, Any]] = (),
) -> Path:
    """Write tensors: arrays as they are, pairs of an array and a type quantised."""
    writer = gguf.GGUFWriter(path, "llama")
    for add, key, value in keys:
        getattr(writer, add)(key, value)
    for name, content in tensors.items():
        if isinstance(content, tuple):
            array, kind = content
            writer.add_tensor(name, gguf.quantize(array, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, content)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def items(path: Path) -> dict[str, Matrix | Skipped]:
    return {item.name: item for item in iter_matrices(open_weights(path))}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.gguf"


def test_plain_tensors_and_metadata(path: Path) -> None:
    tensors = {
        "blk.0.attn_q.weight": numbers(6, 4),
        "half": numbers(5, 3).astype(np.float16),
        "whole": np.arange(12, dtype=np.int32).reshape(4, 3),
        "norm": numbers(7),
    }
    keys: list[tuple[str, str, Any]] = [
        ("add_string", "general.name", "a small one"),
        ("add_array", "words", ["a", "b"]),
        ("add_array", "numbers", [1, 2, 3]),
        ("add_float32", "scale", 0.5),
    ]
    weights = open_weights(write(path, tensors, keys))
    assert weights.metadata["general.name"] == "a small one"
    assert weights.metadata["scale"] == "0.5"
    assert [entry.name for entry in weights.entries] == list(tensors)
    for name, array in tensors.items():
        found = weights.read(name)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("name", WRITABLE)
def test_quantised_tensors(path: Path, name: str) -> None:
    kind = Kind[name]
    array = numbers(6, 256)
    found = items(write(path, {"w": (array, kind), "plain": array}))
    expected = gguf.dequantize(gguf.quantize(array, kind), kind)
    assert isinstance(found["w"], Matrix)
    np.testing.assert_array_equal(found["w"].load(), expected)
    assert found["w"].dtype == ("bfloat16" if name == "BF16" else name)
    # Less than two bits to eight: the numbers are there, more or less.
    assert isinstance(found["w"], Matrix)
    assert np.corrcoef(found["w"].load().ravel(), array.ravel())[0, 1] > 0.6


@pytest.mark.parametrize("name", ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS", "IQ2_XXS"])
def test_types_that_only_llama_cpp_writes(path: Path, name: str) -> None:
    """Random blocks, which the package's own reader and unpacking give too."""
    kind = Kind[name]
    size, nbytes = gguf.GGML_QUANT_SIZES[kind]
    blocks = np.random.default_rng(3).integers(0, 60, (4, 2 * nbytes)).astype(np.uint8)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tensor("w", blocks, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = open_weights(path).read("w")
    assert found.shape == (4, 2 * size)
    np.testing.assert_array_equal(found, gguf.dequantize(blocks, kind))


def test_a_type_that_is_not_unpacked_is_listed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pastur.weights._formats.gguf as module

    monkeypatch.setattr(module, "_unpacks", lambda kind: False)
    found = items(write(path, {"w": (numbers(4, 32), Kind.Q8_0), "v": numbers(3, 3)}))
    assert isinstance(found["w"], Skipped)
    assert found["w"].reason == "is packed as Q8_0, which gguf does not unpack"
    assert isinstance(found["v"], Matrix)


def test_experts_one_by_one(path: Path) -> None:
    array = numbers(3, 5, 32)
    found = items(write(path, {"blk.0.ffn_up_exps.weight": array}))
    assert isinstance(found["blk.0.ffn_up_exps.weight:2"], Matrix)
    np.testing.assert_array_equal(found["blk.0.ffn_up_exps.weight:2"].load(), array[2])


# --- hostile files ---


def raw(path: Path, **parts: Any) -> Path:
    gguf_file(**parts)(path)
    return path


ATTACKS = {
    "counts": ({"counts": (2**63, 2**63)}, "claims 9223372036854775808 tensors"),
    "keys": ({"counts": (0, 10**6)}, "claims 0 tensors and 1000000 keys"),
    "name": ({"tensors": [struct.pack("<Q", 2**62) + bytes(60)]}, "ends inside its header"),
    "sides": ({"tensors": [tensor(sides=(2**40, 2**40))]}, "and the file holds"),
    "many sides": ({"tensors": [tensor(sides=(1,) * 9)]}, "has 9 sides"),
    "offset": ({"tensors": [tensor(offset=2**63)]}, "and the file holds"),
    "overlap": ({"tensors": [tensor(), tensor(b"v", offset=32)]}, "overlap those of another"),
    "twins": ({"tensors": [tensor(), tensor(offset=64)]}, "two tensors named 'w'"),
    "blocks": ({"tensors": [tensor(kind=2)]}, "rows of 4, not whole blocks"),
    "array": (
        {"keys": [text(b"a") + struct.pack("<IIQ", 9, 4, 2**62)]},
        "claim an array of 4611686018427387904 values",
    ),
    "texts": (
        {"keys": [text(b"a") + struct.pack("<IIQ", 9, 8, 2**60)]},
        "claim an array of 1152921504606846976 values",
    ),
    "nesting": ({"keys": [nested(2000)]}, "unknown type 9"),
    "value": ({"keys": [text(b"a") + struct.pack("<I", 77)]}, "unknown type 77"),
    "alignment": (
        {"keys": [text(b"general.alignment") + struct.pack("<II", 4, 0)]},
        r"general\.alignment is 0",
    ),
    "version": ({"version": 1}, "is of version 1"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks(path: Path, attack: str, small_memory: None) -> None:
    options, reason = ATTACKS[attack]
    with pytest.raises(FileFormatError, match=rf"model\.gguf.*{reason}"):
        open_weights(raw(path, **options))  # type: ignore[arg-type]


def test_the_frame_of_the_attacks_is_sound(path: Path) -> None:
    pair = [tensor(), tensor(b"v", offset=64), tensor(b"new", kind=999, offset=128)]
    found = items(raw(path, tensors=pair, keys=[nested(2)]))
    assert found["w"].shape == (3, 4)
    assert isinstance(found["new"], Skipped)
    assert "type 999, which the package gguf does not know" in found["new"].reason


@pytest.fixture
def sound(path: Path) -> bytes:
    tensors = {"w": (numbers(4, 64), Kind.Q4_0), "v": numbers(5, 4)}
    return write(path, tensors, [("add_array", "words", ["a", "b"])]).read_bytes()


def test_cut_off_anywhere(path: Path, sound: bytes) -> None:
    # The last bytes only fill up the last block of 32.
    for end in np.linspace(1, len(sound) - 32, 64).astype(int):
        path.write_bytes(sound[:end])
        with pytest.raises(PasturError, match=r"model\.gguf"):
            open_weights(path)


@pytest.mark.lengthy
def test_mutations_raise_nothing_but_our_errors(
    path: Path, sound: bytes, refused_mutants: Callable[..., int], small_memory: None
) -> None:
    assert 50 < refused_mutants(path, sound, seed=5) < 1450
