"""The ordinary download, from a server on this machine that behaves well or badly."""

import hashlib
import http.server
import threading

import pytest

from pastur._errors import FileAccessError, FileFormatError, MissingExtraError
from pastur.datasets import _download, _fashion_mnist, load_fashion_mnist
from pastur.datasets._download import CHECKSUMS, SOURCE, download

pooch = pytest.importorskip("pooch", reason="downloading needs pooch: pip install pastur[torch]")
CONTENT = {"a.gz": b"first file " * 1000, "b.gz": b"second file " * 1000}


def checksums(content=CONTENT):
    return {name: f"md5:{hashlib.md5(data).hexdigest()}" for name, data in content.items()}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.strip("/")
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

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """A server with the two files; `bad` is cut after `cut` bytes, its length told in full."""
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.files, running.asked, running.bad, running.cut = dict(CONTENT), [], None, None
    running.url = f"http://127.0.0.1:{running.server_address[1]}/"
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_files_come_whole_and_are_not_asked_for_twice(server, tmp_path):
    folder = download(tmp_path / "new" / "folder", source=server.url, checksums=checksums())
    assert {name: (folder / name).read_bytes() for name in names(folder)} == CONTENT
    assert server.asked == ["a.gz", "b.gz"]
    download(folder, source=server.url, checksums=checksums())
    assert server.asked == ["a.gz", "b.gz"]


def test_a_spoilt_file_is_fetched_again(server, tmp_path):
    (tmp_path / "a.gz").write_bytes(b"spoilt")
    download(tmp_path, source=server.url, checksums=checksums())
    assert (tmp_path / "a.gz").read_bytes() == CONTENT["a.gz"]


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    server.files["b.gz"] = b"something else"
    with pytest.raises(FileFormatError, match=r"b\.gz does not have the checksum md5:"):
        download(tmp_path, source=server.url, checksums=checksums())
    assert names(tmp_path) == ["a.gz"]


@pytest.mark.parametrize("cut", [0, 1, 6000])
def test_a_truncated_file_leaves_nothing_and_the_next_call_goes_on(server, tmp_path, cut):
    server.bad, server.cut = "b.gz", cut
    with pytest.raises(FileAccessError, match=f"Cannot download {server.url}b.gz to") as caught:
        download(tmp_path, source=server.url, checksums=checksums())
    assert "goes on with the rest" in str(caught.value)
    assert names(tmp_path) == ["a.gz"]
    server.bad = None
    download(tmp_path, source=server.url, checksums=checksums())
    assert names(tmp_path) == ["a.gz", "b.gz"]
    assert server.asked == ["a.gz", "b.gz", "b.gz"]


def test_a_file_that_is_not_there(server, tmp_path):
    del server.files["a.gz"]
    with pytest.raises(FileAccessError, match=r"a\.gz.*404"):
        download(tmp_path, source=server.url, checksums=checksums())
    assert names(tmp_path) == []


def test_no_server(tmp_path):
    with pytest.raises(FileAccessError, match=r"Cannot download http://127\.0\.0\.1:9/a\.gz"):
        download(tmp_path, source="http://127.0.0.1:9/", checksums=checksums())


def test_an_interrupt_leaves_nothing(server, tmp_path, monkeypatch):
    """Ctrl-C in the middle of a file."""

    def interrupted(self, url, output_file, pooch):
        with open(output_file, "wb") as stream:
            stream.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        download(tmp_path, source=server.url, checksums=checksums())
    assert names(tmp_path) == []


def test_without_pooch_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pooch", None)
    with pytest.raises(MissingExtraError, match=r"needs pooch.*pip install pastur\[torch\]"):
        download(tmp_path)


def test_the_loader_downloads_where_nothing_is_installed(
    server, stand_in_bytes, tmp_path, monkeypatch
):
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


def test_the_published_files_are_asked_for():
    assert SOURCE.startswith("https://")
    assert sorted(CHECKSUMS) == sorted(name for name, _ in _fashion_mnist._FILES.values())
    assert all(len(digest.removeprefix("md5:")) == 32 for digest in CHECKSUMS.values())
    assert _download._SECONDS > 0
