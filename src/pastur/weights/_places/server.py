"""What is asked of whatever keeps files elsewhere, how long, and how often."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from pastur._errors import FileAccessError

_T = TypeVar("_T")

# Seconds for an answer, and bytes that are to come in one, at least.
_PATIENCE, _BYTES_A_SECOND = 30.0, 1e5


@dataclass(frozen=True, slots=True)
class Status:
    """What a server says about a file or a folder.

    Attributes
    ----------
    size : int
        In bytes.
    mark : str
        What is another one once the file has changed, as far as the server gives one.
    is_folder : bool
    head : bytes
        The beginning of the file, where it has come with the rest.
    """

    size: int
    mark: str
    is_folder: bool = False
    head: bytes = field(default=b"", repr=False, compare=False)


class Server(ABC):
    """A kind of server. An address may hold a password: no error of these methods has it.

    Attributes
    ----------
    pauses : tuple of float
        Seconds between one attempt and the next.
    """

    pauses: tuple[float, ...]

    @abstractmethod
    def status(self, url: str) -> Status | None:
        """Return what is there; None for nothing that may be read."""

    @abstractmethod
    def fetch(self, url: str, known: Status, begin: int, end: int) -> bytes:
        """Return the bytes from `begin` to before `end`, all of them."""

    @abstractmethod
    def confirm(self, url: str, known: Status) -> None:
        """Raise where a file has changed since its status was asked, and `fetch` cannot see it."""

    @abstractmethod
    def listed(self, url: str) -> list[tuple[str, bool]]:
        """Return the names in a folder, and whether each is one of a folder."""


class TransientError(Exception):
    """A failure that may pass, in words that follow the name of a file."""


class FinalError(Exception):
    """A failure that stays, in words that follow the name of a file."""


CHANGED = "has changed on its server since it was opened: start again"


def patiently(call: Callable[[], _T], label: str, pauses: tuple[float, ...]) -> _T:
    """Return ``call()``, tried again after each pause where it fails for a reason that may pass.

    Raises
    ------
    FileAccessError
        When it fails for good, about `label`.
    """
    for pause in (*pauses, None):
        try:
            return call()
        except FinalError as error:
            raise FileAccessError(f"{label} {error}.") from None
        except TransientError as error:
            if pause is None:
                tried = f"It was tried {len(pauses) + 1} times"
                raise FileAccessError(f"{label} cannot be read: {error}. {tried}.") from None
        time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def patience(nbytes: int) -> float:
    """Return how many seconds an answer of `nbytes` may take."""
    return _PATIENCE + nbytes / _BYTES_A_SECOND
