"""Files made to harm: only documented errors, and no memory beyond what the file really holds."""

import itertools
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
from safetensors.numpy import save_file
from structures import flax_files

from pastur._errors import PasturError
from pastur.weights import Matrix, iter_matrices, open_weights

MUTATIONS = 500  # for each of four files
NASTY = [b"-1", b"0", b"1e999", b"18446744073709551616", b"10000000000000", b"NaN", b"null"]
NASTY += [b'"', b"{", b"}", b"[", b"]", b",", b"\\u0000", b"\\ud800", b"\xff\xff", b"'", b"True"]


def exhaust(path: Path) -> int:
    """Read everything that can be read; return how many matrices that was."""
    try:
        items = list(iter_matrices(open_weights(path)))
    except PasturError as error:
        assert "\n" not in str(error)
        return 0
    count = 0
    for item in items:
        try:
            count += isinstance(item, Matrix) and item.load().size > 0
        except PasturError as error:
            assert "\n" not in str(error)
    return count


def sound_files(folder: Path) -> dict[str, Path]:
    arrays: dict[str, Any] = {
        "layer.weight": np.arange(1, 13, dtype=np.float32).reshape(3, 4),
        "layer.bias": np.ones(3, np.float16),
        "other": np.full((2, 5), 7, np.int64),
    }
    paths = {name: folder / name for name in ("m.safetensors", "m.npy", "m.npz", "packed.npz")}
    save_file(arrays, paths["m.safetensors"], metadata={"format": "np"})
    np.save(paths["m.npy"], arrays["layer.weight"])
    np.savez(paths["m.npz"], **arrays)
    np.savez_compressed(paths["packed.npz"], **arrays)
    tree = flax_files.arrays_tree(arrays)
    paths["m.msgpack"] = folder / "m.msgpack"
    paths["m.msgpack"].write_bytes(flax_files.packed(tree))
    return paths


FILES = ["m.safetensors", "m.npy", "m.npz", "packed.npz", "m.msgpack"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.usefixtures("small_memory")
def test_cut_off_anywhere(tmp_path: Path, name: str) -> None:
    path = sound_files(tmp_path)[name]
    content = path.read_bytes()
    whole = exhaust(path)
    assert whole > 0
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert exhaust(path) == 0


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """Return `content` with one to three small injuries, most of them near its beginning or end."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        span = min(len(changed), 400)
        place = int(rng.integers(span))
        if rng.random() < 0.3:
            place = len(changed) - 1 - place
        action = rng.integers(5)
        if action == 0:
            changed[place] ^= 1 << int(rng.integers(8))
        elif action == 1:
            changed[place] = int(rng.integers(256))
        elif action == 2:
            changed[place : place + int(rng.integers(1, 9))] = b""
        elif action == 3:
            nasty = NASTY[int(rng.integers(len(NASTY)))]
            changed[place : place + int(rng.integers(0, 3))] = nasty
        else:
            changed[place : place + 4] = struct.pack("<I", int(rng.integers(2**32)))
    return bytes(changed)


def keep_header_length(content: bytes, mutated: bytes) -> bytes:
    """Return `mutated` with a length in front that fits, so that the JSON itself is tested."""
    start = 8 + int.from_bytes(content[:8], "little")
    data = content[start:]
    text = mutated[8 : len(mutated) - len(data)]
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.lengthy
@pytest.mark.parametrize("name", FILES)
@pytest.mark.usefixtures("small_memory")
def test_mutations(tmp_path: Path, rng: np.random.Generator, name: str) -> None:
    path = sound_files(tmp_path)[name]
    content = path.read_bytes()
    survived = 0
    for number in range(MUTATIONS):
        mutated = mutate(content, rng)
        if name == "m.safetensors" and number % 2:
            mutated = keep_header_length(content, mutated)
        path.write_bytes(mutated)
        survived += exhaust(path) > 0
    # Some injuries hit only data, others only what nothing depends on: both roads were travelled.
    assert 0 < survived < MUTATIONS


def test_what_the_reference_library_refuses_is_refused(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    path = sound_files(tmp_path)["m.safetensors"]
    content = path.read_bytes()
    refused = 0
    for _ in range(500):
        path.write_bytes(keep_header_length(content, mutate(content, rng)))
        try:
            with safetensors.safe_open(path, framework="np"):
                pass
        except safetensors.SafetensorError:
            refused += 1
            try:
                weights = open_weights(path)
            except PasturError:
                continue
            # The one liberty: a tensor of an unknown type is listed, and the rest is read.
            assert any(entry.unreadable for entry in weights.entries)
    assert refused > 250


def test_headers_over_a_grid_of_sizes(raw_safetensors: Callable[..., Path]) -> None:
    """What is accepted is what tiles the eight bytes: worked out by hand, and theirs agrees."""
    sizes = [0, 4, 8, -1, 2**62]
    accepted = set()
    for rows, split, count, begin in itertools.product(sizes, sizes, [0, 2, 4, True], sizes):
        header = {
            "a": {"dtype": "U8", "shape": [1, rows], "data_offsets": [0, split]},
            "b": {"dtype": "I16", "shape": [count], "data_offsets": [begin, 8]},
        }
        path = raw_safetensors(header, bytes(8))
        try:
            open_weights(path)
        except PasturError:
            continue
        accepted.add((rows, split, count, begin))
        with safetensors.safe_open(path, framework="np") as file:
            assert set(file.keys()) == {"a", "b"}
    assert accepted == {(0, 0, 4, 0), (4, 4, 2, 4), (8, 8, 0, 8)}


@pytest.mark.usefixtures("small_memory")
def test_sparse_file_of_ten_terabytes(tmp_path: Path) -> None:
    """The file really has the size that its header claims, and none of it on the disk."""
    shape = [1_250_000, 1_000_000]
    entry = {"dtype": "F64", "shape": shape, "data_offsets": [0, 10**13]}
    text = json.dumps({"w": entry}).encode()
    path = tmp_path / "sparse.safetensors"
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        try:
            file.truncate(8 + len(text) + 10**13)
        except OSError:
            pytest.skip("this file system has no files of 10 TB")
    (item,) = iter_matrices(open_weights(path))
    with pytest.raises(PasturError, match="needs 10 TB of memory, more than this machine has"):
        assert isinstance(item, Matrix)
        item.load()


@pytest.mark.usefixtures("small_memory")
def test_many_tensors_are_listed_without_reading(tmp_path: Path) -> None:
    """Thirty thousand million bytes of data that are not there."""
    size = 4096 * 4096 * 4
    header = {
        f"layers.{k}.weight": {
            "dtype": "F32",
            "shape": [4096, 4096],
            "data_offsets": [k * size, (k + 1) * size],
        }
        for k in range(450)
    }
    text = json.dumps(header).encode()
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + 450 * size)
    assert len(list(iter_matrices(open_weights(path)))) == 450
