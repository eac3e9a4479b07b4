"""A web server on this machine that answers ranges, well or badly, for tests.

Imported, and not run. No error may hold what its addresses hold, a password and a token.
"""

import http.server
import re
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from pastur._errors import PasturError
from pastur.weights import open_weights

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


def numbers(rng: np.random.Generator, *shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)


def words_of(error: BaseException) -> str:
    """Return all that is ever printed of an error, and see that it holds no secret."""
    text = "".join(traceback.format_exception(error))
    assert not any(secret in text or secret in repr(error) for secret in SECRETS)
    return str(error)


def refusal(call: Callable[[], Any]) -> str:
    """Return the sentence with which a call fails."""
    try:
        call()
    except PasturError as error:
        return words_of(error)
    raise AssertionError("It did not fail.")


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
