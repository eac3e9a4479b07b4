"""A stand-in for Fashion-MNIST, of its full shape, that any test may spoil."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pastur._typing import AnyArray

FILES = {
    "train-images-idx3-ubyte.gz": (60000, 28, 28),
    "train-labels-idx1-ubyte.gz": (60000,),
    "t10k-images-idx3-ubyte.gz": (10000, 28, 28),
    "t10k-labels-idx1-ubyte.gz": (10000,),
}


@pytest.fixture(scope="session")
def idx_bytes() -> Callable[[AnyArray], bytes]:
    """Pack an array as an IDX file, before compression, by the published description."""

    def pack(array: AnyArray) -> bytes:
        head = struct.pack(">BBBB", 0, 0, 0x08, array.ndim)
        return head + b"".join(struct.pack(">I", n) for n in array.shape) + array.tobytes()

    return pack


@pytest.fixture(scope="session")
def stand_in_bytes(idx_bytes: Callable[[AnyArray], bytes]) -> dict[str, bytes]:
    rng = np.random.default_rng(7)
    contents = {}
    for name, shape in FILES.items():
        array = np.zeros(shape, dtype=np.uint8)
        array[-10:] = rng.integers(0, 10, size=array[-10:].shape)
        contents[name] = gzip.compress(idx_bytes(array), compresslevel=1)
    return contents


@pytest.fixture
def stand_in(tmp_path: Path, stand_in_bytes: dict[str, bytes]) -> Path:
    folder = tmp_path / "stand-in"
    folder.mkdir()
    for name, content in stand_in_bytes.items():
        (folder / name).write_bytes(content)
    return folder
