"""Files on a web server, by ranges: one request for each, whose answer is checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pastur._format import bytes_text
from pastur.weights._places.ranged_file import PAGE
from pastur.weights._places.server import (
    CHANGED,
    FinalError,
    Server,
    Status,
    TransientError,
    patience,
)

_ABSENT = (401, 403, 404, 410)
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_RANGE = re.compile(r"bytes (?P<begin>\d{1,19})-(?P<end>\d{1,19})/(?P<size>\d{1,19})")
_NO_RANGE = re.compile(r"bytes \*/(?P<size>\d{1,19})")
# Seconds without a byte, after which no more are expected.
_SILENCE = 20.0


@dataclass(frozen=True)
class _Answer:
    code: int
    size: int  # of the file
    mark: str
    body: bytes


class Web(Server):
    """HTTP and HTTPS."""

    pauses = (0.25, 1.0, 4.0)

    def status(self, url: str) -> Status | None:
        """Return what is there, by its first bytes: many servers refuse to answer without any."""
        answer = _answer(url, 0, PAGE)
        if answer.code in _ABSENT:
            return None
        return Status(answer.size, answer.mark, head=answer.body)

    def fetch(self, url: str, known: Status, begin: int, end: int) -> bytes:
        """Return the bytes from `begin` to before `end`, of the file as it is known."""
        answer = _answer(url, begin, end)
        if answer.code in _ABSENT:
            raise FinalError(f"may no longer be read: its server answers {answer.code}")
        if (answer.size, answer.mark) != (known.size, known.mark):
            raise FinalError(CHANGED)
        return answer.body

    def confirm(self, url: str, known: Status) -> None:
        """Do nothing: each answer is compared."""

    def listed(self, url: str) -> list[tuple[str, bool]]:
        """Return nothing: a web server has pages, not folders."""
        return []


def _answer(url: str, begin: int, end: int) -> _Answer:
    """Return what a server answers to the request for a range, and check that it fits."""
    import aiohttp
    import fsspec
    from fsspec.asyn import sync

    scheme = url.partition(":")[0].lower()
    system = fsspec.filesystem(scheme)
    try:
        found: _Answer = sync(system.loop, _request, system, url, begin, end)
    except (FinalError, TransientError):
        raise
    except aiohttp.ClientConnectorCertificateError:
        raise FinalError("cannot be read: the certificate of its server is not trusted") from None
    except aiohttp.TooManyRedirects:
        raise FinalError("cannot be read: its server sends from one address to another") from None
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
        raise FinalError("cannot be read: it is, or leads to, no address of the web") from None
    except TimeoutError:
        raise TransientError("its server did not answer in time") from None
    except aiohttp.ClientPayloadError:
        raise TransientError("its server broke off in the middle") from None
    except (aiohttp.ClientConnectionError, OSError):
        raise TransientError("there is no connection to its server, or it broke off") from None
    except Exception as error:  # whatever it says may have the address in it
        raise TransientError(f"its server answers nonsense ({type(error).__name__})") from None
    return found


async def _request(system: Any, url: str, begin: int, end: int) -> _Answer:
    import aiohttp

    session = await system.set_session()
    options = dict(system.kwargs)
    asked = {"Range": f"bytes={begin}-{end - 1}", "Accept-Encoding": "identity"}
    options["headers"] = {**options.get("headers", {}), **asked}
    options["timeout"] = aiohttp.ClientTimeout(
        total=patience(end - begin), sock_connect=_SILENCE, sock_read=_SILENCE
    )
    async with session.get(system.encode_url(url), **options) as response:
        if url.lower().startswith("https:") and response.url.scheme != "https":
            raise FinalError("is not read: its server leads away from HTTPS")
        if response.status in _PASSING:
            raise TransientError(f"its server answers {response.status}")
        mark = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        if response.status in _ABSENT:
            return _Answer(response.status, 0, "", b"")
        size = _size(response, begin, end)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise FinalError("cannot be read: its server packs what it sends, unasked")
        count = max(0, min(end, size) - begin)
        body = await _body(response, count) if count else b""
        if len(body) > count:
            raise FinalError("cannot be read: its server sends more than it was asked for")
        if len(body) < count:
            raise FinalError(f"ends early: its server states {bytes_text(size)}, and sends less")
        return _Answer(response.status, size, mark, body)


def _size(response: Any, begin: int, end: int) -> int:
    """Return the size of the file, from an answer that is of the range asked for."""
    stated = response.headers.get("Content-Range", "")
    if response.status == 206 and (match := _RANGE.fullmatch(stated)):
        size = int(match["size"])
        if (int(match["begin"]), int(match["end"])) == (begin, min(end, size) - 1):
            return size
    if response.status == 416 and (match := _NO_RANGE.fullmatch(stated)):
        return int(match["size"])
    length = response.content_length
    if response.status == 200:
        if begin == 0 and length is not None and length <= end:
            return int(length)
        much = "" if length is None else f", {bytes_text(length)},"
        raise FinalError(
            f"cannot be read by ranges: its server sends the whole file{much} whatever is asked "
            "for. Copy it to this machine, and give its path"
        )
    if response.status in (206, 416):
        raise FinalError("cannot be read: its server answers with another range than asked for")
    raise FinalError(f"cannot be read: its server answers {response.status}")


async def _body(response: Any, most: int) -> bytes:
    """Return what is sent, up to one byte more than `most`."""
    pieces, total = [], 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        total += len(piece)
        if total > most:
            break
    return b"".join(pieces)[: most + 1]
