"""Weights in an object store: a real one on loopback, behind a proxy that counts and cuts."""

import json
import os
import select
import socket
import socketserver
import subprocess
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur import analyze
from pastur._errors import FileAccessError, FileFormatError, InvalidInputError, MissingExtraError
from pastur.weights import open_weights
from pastur.weights._places.store import Store

fsspec = pytest.importorskip("fsspec")

KEY, SECRET = "AKIAS3CRET", "hush"


class Proxy(socketserver.ThreadingTCPServer):
    """Passes everything on, counts what comes back, and cuts connections.

    Attributes
    ----------
    sent : int
        Bytes from the store, headers included.
    cut_after : int
        Bytes after which a connection is cut, as long as `cuts` are left.
    delay : float
        Seconds before anything comes back.
    """

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.behind, self.sent, self.cut_after, self.cuts = port, 0, 0, 0
        self.delay = 0.0
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, *_: Any) -> None:
        """Say nothing: clients leave when they like."""


class _Passing(socketserver.BaseRequestHandler):
    server: Proxy

    def handle(self) -> None:
        """Pass on what comes from either side, until one is silent."""
        with socket.create_connection(("127.0.0.1", self.server.behind)) as back:
            other = {self.request: back, back: self.request}
            passed = 0
            while True:
                for one in select.select(list(other), [], [])[0]:
                    data = one.recv(65_536)
                    if one is back:
                        time.sleep(self.server.delay)
                        passed += len(data)
                        self.server.sent += len(data)
                        if self.server.cuts and passed > self.server.cut_after:
                            self.server.cuts -= 1
                            return
                    if not data:
                        return
                    other[one].sendall(data)


@pytest.fixture(scope="module")
def moto() -> Iterator[int]:
    """Run an object store as a process of its own, and return its port."""
    pytest.importorskip("s3fs")
    pytest.importorskip("moto")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=5).close()
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    yield port
    process.kill()
    process.wait()


@pytest.fixture
def bucket(moto: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Proxy]]:
    """Return an empty bucket behind a proxy: what fills it, and the proxy."""
    proxy = Proxy(moto)
    options = {"key": KEY, "secret": SECRET, "endpoint_url": f"http://127.0.0.1:{proxy.port}"}
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setitem(fsspec.config.conf, "s3", options)
    monkeypatch.setattr(Store, "pauses", (0.0,))
    system = fsspec.filesystem("s3")
    name = f"bucket-{proxy.port}"
    system.mkdir(name)
    yield system, proxy
    proxy.shutdown()
    proxy.server_close()


def _model(folder: Path) -> dict[str, Any]:
    from safetensors.numpy import save_file

    rng = np.random.default_rng(8)
    arrays = {f"{n}.weight": rng.standard_normal((300, 400)).astype("f4") for n in range(5)}
    save_file(arrays, folder / "model.safetensors")
    return arrays


def _address(proxy: Proxy, name: str) -> str:
    return f"s3://bucket-{proxy.port}/{name}"


@pytest.mark.lengthy
def test_only_what_is_asked_for_leaves_the_store(bucket: tuple[Any, Proxy], tmp_path: Path) -> None:
    system, proxy = bucket
    arrays = _model(tmp_path)
    system.put(str(tmp_path / "model.safetensors"), _address(proxy, "model.safetensors"))
    proxy.sent = 0
    weights = open_weights(_address(proxy, "model.safetensors"))
    for name in ("3.weight", "1.weight"):
        assert np.array_equal(weights.read(name), arrays[name])
    # Headers of HTTP included.
    assert proxy.sent <= 1.05 * 2 * arrays["3.weight"].nbytes


@pytest.mark.lengthy
def test_analysis_of_a_folder_is_that_of_the_files(
    bucket: tuple[Any, Proxy], tmp_path: Path
) -> None:
    from safetensors.numpy import save_file

    system, proxy = bucket
    arrays = _model(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    names = [f"model-{n + 1:05}-of-00005.safetensors" for n in range(5)]
    for file, name in zip(names, arrays, strict=True):
        save_file({name: arrays[name]}, tmp_path / file)
    index = {"weight_map": dict(zip(arrays, names, strict=True))}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    system.put(f"{tmp_path}/", _address(proxy, "m"), recursive=True)
    proxy.sent = 0
    there = analyze(_address(proxy, "m"))
    here = analyze(tmp_path)
    assert there.source.startswith(f"s3://bucket-{proxy.port}/m")
    for one, other in zip(here.matrices, there.matrices, strict=True):
        assert one.fit.to_dict() == other.fit.to_dict()
    # A page of each header, and what the store says of each file, are the rest.
    assert proxy.sent <= 1.05 * sum(a.nbytes for a in arrays.values()) + 5 * 20_000


def test_cut_connections_are_made_anew(bucket: tuple[Any, Proxy], tmp_path: Path) -> None:
    system, proxy = bucket
    arrays = _model(tmp_path)
    system.put(str(tmp_path / "model.safetensors"), _address(proxy, "model.safetensors"))
    weights = open_weights(_address(proxy, "model.safetensors"))
    proxy.cut_after, proxy.cuts = 100_000, 3
    for name, array in arrays.items():
        assert np.array_equal(weights.read(name), array)
    assert proxy.cuts == 0


@pytest.mark.lengthy
def test_a_silent_store_is_given_up(
    bucket: tuple[Any, Proxy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, proxy = bucket
    arrays = _model(tmp_path)
    system.put(str(tmp_path / "model.safetensors"), _address(proxy, "model.safetensors"))
    weights = open_weights(_address(proxy, "model.safetensors"))
    proxy.delay = 0.1
    assert np.array_equal(weights.read("1.weight"), arrays["1.weight"])
    monkeypatch.setattr("pastur.weights._places.server._PATIENCE", 0.2)
    monkeypatch.setattr("pastur.weights._places.server._BYTES_A_SECOND", 1e9)
    proxy.delay = 1.0
    with pytest.raises(FileAccessError, match=r"did not answer in time\. It was tried 2 times"):
        weights.read("2.weight")


def test_an_object_that_changes_midway_is_seen(bucket: tuple[Any, Proxy], tmp_path: Path) -> None:
    system, proxy = bucket
    arrays = _model(tmp_path)
    address = _address(proxy, "model.safetensors")
    system.put(str(tmp_path / "model.safetensors"), address)
    weights = open_weights(address)
    assert np.array_equal(weights.read("0.weight"), arrays["0.weight"])
    changed = bytearray((tmp_path / "model.safetensors").read_bytes())
    changed[-1] ^= 1
    system.pipe(address, bytes(changed))
    with pytest.raises(FileAccessError, match="has changed on its server since it was opened"):
        weights.read("0.weight")
    system.rm(address)
    with pytest.raises(FileAccessError, match="is not there, or may not be read"):
        weights.read("0.weight")


def test_what_is_missing_is_named_without_a_key(bucket: tuple[Any, Proxy]) -> None:
    _, proxy = bucket
    for address in (_address(proxy, "nothing"), "s3://no-such-bucket/model.npz"):
        with pytest.raises(FileAccessError, match="is not there, or may not be read") as caught:
            open_weights(address)
        text = "".join(traceback.format_exception(caught.value))
        assert KEY not in text
        assert SECRET not in text


@pytest.mark.lengthy
def test_a_store_that_is_gone_is_an_error(
    bucket: tuple[Any, Proxy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, proxy = bucket
    system.pipe(_address(proxy, "model.npy"), b"\x93NUMPY")
    options = dict(fsspec.config.conf["s3"])
    options["config_kwargs"] = {"retries": {"max_attempts": 0}}
    monkeypatch.setitem(fsspec.config.conf, "s3", options)
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    proxy.cut_after, proxy.cuts = 0, 1000
    with pytest.raises(FileAccessError, match=r"It was tried 2 times\.") as caught:
        open_weights(_address(proxy, "model.npy"))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


# --- any other store, here the one in memory ---


@pytest.fixture
def memory() -> Iterator[Any]:
    """Return fsspec's store in memory, empty."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def test_folders_and_configurations_are_found(memory: Any, tmp_path: Path) -> None:
    arrays = _model(tmp_path)
    memory.pipe("/m/model.safetensors", (tmp_path / "model.safetensors").read_bytes())
    memory.pipe("/m/config.json", b"{}")
    found = open_weights("memory://m")
    assert {entry.name for entry in found.entries} == set(arrays)
    assert np.array_equal(found.read("2.weight"), arrays["2.weight"])
    memory.pipe("/m/deeper/other.safetensors", b"")
    memory.rm("/m/model.safetensors")
    with pytest.raises(FileFormatError, match="has its model further down: 'deeper/'"):
        open_weights("memory://m")


def test_a_store_that_sends_too_little_is_an_error(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _model(tmp_path)
    memory.pipe("/model.safetensors", (tmp_path / "model.safetensors").read_bytes())
    weights = open_weights("memory://model.safetensors")
    monkeypatch.setattr(Store, "pauses", (0.0,))
    whole = type(memory).cat_file

    def short(self: Any, path: str, start: int, end: int) -> bytes:
        return bytes(whole(self, path, start, end - 1))

    monkeypatch.setattr(type(memory), "cat_file", short)
    with pytest.raises(FileAccessError, match="464007 bytes came where 464008 were asked for"):
        weights.read("0.weight")


def test_what_a_store_says_in_its_errors_is_kept(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe("/a.npy", b"\x93NUMPY")
    monkeypatch.setattr(Store, "pauses", ())

    def fail(self: Any, path: str, **_: Any) -> Any:
        raise RuntimeError(f"no access to {path} with {SECRET}")

    monkeypatch.setattr(type(memory), "info", fail)
    with pytest.raises(FileAccessError, match=r"its store fails \(RuntimeError\)") as caught:
        open_weights("memory://a.npy")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


# --- what is an address, and what reads it ---


@pytest.mark.parametrize("name", ["C:\\models\\m.npy", "a:b.npy", "C:/m.npy", "s3:m.npy", "x//y"])
def test_paths_with_colons_are_paths(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileAccessError, match="No file or folder"):
        open_weights(name)
    path = tmp_path / name.replace("/", "_")
    with path.open("wb") as file:
        np.save(file, np.eye(3))
    assert np.array_equal(open_weights(path.name).read(path.stem), np.eye(3))


def test_a_url_as_a_path_is_an_error_that_says_so() -> None:
    with pytest.raises(FileAccessError, match="A URL is given as text: a Path drops one of its"):
        open_weights(Path("https://host/m.npy"))


def test_addresses_of_this_machine_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.eye(3))
    for address in (f"file://{tmp_path}/m.npy", f"local://{tmp_path}/m.npy"):
        with pytest.raises(InvalidInputError, match=r"is on this machine: give its path\."):
            open_weights(address)
    with pytest.raises(InvalidInputError, match="is one address in another"):
        open_weights(f"zip://m.npy::file://{tmp_path}/m.zip")


def test_what_reads_an_address_is_named() -> None:
    with pytest.raises(InvalidInputError, match="begins with 'nonsense', which stands for nothing"):
        open_weights("nonsense://x/y")
    for scheme, package in (("gs", "gcsfs"), ("oss", "ossfs")):
        with pytest.raises(MissingExtraError, match=f"Install it with `pip install {package}`"):
            open_weights(f"{scheme}://x/y")


@pytest.mark.lengthy
@pytest.mark.parametrize("package", ["fsspec", "aiohttp", "s3fs"])
def test_without_a_package_its_extra_is_named(package: str) -> None:
    """In a process of its own, which cannot import the package."""
    scheme = "s3" if package == "s3fs" else "https"
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from pastur.weights import open_weights\n"
        f"try: open_weights('{scheme}://user:{SECRET}@host/m.npy?{SECRET}')\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"needs the package {package}, which is not installed" in done.stdout
    assert "Install it with `pip install pastur[remote]`" in done.stdout
    assert SECRET not in done.stdout


@pytest.mark.lengthy
def test_a_path_of_this_machine_loads_nothing_of_it(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.eye(3))
    code = (
        "import sys; from pastur.weights import open_weights\n"
        f"open_weights({os.fspath(tmp_path / 'm.npy')!r}).read('m')\n"
        "print([name for name in ('fsspec', 'aiohttp', 's3fs', 'asyncio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
