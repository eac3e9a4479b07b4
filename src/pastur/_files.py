"""Files written whole or not at all, with errors that name them."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from pastur._errors import FileAccessError

PathLike = str | os.PathLike[str]


def write_whole(path: PathLike, content: str | bytes) -> Path:
    """Write beside `path` and rename, so that no reader meets half a file and none is lost.

    Links are followed. A pipe or a device (/dev/stdout) cannot be replaced: it is written to.

    Raises
    ------
    FileAccessError
        If the file cannot be written.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    with _named(path):
        if path.exists() and not path.is_file():
            with path.open("wb") as stream:
                stream.write(data)
            return path
        target = path.resolve()
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            part.write_bytes(data)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return path


def make_folder(path: PathLike) -> Path:
    """Make a folder, and those above it, where there is none.

    Raises
    ------
    FileAccessError
        If it cannot be made.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileAccessError(f"Cannot make '{path}': {error.strerror or error}.") from None
    return path


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileAccessError(f"Cannot write '{path}': {error.strerror or error}.") from None
