"""Weights on a web server that answers ranges, and on servers that do so badly, or with malice."""

import asyncio
import datetime
import http.server
import json
import pickle
import re
import ssl
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import unquote

import attack_files
import numpy as np
import pytest
from attack_files import Attack
from click.testing import CliRunner
from structures import flax_files

from pastur import analyze, compare
from pastur._errors import FileAccessError, PasturError
from pastur.cli._main import main
from pastur.weights import open_weights
from pastur.weights._places.server import FinalError
from pastur.weights._places.web import Web, _request

pytest.importorskip("aiohttp")

SECRETS = ("s3cret", "hush")


class Request:
    """A request for a range, and how it is answered; a fault changes what it likes."""

    def __init__(self, handler: "_Handler", path: Path, content: bytes, begin: int, end: int):
        self.handler, self.path, self.begin, self.end = handler, path, begin, end
        self.body = content[begin:end]
        self.code = 206
        last = begin + len(self.body) - 1
        self.headers = {
            "Content-Range": f"bytes {begin}-{last}/{len(content)}",
            "ETag": f'"{hash(content)}"',
            "Content-Length": str(len(self.body)),
        }

    def whole(self) -> None:
        """Answer as a server that knows nothing of ranges."""
        self.code, self.body = 200, self.path.read_bytes()
        del self.headers["Content-Range"]
        self.headers["Content-Length"] = str(len(self.body))

    def claim(self, size: int) -> None:
        """State another size of the file."""
        self.headers["Content-Range"] = re.sub(r"\d+$", str(size), self.headers["Content-Range"])


class Site:
    """A folder on a local web server.

    Attributes
    ----------
    sent : int
        Bytes of bodies.
    requests : list of tuple
        Name, begin and end of the range of each.
    fault : callable
        Is given each request, and its number from 0 on, before the answer is sent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.sent = folder, 0
        self.requests: list[tuple[str, int, int]] = []
        self.fault: Callable[[Request, int], object] = lambda request, number: None
        handler = type("Handler", (_Handler,), {"site": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, name: str) -> str:
        """Return the address of a file, with a password and a token in it."""
        host = f"127.0.0.1:{self.server.server_address[1]}"
        return f"http://user:{SECRETS[0]}@{host}/{name}?token={SECRETS[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer a range."""
        site = self.site
        path = site.folder / unquote(self.path.partition("?")[0]).lstrip("/")
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        assert match is not None
        begin, end = int(match[1]), int(match[2]) + 1
        number = len(site.requests)
        site.requests.append((path.name, begin, end))
        if not path.is_file():
            self._send(404, {"Content-Length": "0"}, b"")
            return
        request = Request(self, path, path.read_bytes(), begin, end)
        site.fault(request, number)
        site.sent += len(request.body)
        self._send(request.code, request.headers, request.body)

    def _send(self, code: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if len(body) < int(headers.get("Content-Length", "0")):
            self.close_connection = True


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Serve a folder, and let attempts follow at once."""
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
    arrays: dict[str, Any] = {f"{n}.weight": _numbers(rng, 300, 400) for n in range(5)}
    save_file(arrays, site.folder / "model.safetensors")
    return arrays


def _numbers(rng: np.random.Generator, *shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)


def words_of(error: BaseException) -> str:
    """Return all that is ever printed of an error, and see that it holds no secret."""
    text = "".join(traceback.format_exception(error))
    assert not any(secret in text or secret in repr(error) for secret in SECRETS)
    return str(error)


def refusal(call: Callable[[], Any]) -> str:
    """Return the sentence with which a call fails."""
    with pytest.raises(PasturError) as caught:
        call()
    return words_of(caught.value)


def read_all(source: Any) -> dict[str, Any]:
    """Return every tensor."""
    weights = open_weights(source)
    return {entry.name: weights.read(entry.name) for entry in weights.entries}


def same(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Tell whether these are the same arrays, bit by bit."""
    return found.keys() == expected.keys() and all(
        np.array_equal(found[name], array) and found[name].dtype == array.dtype
        for name, array in expected.items()
    )


# --- what is read ---


def test_only_the_header_and_the_tensors_asked_for_are_fetched(
    site: Site, model: dict[str, Any]
) -> None:
    weights = open_weights(site.url("model.safetensors"))
    listed = site.sent
    assert listed <= 16_384
    assert np.array_equal(weights.read("3.weight"), model["3.weight"])
    assert np.array_equal(weights.read("1.weight"), model["1.weight"])
    wanted = model["3.weight"].nbytes + model["1.weight"].nbytes
    assert site.sent - listed == wanted
    # A header on its own page is all that comes on top.
    assert site.sent <= 1.05 * wanted


@pytest.mark.lengthy
def test_analysis_by_url_is_that_of_the_file(site: Site, model: dict[str, Any]) -> None:
    here = analyze(site.folder / "model.safetensors", include=["0.*", "4.*"])
    there = analyze(site.url("model.safetensors"), include=["0.*", "4.*"])
    assert there.source.endswith("/model.safetensors")
    for one, other in zip(here.matrices, there.matrices, strict=True):
        assert np.array_equal(one.singular_values, other.singular_values)
        assert one.fit.to_dict() == other.fit.to_dict()
    assert site.sent <= 1.05 * 2 * model["0.weight"].nbytes


@pytest.mark.lengthy
def test_two_models_are_compared_where_they_lie(
    site: Site, model: dict[str, Any], tmp_path: Path
) -> None:
    from safetensors.numpy import save_file

    changed = model | {"4.weight": model["4.weight"] + _numbers(np.random.default_rng(6), 300, 400)}
    save_file(changed, site.folder / "new.safetensors")
    names = ("model.safetensors", "new.safetensors")
    here = compare(*(site.folder / name for name in names), include=["0.*", "4.*"])
    there = compare(*(site.url(name) for name in names), include=["0.*", "4.*"])
    assert [one.unchanged for one in there.matrices] == [True, False]
    for one, other in zip(here.matrices, there.matrices, strict=True):
        assert one.relative_change == other.relative_change
        assert one.directions == other.directions
        assert one.new.fit.to_dict() == other.new.fit.to_dict()
    # Two tensors of each, once.
    assert site.sent <= 1.05 * 4 * model["0.weight"].nbytes
    assert not any(secret in str(there.to_dict()) for secret in SECRETS)
    same_twice = compare(site.url(names[0]), site.url(names[0]), include="0.*")
    assert same_twice.same_source


@pytest.mark.lengthy
def test_jobs_open_the_url_themselves(site: Site, model: dict[str, Any]) -> None:
    url = site.url("model.safetensors")
    one = analyze(url, include=["0.*", "4.*"])
    two = analyze(url, include=["0.*", "4.*"], jobs=2)
    for first, second in zip(one.matrices, two.matrices, strict=True):
        assert first.fit.to_dict() == second.fit.to_dict()

    def fail(request: Request, number: int) -> None:
        request.code = 500 if request.begin else 206

    # What fails in another process comes back as words, too.
    site.fault = fail
    text = refusal(lambda: analyze(url, include=["0.*", "4.*"], jobs=2))
    assert "its server answers 500" in text


def _npz(folder: Path, arrays: dict[str, Any]) -> str:
    np.savez(folder / "model.npz", **arrays)
    return "model.npz"


def _packed_npz(folder: Path, arrays: dict[str, Any]) -> str:
    np.savez_compressed(folder / "packed.npz", **arrays)
    return "packed.npz"


def _torch(folder: Path, arrays: dict[str, Any]) -> str:
    torch = pytest.importorskip("torch")
    torch.save({n: torch.from_numpy(a) for n, a in arrays.items()}, folder / "model.pt")
    return "model.pt"


def _old_torch(folder: Path, arrays: dict[str, Any]) -> str:
    torch = pytest.importorskip("torch")
    tensors = {n: torch.from_numpy(a) for n, a in arrays.items()}
    torch.save(tensors, folder / "old.pt", _use_new_zipfile_serialization=False)
    return "old.pt"


def _hdf5(folder: Path, arrays: dict[str, Any]) -> str:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "model.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return "model.h5"


def _keras(folder: Path, arrays: dict[str, Any]) -> str:
    import zipfile

    name = _hdf5(folder, arrays)
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.write(folder / name, "model.weights.h5")
    return "model.keras"


def _gguf(folder: Path, arrays: dict[str, Any]) -> str:
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(folder / "model.gguf", "llama")
    for name, array in arrays.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return "model.gguf"


def _onnx(folder: Path, arrays: dict[str, Any]) -> str:
    onnx = pytest.importorskip("onnx")
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = onnx.helper.make_graph([], "g", [], [], initializer=tensors)
    onnx.save(
        onnx.helper.make_model(graph),
        folder / "model.onnx",
        save_as_external_data=True,
        location="model.data",
        size_threshold=0,
    )
    return "model.onnx"


def _flax(folder: Path, arrays: dict[str, Any]) -> str:
    tree = flax_files.arrays_tree(arrays)
    (folder / "flax_model.msgpack").write_bytes(flax_files.packed(tree))
    return "flax_model.msgpack"


WRITERS = [_npz, _packed_npz, _torch, _old_torch, _hdf5, _keras, _gguf, _onnx, _flax]


@pytest.mark.lengthy
@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__.strip("_"))
def test_each_format_is_read_by_ranges(site: Site, write: Callable[..., str]) -> None:
    rng = np.random.default_rng(6)
    arrays = {f"w{n}": _numbers(rng, 700, 800) for n in range(4)}
    name = write(site.folder, arrays)
    expected = read_all(site.folder / name)
    assert len(expected) == len(arrays)
    weights = open_weights(site.url(name))
    assert same({n: weights.read(n) for n in expected}, expected)
    # The packed one takes fewer bytes than its numbers, and the file is the measure of it.
    stored = (site.folder / name).stat().st_size if write is _packed_npz else 4 * 4 * 700 * 800
    assert site.sent <= 1.05 * stored
    site.sent = 0
    chosen = sorted(expected)[2]
    again = open_weights(site.url(name))
    listed = site.sent
    assert np.array_equal(again.read(chosen), expected[chosen])
    assert site.sent - listed <= 1.05 * stored / 4


def test_an_index_leads_to_files_of_the_same_server(site: Site, model: dict[str, Any]) -> None:
    from safetensors.numpy import save_file

    names = ["part 1.safetensors", "part#2.safetensors"]
    save_file({"a": model["0.weight"]}, site.folder / names[0])
    save_file({"b": model["1.weight"]}, site.folder / names[1])
    index = {"weight_map": {"a": names[0], "b": names[1]}}
    (site.folder / "x.safetensors.index.json").write_text(json.dumps(index))
    found = read_all(site.url("x.safetensors.index.json"))
    assert same(found, {"a": model["0.weight"], "b": model["1.weight"]})
    for name in ("../part", "http://elsewhere/part", "C:part"):
        (site.folder / "x.safetensors.index.json").write_text(
            json.dumps({"weight_map": {"a": name}})
        )
        text = refusal(lambda: open_weights(site.url("x.safetensors.index.json")))
        assert "may name files of its own folder only" in text
    (site.folder / "x.safetensors.index.json").write_text('{"weight_map": {"a": "gone"}}')
    text = refusal(lambda: open_weights(site.url("x.safetensors.index.json")))
    assert "names the file 'gone', which is not in its folder." in text


def test_configuration_next_to_a_file_is_found(site: Site) -> None:
    from safetensors.numpy import save_file

    rng = np.random.default_rng(7)
    fused = {"h.attn.qkv.weight": _numbers(rng, 96, 32)}
    save_file(fused, site.folder / "model.safetensors")
    config = {"num_attention_heads": 4, "num_key_value_heads": 4, "hidden_size": 32}
    (site.folder / "config.json").write_text(json.dumps(config))
    here = open_weights(site.folder / "model.safetensors").entries[0]
    assert here.layout.parts
    assert open_weights(site.url("model.safetensors")).entries[0].layout == here.layout


def test_one_slice_of_a_model_is_not_taken_for_the_model(site: Site) -> None:
    torch = pytest.importorskip("torch")
    for number in range(2):
        torch.save({"w": torch.ones(4, 4)}, site.folder / f"consolidated.0{number}.pth")
    text = refusal(lambda: open_weights(site.url("consolidated.00.pth")))
    assert "is one of several parts of every matrix of a model" in text


@pytest.mark.lengthy
def test_thirty_gigabytes_are_listed_within_two_seconds(tmp_path: Path) -> None:
    """3000 tensors in a sparse file, in a process of its own; the import is not counted."""
    count, side, itemsize = 3000, (2500, 2000), 2
    nbytes = side[0] * side[1] * itemsize
    header = json.dumps(
        {
            f"model.layers.{n}.weight": {
                "dtype": "BF16",
                "shape": side,
                "data_offsets": [n * nbytes, (n + 1) * nbytes],
            }
            for n in range(count)
        }
    ).encode()
    text = len(header).to_bytes(8, "little") + header

    class Sparse(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """Answer a range of the header, and zeros behind it."""
            found = re.findall(r"\d+", self.headers["Range"])
            begin, end = int(found[0]), int(found[1]) + 1
            size = len(text) + count * nbytes
            body = text[begin:end].ljust(end - begin, b"\0")
            self.send_response(206 if "weights" in self.path else 404)
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sparse)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/weights.safetensors"
    code = (
        "import time; from pastur.weights import open_weights\n"
        f"begun = time.process_time(); found = open_weights({url!r})\n"
        "print(len(found.entries), time.process_time() - begun)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    server.shutdown()
    server.server_close()
    listed, seconds = done.stdout.split()
    assert int(listed) == count
    # CPU time: another process may well have the machine meanwhile, and loopback takes none.
    assert float(seconds) < 2


# --- servers that do it badly ---


@pytest.mark.parametrize("every", [2, 3])
def test_dropped_connections_are_tried_again(site: Site, model: dict[str, Any], every: int) -> None:
    def drop(request: Request, number: int) -> None:
        if number % every == 1:
            request.body = request.body[: len(request.body) // 2]

    site.fault = drop
    assert same(read_all(site.url("model.safetensors")), model)


def test_a_server_in_trouble_is_asked_again(site: Site, model: dict[str, Any]) -> None:
    def fail(request: Request, number: int) -> None:
        if number % 3:
            request.code, request.body = 503, b""
            request.headers["Content-Length"] = "0"

    site.fault = fail
    assert same(read_all(site.url("model.safetensors")), model)
    site.fault = lambda request, number: fail(request, 1)
    text = refusal(lambda: open_weights(site.url("model.safetensors")))
    assert "cannot be read: its server answers 503. It was tried 3 times." in text


def test_connections_that_always_drop_are_an_error(site: Site, model: dict[str, Any]) -> None:
    weights = open_weights(site.url("model.safetensors"))

    def drop(request: Request, number: int) -> None:
        request.body = request.body[:1000]

    site.fault = drop
    with pytest.raises(FileAccessError, match=r"broke off in the middle\. It was tried 3 times"):
        weights.read("0.weight")
    site.server.shutdown()
    site.server.server_close()
    text = refusal(lambda: open_weights(site.url("model.safetensors")))
    assert "there is no connection to its server, or it broke off. It was tried 3 times." in text


@pytest.mark.lengthy
def test_silence_and_trickles_come_to_an_end(
    site: Site, model: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = open_weights(site.url("model.safetensors"))
    monkeypatch.setattr("pastur.weights._places.web._SILENCE", 0.2)
    site.fault = lambda request, number: time.sleep(0.5)
    begun = time.monotonic()
    with pytest.raises(FileAccessError, match=r"did not answer in time\. It was tried 3 times"):
        weights.read("0.weight")
    assert time.monotonic() - begun < 30
    monkeypatch.setattr("pastur.weights._places.server._PATIENCE", 0.3)
    monkeypatch.setattr("pastur.weights._places.server._BYTES_A_SECOND", 1e9)

    def trickle(request: Request, number: int) -> None:
        request.handler.send_response(206)
        for name, value in request.headers.items():
            request.handler.send_header(name, value)
        request.handler.end_headers()
        for byte in request.body[:40]:
            request.handler.wfile.write(bytes([byte]))
            time.sleep(0.05)
        request.body = b""

    site.fault = trickle
    begun = time.monotonic()
    with pytest.raises(FileAccessError, match="did not answer in time"):
        weights.read("0.weight")
    assert time.monotonic() - begun < 30


def test_slow_answers_are_waited_for(site: Site, model: dict[str, Any]) -> None:
    site.fault = lambda request, number: time.sleep(0.1)
    assert same(read_all(site.url("model.safetensors")), model)


def test_a_server_without_ranges_is_named_as_such(site: Site, model: dict[str, Any]) -> None:
    site.fault = lambda request, number: request.whole()
    text = refusal(lambda: open_weights(site.url("model.safetensors")))
    assert "its server sends the whole file, 2.4 MB, whatever is asked for. Copy it" in text
    # What fits into one answer is right all the same.
    np.save(site.folder / "small.npy", np.eye(20))
    assert np.array_equal(read_all(site.url("small.npy"))["small"], np.eye(20))


def test_ranges_that_are_ignored_later_are_seen(site: Site, model: dict[str, Any]) -> None:
    weights = open_weights(site.url("model.safetensors"))
    site.fault = lambda request, number: request.whole()
    with pytest.raises(FileAccessError, match="sends the whole file"):
        weights.read("0.weight")


def test_another_range_than_asked_for_is_refused(site: Site, model: dict[str, Any]) -> None:
    weights = open_weights(site.url("model.safetensors"))

    def shift(request: Request, number: int) -> None:
        stated = request.headers["Content-Range"]
        request.headers["Content-Range"] = stated.replace(f"{request.begin}-", "17-")

    site.fault = shift
    with pytest.raises(FileAccessError, match="answers with another range than asked for"):
        weights.read("0.weight")


def test_more_bytes_than_asked_for_are_refused(site: Site, model: dict[str, Any]) -> None:
    weights = open_weights(site.url("model.safetensors"))

    def more(request: Request, number: int) -> None:
        request.body += b"more"
        request.headers["Content-Length"] = str(len(request.body))

    site.fault = more
    with pytest.raises(FileAccessError, match="sends more than it was asked for"):
        weights.read("0.weight")


def test_packed_answers_are_refused(site: Site, model: dict[str, Any]) -> None:
    import gzip

    weights = open_weights(site.url("model.safetensors"))

    def pack(request: Request, number: int) -> None:
        request.body = gzip.compress(bytes(10_000_000))
        request.headers |= {"Content-Encoding": "gzip", "Content-Length": str(len(request.body))}

    site.fault = pack
    with pytest.raises(FileAccessError, match="its server packs what it sends, unasked"):
        weights.read("0.weight")


def test_fewer_bytes_than_asked_for_are_refused(site: Site, model: dict[str, Any]) -> None:
    weights = open_weights(site.url("model.safetensors"))

    def fewer(request: Request, number: int) -> None:
        request.body = request.body[:-4]
        request.headers["Content-Length"] = str(len(request.body))

    site.fault = fewer
    with pytest.raises(FileAccessError, match="ends early"):
        weights.read("0.weight")


@pytest.mark.parametrize("size", [10, 2_400_000, 10**15, 10**18])
def test_a_wrong_size_is_never_believed(site: Site, model: dict[str, Any], size: int) -> None:
    """The format's own checks see it, as in a file that was cut off or has something behind it."""
    site.fault = lambda request, number: request.claim(size)
    refusal(lambda: open_weights(site.url("model.safetensors")))


def test_a_claimed_header_costs_no_memory(site: Site) -> None:
    """The file says 50 MB of header, the server confirms it, and neither has them."""
    (site.folder / "liar.safetensors").write_bytes((50_000_000).to_bytes(8, "little") + b"{" * 100)
    site.fault = lambda request, number: request.claim(10**12)
    text = refusal(lambda: open_weights(site.url("liar.safetensors")))
    assert "answers with another range" in text or "ends early" in text


@pytest.mark.parametrize("with_mark", [True, False])
def test_a_file_that_changes_midway_is_seen(
    site: Site, model: dict[str, Any], with_mark: bool
) -> None:
    def unmarked(request: Request, number: int) -> None:
        if not with_mark:
            del request.headers["ETag"]

    site.fault = unmarked
    weights = open_weights(site.url("model.safetensors"))
    assert np.array_equal(weights.read("0.weight"), model["0.weight"])
    path = site.folder / "model.safetensors"
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    # Without a mark only the size can show it.
    path.write_bytes(bytes(changed) + b"" if with_mark else bytes(changed) + b"x")
    with pytest.raises(FileAccessError, match="has changed on its server since it was opened"):
        weights.read("0.weight")
    path.unlink()
    with pytest.raises(FileAccessError, match="may no longer be read: its server answers 404"):
        weights.read("0.weight")


@pytest.mark.parametrize("name", ["model.safetensors", "model.safetensors.index.json"])
def test_a_change_between_the_processes_of_a_run_is_seen(
    site: Site, model: dict[str, Any], name: str
) -> None:
    """What another process is given remembers of which files it is."""
    from pastur.analysis._model.selection import Selection

    path = site.folder / "model.safetensors"
    index = {"weight_map": dict.fromkeys(model, path.name)}
    (site.folder / "model.safetensors.index.json").write_text(json.dumps(index))
    chosen = Selection.of(site.url(name), include=None, exclude=None, unfold="outputs")
    assert chosen.absolute().source == chosen.source
    chosen.open()
    sent = pickle.dumps(chosen.absolute())
    assert len(sent) < 2000
    there = pickle.loads(sent).open()
    assert np.array_equal(there.read("0.weight"), model["0.weight"])
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(changed)
    with pytest.raises(FileAccessError, match="has changed on its server"):
        pickle.loads(sent).open()


def test_a_run_that_lost_its_server_resumes(
    site: Site, model: dict[str, Any], tmp_path: Path
) -> None:
    url, folder = site.url("model.safetensors"), tmp_path / "records"
    whole = analyze(url)

    def fail(request: Request, number: int) -> None:
        request.code = 500 if request.begin > 1_000_000 else 206

    site.fault = fail
    assert "answers 500" in refusal(lambda: analyze(url, resume=folder))
    assert not any(secret in path.read_text() for path in folder.iterdir() for secret in SECRETS)
    site.fault, site.requests = lambda request, number: None, []
    resumed = analyze(url, resume=folder)
    for one, other in zip(whole.matrices, resumed.matrices, strict=True):
        assert one.fit.to_dict() == other.fit.to_dict()
    # The finished ones are not fetched again: the server's mark is that of the same content.
    fetched = {begin for _, begin, _ in site.requests if begin}
    assert min(fetched) > 900_000
    # A mark that is not of the content is not enough.
    site.requests = []
    site.fault = lambda request, number: request.headers.update({"ETag": 'W/"weak"'})
    analyze(url, resume=folder)
    assert len([begin for _, begin, _ in site.requests if begin]) == len(model)


def test_a_changed_file_is_analysed_anew(site: Site, model: dict[str, Any], tmp_path: Path) -> None:
    url, folder = site.url("model.safetensors"), tmp_path / "records"
    analyze(url, resume=folder, include=["0.*"])
    path = site.folder / "model.safetensors"
    changed = bytearray(path.read_bytes())
    changed[-(5 * 480_000)] ^= 0x40
    path.write_bytes(changed)
    found = analyze(url, resume=folder, include=["0.*"]).matrices[0]
    assert found.fit.to_dict() == analyze(path, include=["0.*"]).matrices[0].fit.to_dict()


def _redirect(target: str) -> Callable[[Request, int], None]:
    def answer(request: Request, number: int) -> None:
        request.code, request.body = 302, b""
        request.headers = {"Location": target, "Content-Length": "0"}

    return answer


def test_redirects_stay_on_the_web(site: Site, model: dict[str, Any], tmp_path: Path) -> None:
    secret = tmp_path / "secret.safetensors"
    secret.write_bytes((site.folder / "model.safetensors").read_bytes())
    site.fault = _redirect(secret.as_uri())
    text = refusal(lambda: open_weights(site.url("model.safetensors")))
    assert "it is, or leads to, no address of the web" in text
    site.fault = _redirect("/model.safetensors")
    text = refusal(lambda: open_weights(site.url("model.safetensors")))
    assert "its server sends from one address to another" in text
    other = Site(site.folder)
    site.fault = _redirect(other.url("model.safetensors"))
    assert same(read_all(site.url("model.safetensors")), model)
    other.server.shutdown()
    other.server.server_close()


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_what_may_not_be_read_is_not_there(site: Site, model: dict[str, Any], code: int) -> None:
    def refuse(request: Request, number: int) -> None:
        request.code, request.body = code, b""
        request.headers = {"Content-Length": "0"}

    site.fault = refuse
    text = refusal(lambda: open_weights(site.url("model.safetensors")))
    assert "is not there, or may not be read with the credentials given" in text


def test_an_answer_of_no_sense_is_an_error(site: Site, model: dict[str, Any]) -> None:
    def confuse(request: Request, number: int) -> None:
        request.handler.wfile.write(b"no protocol at all\r\n\r\n")
        request.body = b""

    site.fault = confuse
    assert "cannot be read" in refusal(lambda: open_weights(site.url("model.safetensors")))


# Those that take long to write, or HDF5 long to find out.
LONG = ("bomb.npz", "names.h5", "inflate.h5")


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(one, id=one.file, marks=[pytest.mark.slow] if one.file in LONG else [])
        for one in attack_files.ATTACKS
    ],
)
def test_attacks_fail_as_they_do_on_this_machine(site: Site, attack: Attack) -> None:
    package = attack_files.NEEDED.get(Path(attack.file).suffix)
    if package:
        pytest.importorskip(package)
    (site.folder / attack_files.SECRET).write_bytes(bytes(48))
    path = site.folder / "attack" / attack.file
    path.parent.mkdir()
    attack.write(path)

    def said(source: Any) -> str:
        try:
            return analyze(source).summary()
        except PasturError as error:
            return words_of(error)

    there = re.sub(r"http://127[.\d:]+", str(site.folder), said(site.url(f"attack/{attack.file}")))
    assert there == said(path)
    assert re.search(attack.answer, there)


class _Downgrade:
    """A session whose answer comes from another address than was asked for."""

    kwargs: ClassVar[dict[str, Any]] = {}
    status = 206
    headers: ClassVar[dict[str, str]] = {"Content-Range": "bytes 0-9/10"}
    url = SimpleNamespace(scheme="http")

    async def set_session(self) -> "_Downgrade":
        return self

    def encode_url(self, url: str) -> str:
        return url

    def get(self, url: str, **_: Any) -> "_Downgrade":
        return self

    async def __aenter__(self) -> "_Downgrade":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave all as it is."""


def test_no_server_leads_away_from_https() -> None:
    with pytest.raises(FinalError, match="its server leads away from HTTPS"):
        asyncio.run(_request(_Downgrade(), "https://host/model.npy", 0, 10))


@pytest.mark.lengthy
def test_certificates_are_looked_at(
    site: Site, model: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that vouches for itself is refused, and read once its certificate is trusted."""
    key, certificate = _self_signed(tmp_path)
    safe = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    safe.load_cert_chain(certificate, key)
    site.server.socket = safe.wrap_socket(site.server.socket, server_side=True)
    url = site.url("model.safetensors").replace("http:", "https:").replace("127.0.0.1", "localhost")
    assert "the certificate of its server is not trusted" in refusal(lambda: open_weights(url))
    code = f"from pastur.weights import open_weights; print(len(open_weights({url!r}).entries))"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(len(model))


def _self_signed(folder: Path) -> tuple[Path, Path]:
    """Write a key and a certificate for this machine, valid for a day."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - datetime.timedelta(hours=1),
        not_valid_after=now + datetime.timedelta(days=1),
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    pem = serialization.Encoding.PEM
    files = folder / "key.pem", folder / "certificate.pem"
    files[0].write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    files[1].write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
    return files


# --- the page ---


def test_examples_of_the_page_run(site: Site, model: dict[str, Any]) -> None:
    """Those in Python, with the local server in the place of the one that they name."""
    page = Path(__file__).parents[2] / "docs" / "remote.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        found: dict[str, Any] = {}
        address = re.compile(r"https://models\.example\.org/([\w.]+)")
        exec(address.sub(lambda match: site.url(match[1]), block), found)
        assert np.array_equal(found["first"], model["0.weight"])
        assert [matrix.name for matrix in found["analysis"].matrices] == ["1.weight"]


# --- credentials ---


@pytest.mark.lengthy
def test_no_password_is_ever_written(site: Site, model: dict[str, Any], tmp_path: Path) -> None:
    """In the terminal, in files, and in errors with their tracebacks."""
    url = site.url("model.safetensors")
    report, result, table = (tmp_path / name for name in ("r.html", "r.json", "r.csv"))
    outputs = ["-o", str(report), "--json", str(result), "--csv", str(table)]
    done = CliRunner().invoke(main, ["analyze", url, "--include", "0.*", *outputs])
    assert done.exit_code == 0, done.output
    assert json.loads(result.read_text())["source"].startswith("http://127.0.0.1:")
    texts = [done.output, *(path.read_text() for path in (report, result, table))]
    wrong = CliRunner().invoke(main, ["analyze", url, "--include", "no*", "--debug"])
    site.fault = lambda request, number: setattr(request, "code", 500)
    gone = CliRunner().invoke(main, ["analyze", url, "--debug"])
    for failed in (wrong, gone):
        assert failed.exit_code == 1
        assert "Traceback" in failed.output
        texts.append(failed.output)
    for text in texts:
        assert not any(secret in text for secret in SECRETS)


def test_headers_come_from_the_configuration(
    site: Site, model: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec

    seen = []
    site.fault = lambda request, number: seen.append(request.handler.headers["X-Token"])
    options = {"headers": {"X-Token": SECRETS[1]}}
    monkeypatch.setitem(fsspec.config.conf, "http", options)
    open_weights(site.url("model.safetensors"))
    assert set(seen) == {SECRETS[1]}


def test_large_letters_of_a_scheme_are_small_ones(site: Site, model: dict[str, Any]) -> None:
    weights = open_weights(site.url("model.safetensors").replace("http:", "HTTP:"))
    assert np.array_equal(weights.read("2.weight"), model["2.weight"])


def test_representations_hold_no_password(site: Site, model: dict[str, Any]) -> None:
    from pastur.weights._places.remote_path import RemotePath

    path = RemotePath(site.url("model.safetensors"))
    weights = open_weights(site.url("model.safetensors"))
    with path.open("rb") as file:
        shown = [repr(path), str(path), repr(path.parent), repr(weights), repr(file)]
    for text in (*shown, refusal(lambda: weights.read("no such"))):
        assert not any(secret in text for secret in SECRETS)


def test_compressing_by_url_is_refused_at_once(site: Site, model: dict[str, Any]) -> None:
    url = site.url("model.safetensors")
    done = CliRunner().invoke(main, ["compress", url, "-o", "x.safetensors", "--size", "0.5"])
    assert done.exit_code == 1
    assert "is not on this machine" in done.output
    assert not any(secret in done.output for secret in SECRETS)
    assert not site.requests
