"""Files that are sound, and the means to make ones that are not."""

import gc
import json
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from web_site import Site, numbers

from pastur._errors import PasturError
from pastur.weights import Matrix, Weights, iter_matrices, open_weights


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


@pytest.fixture(scope="session")
def read_all() -> Callable[[Path], None]:
    """Open a file and read every matrix of it; a matrix that is refused is passed over.

    What no reader foresaw is an error of the reader, whatever it is turned into.
    """

    def read(path: Path) -> None:
        try:
            items = list(iter_matrices(open_weights(path)))
        except PasturError as error:
            assert "internal error" not in str(error)
            raise
        for item in items:
            if isinstance(item, Matrix):
                try:
                    item.load()
                except PasturError as error:
                    assert "internal error" not in str(error)

    return read


@pytest.fixture
def refused_mutants(read_all: Callable[[Path], None]) -> Callable[..., int]:
    """Change some bytes of a sound file 1500 times; tell how many of these are not opened."""

    def count(path: Path, sound: bytes, seed: int) -> int:
        numbers = random.Random(seed)
        refused = 0
        for _ in range(1500):
            changed = bytearray(sound)
            for _ in range(numbers.choice((1, 1, 2, 8))):
                changed[numbers.randrange(len(changed))] = numbers.randrange(256)
            path.write_bytes(changed)
            try:
                read_all(path)
            except PasturError:
                refused += 1
        return refused

    return count


@pytest.fixture(scope="session")
def cpu_seconds() -> Callable[[Callable[[], object]], float]:
    """Return the CPU time of a call, the shortest of three: what else runs here adds to it."""

    def measure(call: Callable[[], object]) -> float:
        times = []
        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                start = time.process_time()
                call()
                times.append(time.process_time() - start)
        finally:
            gc.enable()
        return min(times)

    return measure


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


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Serve a folder, and let attempts follow at once."""
    from pastur.weights._places.web import Web

    monkeypatch.setattr(Web, "pauses", (0.0, 0.0))
    folder = tmp_path / "site"
    folder.mkdir()
    site = Site(folder)
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def model(site: Site) -> dict[str, Any]:
    """Write five matrices, and return them."""
    from safetensors.numpy import save_file

    rng = np.random.default_rng(5)
    arrays: dict[str, Any] = {f"{n}.weight": numbers(rng, 300, 400) for n in range(5)}
    save_file(arrays, site.folder / "model.safetensors")
    return arrays


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Weights]:
    """Return a function that writes tensors, with a configuration next to them, and opens them."""

    def write(tensors: Mapping[str, Any], **configs: Any) -> Weights:
        from safetensors.numpy import save_file

        arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
        save_file(arrays, tmp_path / "model.safetensors")
        for name, content in configs.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content), "utf-8")
        return open_weights(tmp_path / "model.safetensors")

    return write
