"""Files wherever fsspec reaches: object stores, and what the user has packages for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pastur._checks import missing_extra
from pastur._errors import InvalidInputError, MissingExtraError
from pastur._foreign import shown, visible
from pastur.weights._places.server import (
    CHANGED,
    FinalError,
    Server,
    Status,
    TransientError,
    patience,
)

# What changes with the content; the first of these that a store has.
_MARKS = ("ETag", "etag", "generation", "mtime", "LastModified", "last_modified", "created")


class Store(Server):
    """What is not the web."""

    pauses = (1.0,)  # most packages try again themselves

    def status(self, url: str) -> Status | None:
        """Return what is there, asked anew: a list that was kept may be old."""
        system, path = _system(url)
        with _failures():
            try:
                system.invalidate_cache()
                found = _call(system, "info", path)
            except (FileNotFoundError, PermissionError, NotADirectoryError):
                return None
            return _status(found)

    def fetch(self, url: str, known: Status, begin: int, end: int) -> bytes:
        """Return the bytes from `begin` to before `end`, all of them."""
        system, path = _system(url)
        with _failures():
            found = bytes(_call(system, "cat_file", path, start=begin, end=end, most=end - begin))
        if len(found) == end - begin:
            return found
        if self.status(url) != known:
            raise FinalError(CHANGED)
        raise TransientError(f"{len(found)} bytes came where {end - begin} were asked for")

    def confirm(self, url: str, known: Status) -> None:
        """Raise where the file is no longer the same; the answers do not say of which they are."""
        if self.status(url) != known:
            raise FinalError(CHANGED)

    def listed(self, url: str) -> list[tuple[str, bool]]:
        """Return the names in a folder, and whether each is one of a folder."""
        system, path = _system(url)
        with _failures():
            system.invalidate_cache()
            items = _call(system, "ls", path, detail=True)
        # A store may list the folder itself, as an object of no bytes.
        inside = [item for item in items if item["name"].strip("/") != path.strip("/")]
        kinds = ((item["name"], item.get("type") == "directory") for item in inside)
        return [(name.rstrip("/").rpartition("/")[2], is_folder) for name, is_folder in kinds]


def check_scheme(scheme: str, label: str) -> None:
    """Refuse an address that begins with `scheme` where nothing that is installed reads it.

    Raises
    ------
    MissingExtraError
        With the package, and how it is installed.
    InvalidInputError
        When no package reads such an address.
    """
    feature = f"Reading {label}"
    try:
        import fsspec
        from fsspec.registry import known_implementations
    except ModuleNotFoundError:
        raise missing_extra(feature, "the package fsspec", "remote") from None
    try:
        fsspec.get_filesystem_class(scheme)
    except ValueError:
        raise InvalidInputError(
            f"{label} begins with {shown(scheme)}, which stands for nothing that fsspec reads: "
            "https, s3, gs, abfs and others."
        ) from None
    except ImportError:
        known = known_implementations.get(scheme, {})
        package = str(known.get("class", "")).partition(".")[0]
        if scheme in ("http", "https", "s3"):
            package = "s3fs" if scheme == "s3" else "aiohttp"
            raise missing_extra(feature, f"the package {package}", "remote") from None
        if package in ("", "fsspec"):
            says = visible(" ".join(str(known.get("err", "")).split()))
            raise MissingExtraError(
                f"{feature} needs a package that is not installed. fsspec: {says}"
            ) from None
        raise MissingExtraError(
            f"{feature} needs the package {package}, which is not installed. "
            f"Install it with `pip install {package}`."
        ) from None


def _system(url: str) -> tuple[Any, str]:
    """Return what fsspec reads an address with, made once in a process, and its path there."""
    from fsspec.core import url_to_fs

    with _failures():
        system, path = url_to_fs(url)
        return system, str(path)


def _call(system: Any, method: str, path: str, *, most: int = 0, **options: Any) -> Any:
    """Call a method; an answer of `most` bytes has its time, where the time can be limited."""
    if not system.async_impl:
        return getattr(system, method)(path, **options)
    from fsspec.asyn import sync

    asked = getattr(system, f"_{method}")
    return sync(system.loop, asked, path, timeout=patience(most), **options)


def _status(info: Any) -> Status:
    if info.get("type") == "directory":
        return Status(0, "", is_folder=True)
    size = info.get("size")
    if type(size) is not int or size < 0:
        raise FinalError("cannot be read: its store does not state its size")
    marks = (info.get(key) for key in _MARKS)
    return Status(size, next((str(mark) for mark in marks if mark), ""))


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what a package raises into words that hold nothing of an address or a password."""
    try:
        yield
    except (FinalError, TransientError):
        raise
    except (FileNotFoundError, PermissionError):
        raise FinalError("is not there, or may not be read with the credentials given") from None
    except TimeoutError:
        raise TransientError("its store did not answer in time") from None
    except ConnectionError:
        raise TransientError("there is no connection to its store") from None
    except Exception as error:
        name = re.sub(r"\W", "", type(error).__name__)
        raise TransientError(f"its store fails ({name})") from None
