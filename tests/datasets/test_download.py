"""The ordinary download, from a server on this machine that behaves well or badly."""

import contextlib
import gzip
import hashlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from pastur._errors import FileAccessError, FileFormatError, MissingExtraError
from pastur.datasets import load_fashion_mnist
from pastur.datasets._sources import download as _download
from pastur.datasets._sources import fashion_mnist as _fashion_mnist
from pastur.datasets._sources.download import CHECKSUMS, SOURCE, download

pooch = pytest.importorskip("pooch", reason="downloading needs pooch: pip install pastur[torch]")
CONTENT = {"a.gz": b"first file " * 1000, "b.gz": b"second file " * 1000}


def checksums(content: Mapping[str, bytes] = CONTENT) -> dict[str, str]:
    return {name: f"md5:{hashlib.md5(data).hexdigest()}" for name, data in content.items()}


def endless(handler: "Handler") -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(bytes(1_000_000))
        handler.server.sent += 1_000_000


def endless_in_chunks(handler: "Handler") -> None:
    handler.protocol_version = "HTTP/1.1"
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    while True:
        handler.wfile.write(b"f4240\r\n" + bytes(1_000_000) + b"\r\n")
        handler.server.sent += 1_000_000


def claims_much(handler: "Handler") -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(10**15))
    handler.end_headers()
    handler.wfile.write(b"x" * 100)


def packed(handler: "Handler") -> None:
    data = gzip.compress(bytes(50_000_000))
    handler.send_response(200)
    handler.send_header("Content-Encoding", handler.path.partition("?")[2] or "gzip")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def drip(handler: "Handler") -> None:
    handler.send_response(200)
    handler.end_headers()
    drop(handler)


def slow_head(handler: "Handler") -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    drop(handler)


def drop(handler: "Handler") -> None:
    while not handler.server.done.wait(0.05):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def no_http(handler: "Handler") -> None:
    handler.wfile.write(b"\0\xff" * 1000)


def long_line(handler: "Handler") -> None:
    handler.wfile.write(b"HTTP/1.1 200 " + b"x" * 1_000_000 + b"\r\n\r\n")


def many_headers(handler: "Handler") -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 10_000 + b"\r\n")


def redirected(place: str) -> Callable[["Handler"], None]:
    def answer(handler: "Handler") -> None:
        handler.send_response(302)
        handler.send_header("Location", place or handler.path)
        handler.end_headers()

    return answer


BAD = {
    "endless": (endless, "longer than 30000000 bytes"),
    "endless-in-chunks": (endless_in_chunks, "longer than 30000000 bytes"),
    "claims": (claims_much, "Incomplete"),
    "packed": (packed, "the response is compressed"),
    "drip": (drip, "is too slow"),
    "slow-head": (slow_head, "is too slow"),
    "no-http": (no_http, "Connection|BadStatusLine"),
    "long-line": (long_line, "."),
    "many-headers": (many_headers, "headers"),
    "loop": (redirected(""), "redirects more than 5 times"),
    "to-a-file": (redirected("file:///etc/passwd"), "redirects to 'file:///etc/passwd'"),
    "elsewhere": (redirected("http://localhost:9/a.gz"), "which is not on 127.0.0.1"),
    "to-ftp": (redirected("ftp://127.0.0.1/a.gz"), "redirects to 'ftp:"),
    "to-nothing": (redirected("http://["), "."),
    "to-data": (redirected("data:text/plain,hello"), "redirects to 'data:"),
}


class Server(http.server.ThreadingHTTPServer):
    """The two files; `bad` is cut after `cut` bytes, its length told in full."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = dict(CONTENT)
        self.asked: list[str] = []
        self.bad: str | None = None
        self.cut: int | None = None
        self.sent = 0
        self.done = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        first, _, name = self.path.strip("/").rpartition("/")
        if first == "moved":
            return redirected(f"/{name}")(self)
        if first in BAD:
            with contextlib.suppress(OSError):
                BAD[first][0](self)
            return None
        return self.ordinary(name)

    def ordinary(self, name: str) -> None:
        self.server.asked.append(name)
        content = self.server.files.get(name)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.server.cut] if name == self.server.bad else content)
        self.close_connection = True

    def log_message(self, *_: str | int) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield running
    running.done.set()
    running.shutdown()
    running.server_close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_files_come_whole_and_are_not_asked_for_twice(server: Server, tmp_path: Path) -> None:
    folder = download(tmp_path / "new" / "folder", source=server.url, checksums=checksums())
    assert {name: (folder / name).read_bytes() for name in names(folder)} == CONTENT
    assert server.asked == ["a.gz", "b.gz"]
    download(folder, source=server.url, checksums=checksums())
    assert server.asked == ["a.gz", "b.gz"]


def test_a_spoilt_file_is_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(b"spoilt")
    download(tmp_path, source=server.url, checksums=checksums())
    assert (tmp_path / "a.gz").read_bytes() == CONTENT["a.gz"]


def test_a_wrong_checksum_leaves_nothing(server: Server, tmp_path: Path) -> None:
    server.files["b.gz"] = b"something else"
    with pytest.raises(FileFormatError, match=r"b\.gz does not have the published checksum md5:"):
        download(tmp_path, source=server.url, checksums=checksums())
    assert names(tmp_path) == ["a.gz"]


@pytest.mark.parametrize("cut", [0, 1, 6000])
def test_a_truncated_file_leaves_nothing_and_the_next_call_goes_on(
    server: Server, tmp_path: Path, cut: int
) -> None:
    server.bad, server.cut = "b.gz", cut
    with pytest.raises(FileAccessError, match=f"Cannot download {server.url}b.gz to") as caught:
        download(tmp_path, source=server.url, checksums=checksums())
    assert "continues with the rest" in str(caught.value)
    assert names(tmp_path) == ["a.gz"]
    server.bad = None
    download(tmp_path, source=server.url, checksums=checksums())
    assert names(tmp_path) == ["a.gz", "b.gz"]
    assert server.asked == ["a.gz", "b.gz", "b.gz"]


def test_a_file_that_is_not_there(server: Server, tmp_path: Path) -> None:
    del server.files["a.gz"]
    with pytest.raises(FileAccessError, match=r"a\.gz.*404"):
        download(tmp_path, source=server.url, checksums=checksums())
    assert names(tmp_path) == []


def test_no_server(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"Cannot download http://127\.0\.0\.1:9/a\.gz"):
        download(tmp_path, source="http://127.0.0.1:9/", checksums=checksums())


def test_an_interrupt_leaves_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle of a file."""

    def interrupted(address: str) -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    monkeypatch.setattr(_download, "_received", interrupted)
    with pytest.raises(KeyboardInterrupt):
        download(tmp_path, source=server.url, checksums=checksums())
    assert names(tmp_path) == []


@pytest.mark.lengthy
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_answer_is_one_sentence_and_leaves_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(_download, "_SECONDS", 1.5)
    start = time.monotonic()
    with pytest.raises(FileAccessError, match=BAD[kind][1]) as caught:
        download(tmp_path, source=f"{server.url}{kind}/", checksums=checksums())
    assert time.monotonic() - start < 60
    assert f"Cannot download {server.url}{kind}/a.gz to" in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000
    assert names(tmp_path) == []
    assert server.sent < 60_000_000  # what was on its way when nobody listened any more


def test_a_redirection_within_the_host_is_followed(server: Server, tmp_path: Path) -> None:
    download(tmp_path, source=f"{server.url}moved/", checksums=checksums())
    assert names(tmp_path) == ["a.gz", "b.gz"]


def test_without_pooch_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pooch", None)
    with pytest.raises(MissingExtraError, match=r"needs pooch.*pip install pastur\[torch\]"):
        download(tmp_path)


def test_the_loader_downloads_where_nothing_is_installed(
    server: Server,
    stand_in_bytes: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.files = stand_in_bytes
    sums = checksums(stand_in_bytes)
    cache = tmp_path / "cache"
    monkeypatch.delenv("PASTUR_FASHION_MNIST", raising=False)
    monkeypatch.setattr(_fashion_mnist, "DEBIAN_FOLDER", tmp_path / "debian")
    monkeypatch.setattr(
        _fashion_mnist, "download", lambda: download(cache, source=server.url, checksums=sums)
    )
    assert load_fashion_mnist().train_images.shape == (60000, 28, 28)
    server.shutdown()
    assert load_fashion_mnist().test_labels.shape == (10000,)


def test_the_published_files_are_asked_for() -> None:
    assert SOURCE.startswith("https://")
    assert sorted(CHECKSUMS) == sorted(name for name, _ in _fashion_mnist._FILES.values())
    assert all(len(digest.removeprefix("md5:")) == 32 for digest in CHECKSUMS.values())
    assert _download._SECONDS > 0
