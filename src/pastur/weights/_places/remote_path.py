"""A URL with the manners of `pathlib.Path`."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal, TypeGuard, TypeVar
from urllib.parse import quote, unquote

from pastur._errors import FileAccessError, InvalidInputError
from pastur._foreign import shown
from pastur.weights._places.ranged_file import RangedFile
from pastur.weights._places.server import Server, Status, patiently
from pastur.weights._places.store import Store, check_scheme
from pastur.weights._places.web import Web

_T = TypeVar("_T")

# One letter is a drive of Windows.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://.*", re.DOTALL)
_WEB = ("http", "https")
_HERE = ("file", "local")


def is_url(source: object) -> TypeGuard[str]:
    """Tell whether a source is the address of something elsewhere, not a path or an array."""
    return isinstance(source, str) and _URL.fullmatch(source) is not None


def place_of(source: object) -> Path | RemotePath | None:
    """Return where a source lies; None for what is in memory."""
    if isinstance(source, RemotePath):
        return source
    if is_url(source):
        return RemotePath.of(source)
    return Path(os.fsdecode(source)) if isinstance(source, (str, os.PathLike)) else None


@dataclass(frozen=True)
class RemotePath:
    """A file or folder elsewhere, as it was when it was first asked for.

    What it is written as has no password in it: neither user nor query of the address.

    Attributes
    ----------
    url : str
    listed : bool or None
        Whether a list of its folder has it as a folder, which is not asked again.
    asked : dict of str to Status or None
        What its server has said of it, and of all that was found from it, by address: the files of
        a model are those of one moment, in another process too.
    """

    url: str = field(repr=False)
    listed: bool | None = field(default=None, repr=False, compare=False)
    asked: dict[str, Status | None] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, url: str) -> RemotePath:
        """Return the place at an address that a user has given.

        Raises
        ------
        MissingExtraError
            When what reads it is not installed.
        InvalidInputError
            When it is an address of this machine, or of nothing.
        """
        scheme, mark, rest = url.partition("://")
        path = cls(f"{scheme.lower()}{mark}{rest}")
        if path._scheme in _HERE:
            raise InvalidInputError(f"{shown(path)} is on this machine: give its path.")
        if "::" in path._parts[0]:
            raise InvalidInputError(f"{shown(path)} is one address in another: give one alone.")
        check_scheme(path._scheme, shown(path))
        return path

    def __str__(self) -> str:
        host, slash, rest = self._parts[0].partition("/")
        return f"{self._scheme}://{host.rpartition('@')[2]}{slash}{rest.partition('?')[0]}"

    def __repr__(self) -> str:
        return f"RemotePath({str(self)!r})"

    def __lt__(self, other: RemotePath) -> bool:
        return self.url < other.url

    # --- names ---

    @property
    def name(self) -> str:
        last = self._parts[0].partition("/")[2].rstrip("/").rpartition("/")[2]
        return unquote(last) if self._is_web else last

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> RemotePath:
        host, _, rest = self._parts[0].partition("/")
        above = rest.rstrip("/").rpartition("/")[0]
        return self._at(f"{host}/{above}" if above else host)

    def __truediv__(self, name: str) -> RemotePath:
        spelt = quote(name) if self._is_web else name
        return self._at(f"{self._parts[0].rstrip('/')}/{spelt}")

    def with_suffix(self, suffix: str) -> RemotePath:
        return self.parent / f"{self.stem}{suffix}"

    def relative_to(self, folder: RemotePath) -> str:
        return str(self).removeprefix(str(folder)).strip("/")

    @property
    def _scheme(self) -> str:
        return self.url.partition(":")[0]

    @property
    def _is_web(self) -> bool:
        return self._scheme in _WEB

    @property
    def _parts(self) -> tuple[str, str]:
        """Host and path, and what follows them: only the web has queries."""
        rest = self.url.partition("://")[2]
        end = re.search("[?#]", rest) if self._is_web else None
        return (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])

    def _at(self, path: str) -> RemotePath:
        return replace(self, url=f"{self._scheme}://{path}{self._parts[1]}", listed=None)

    # --- what is there ---

    def is_file(self) -> bool:
        if self.listed is not None:
            return not self.listed
        return self._status is not None and not self._status.is_folder

    def is_dir(self) -> bool:
        if self.listed is not None:
            return self.listed
        return self._status is not None and self._status.is_folder

    def is_symlink(self) -> bool:
        return False

    def iterdir(self) -> Iterator[RemotePath]:
        for name, is_folder in self._patiently(self._server.listed):
            yield replace(self / name, listed=is_folder)

    def open(self, mode: Literal["rb"] = "rb") -> IO[bytes]:
        known = self._status
        if known is None or known.is_folder:
            raise FileAccessError(
                f"{shown(self)} is not there, or may not be read with the credentials given."
            )
        fetch = partial(self._patiently, self._server.fetch, known)
        confirm = partial(self._patiently, self._server.confirm, known)
        return RangedFile(known.size, known.mark, self._pages, fetch, confirm)

    @property
    def _server(self) -> Server:
        return Web() if self._is_web else Store()

    @property
    def _status(self) -> Status | None:
        if self.url not in self.asked:
            self.asked[self.url] = self._patiently(self._server.status)
        return self.asked[self.url]

    @cached_property
    def _pages(self) -> dict[int, bytes]:
        """What has been read of it in small pieces: several readers look at the same."""
        head = self._status.head if self._status is not None else b""
        return {0: head} if head else {}

    @property
    def content_mark(self) -> str:
        """A text that is another one once anything of what was asked for has changed.

        Empty where a server gives no mark of content: a strong ETag, which is in quotation marks.
        """
        files = [known for known in self.asked.values() if known and not known.is_folder]
        if not all(known.mark.startswith('"') for known in files):
            return ""
        said = sorted((url, known and known.mark) for url, known in self.asked.items())
        return hashlib.sha256(repr(said).encode()).hexdigest()

    def __getstate__(self) -> dict[str, object]:
        # What was read is read again elsewhere, and compared with what is known of its file.
        asked = {url: known and replace(known, head=b"") for url, known in self.asked.items()}
        return {"url": self.url, "listed": self.listed, "asked": asked}

    def _patiently(self, call: Callable[..., _T], *arguments: Any) -> _T:
        return patiently(partial(call, self.url, *arguments), shown(self), self._server.pauses)
