"""Files that are sound, and the means to make ones that are not."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def raw_safetensors(tmp_path: Path) -> Callable[..., Path]:
    """Write a safetensors file byte by byte, with any header and any length in front of it."""

    def write(
        header: Any, data: bytes = b"", *, length: int | None = None, name: str = "raw.safetensors"
    ) -> Path:
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        size = len(text) if length is None else length
        path = tmp_path / name
        path.write_bytes(size.to_bytes(8, "little") + text + data)
        return path

    return write


@pytest.fixture
def raw_npy(tmp_path: Path) -> Callable[..., Path]:
    """Write a .npy file byte by byte, with any header."""

    def write(header: str, data: bytes = b"", *, version: int = 1, name: str = "raw.npy") -> Path:
        text = header.encode("latin-1")
        length = len(text).to_bytes(2 if version == 1 else 4, "little")
        path = tmp_path / name
        path.write_bytes(b"\x93NUMPY" + bytes([version, 0]) + length + text + data)
        return path

    return write


@pytest.fixture
def small_memory() -> Iterator[None]:
    """Fail the test if Python and NumPy ask for more than 8 MB at any time during it."""
    import ml_dtypes  # noqa: F401  (its import is not part of what is measured)

    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)
