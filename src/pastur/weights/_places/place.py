"""What a reader needs of the place of a file or folder: names, what is next to it, its bytes."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Literal, Protocol, Self


class Place(Protocol):
    """The part of `pathlib.Path` that readers use; each member means what it means there."""

    @property
    def name(self) -> str: ...

    @property
    def stem(self) -> str: ...

    @property
    def suffix(self) -> str: ...

    @property
    def parent(self) -> Self: ...

    def __truediv__(self, name: str, /) -> Self: ...

    def __lt__(self, other: Any, /) -> bool: ...

    def with_suffix(self, suffix: str, /) -> Self: ...

    def relative_to(self, folder: Self, /) -> object: ...

    def is_file(self) -> bool: ...

    def is_dir(self) -> bool: ...

    def is_symlink(self) -> bool: ...

    def iterdir(self) -> Iterator[Self]: ...

    def open(self, mode: Literal["rb"], /) -> IO[bytes]: ...


def on_this_machine(places: Iterable[Place]) -> tuple[Path, ...]:
    """Return those of the places that are paths: no output can overwrite the others."""
    return tuple(place for place in places if isinstance(place, Path))
