"""Files are written completely or not at all, and never over an input; errors name the file."""

import contextlib
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from pastur._errors import FileAccessError, InvalidInputError, PasturError

PathLike = str | os.PathLike[str]

# None on systems that are not POSIX.
_flock: Callable[[int, int], object] | None = None
_LOCK_NOW = 0
with contextlib.suppress(ImportError):
    import fcntl

    _flock, _LOCK_NOW = fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB

# File systems allow names of 255 bytes, some only 143.
_LONGEST_STEM = 100
_PATIENCE = 5.0
# Each part of a name has another one.
_TOKEN = re.compile("[0-9a-f]{16}")
# The file that says that a hidden folder is one of ours.
_MARK = ".pastur.part"
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def write_whole(path: PathLike, content: str | bytes, *, inputs: Iterable[PathLike] = ()) -> Path:
    """Write a part file in the same folder and rename it, so that no reader sees half a file.

    Links are followed, and a replaced file keeps its permissions. A pipe or a device (/dev/stdout)
    cannot be replaced; it is written to directly.

    Parameters
    ----------
    path : path
    content : str or bytes
        Text is written in UTF-8; characters that cannot be encoded are escaped.
    inputs : iterable of path
        Files that must not be overwritten; see `refuse_inputs`.

    Raises
    ------
    FileAccessError
        If the file cannot be written.
    InvalidInputError
        If it is one of `inputs`.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    with whole_file(path, inputs=inputs) as stream:
        stream.write(data)
    return Path(path)


@contextlib.contextmanager
def whole_file(path: PathLike, *, inputs: Iterable[PathLike] = ()) -> Iterator[BinaryIO]:
    """Yield a stream of which `path` has all once the block ends, and nothing if it fails.

    As `write_whole`, for content that does not fit into memory. An `OSError` within the block
    counts as one of writing.

    Raises
    ------
    FileAccessError
        If the file cannot be written.
    InvalidInputError
        If it is one of `inputs`.
    """
    path = Path(path)
    refuse_inputs(path, inputs)
    with _named(path):
        target, existing = _target(path)
        if existing is not None and not stat.S_ISREG(existing.st_mode):
            with path.open("wb") as stream:
                yield stream
        else:
            with _replaced(target, existing) as stream:
                yield stream


@contextlib.contextmanager
def whole_folder(path: PathLike) -> Iterator[Path]:
    """Yield a hidden folder next to `path`, which becomes it once the block ends.

    Nothing is there if the block fails, and what a killed process left is removed by the next call.
    `path` must not exist, or be an empty folder.

    Raises
    ------
    FileAccessError
        If the folder cannot be written.
    """
    path = Path(path)
    with _named(path):
        handle, part = _new_folder(path)
        try:
            yield part
            (part / _MARK).unlink()
            os.replace(part, path)
        finally:
            shutil.rmtree(part, ignore_errors=True)
            _close(handle)


def check_writable(path: PathLike) -> None:
    """Refuse a path that `write_whole` could not write to now; nothing is left there.

    Raises
    ------
    FileAccessError
        If it cannot be written to.
    """
    with _named(Path(path)):
        target, existing = _target(path)
        if existing is None or stat.S_ISREG(existing.st_mode):
            handle, part = _new_part(target)
            os.close(handle)
            part.unlink(missing_ok=True)


def check_name(path: PathLike) -> None:
    """Refuse a path that no file can have, or that cannot be reached.

    Raises
    ------
    FileAccessError
        If it is one.
    """
    with _named(Path(path)), contextlib.suppress(FileNotFoundError):
        os.lstat(path)


def refuse_inputs(path: PathLike, inputs: Iterable[PathLike]) -> None:
    """Refuse an output that is one of the inputs, under any name or link.

    Raises
    ------
    InvalidInputError
        If it is.
    """
    for source in inputs:
        if same_file(path, source):
            raise InvalidInputError(
                f"'{path}' is a file that was read ('{source}') and would be overwritten. "
                "Name another file to write."
            )


def same_file(one: PathLike | int, other: PathLike | int) -> bool:
    """Return whether two paths, or open files, refer to the same existing file."""
    try:
        return os.path.samestat(os.stat(one), os.stat(other))
    except (OSError, ValueError):
        return False


def make_folder(path: PathLike) -> Path:
    """Create a folder and its parents unless they exist.

    Raises
    ------
    FileAccessError
        If it cannot be created.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise FileAccessError(f"Cannot create '{path}': {_why(error)}.") from None
    return path


def set_aside(path: PathLike) -> Path:
    """Rename a damaged file to NAME.damaged, or NAME.damaged.2, …, and return the new path.

    Nothing is overwritten.

    Raises
    ------
    FileAccessError
        If it cannot be renamed.
    """
    path = Path(path)
    number = 1
    while True:
        number += 1
        place = path.with_name(f"{path.name}.damaged" + (f".{number - 1}" if number > 2 else ""))
        if not os.path.lexists(place):
            break
    with _named(path):
        os.rename(path, place)
    return place


@contextlib.contextmanager
def alone_in(folder: PathLike) -> Iterator[None]:
    """Keep other processes that call this out of a folder; on POSIX systems only.

    They wait for a few seconds at most, so what is done inside must be safe without the lock.
    """
    if _flock is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        end = time.monotonic() + _PATIENCE
        while _held_elsewhere(handle) and time.monotonic() < end:
            time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def _target(path: PathLike) -> tuple[Path, os.stat_result | None]:
    """Return where links lead, and the status of the file there; refuse a protected file."""
    # Not Path.resolve, which raises RuntimeError where links lead in a circle.
    target = Path(os.path.realpath(path))
    try:
        existing = target.stat()
    except FileNotFoundError:
        return target, None
    if not os.access(target, os.W_OK):
        raise PermissionError("it is write-protected")
    return target, existing


@contextlib.contextmanager
def _replaced(target: Path, existing: os.stat_result | None) -> Iterator[BinaryIO]:
    handle, part = _new_part(target)
    try:
        with os.fdopen(handle, "wb") as stream:
            if existing is not None:
                _make_alike(stream.fileno(), part, existing)
            yield stream
            stream.flush()
            # Some file systems report only now that they are full.
            os.fsync(stream.fileno())
            if _flock is None:
                stream.close()
            os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _new_part(target: Path) -> tuple[int, Path]:
    """Return an open, empty, locked file in the folder of `target`, with an unpredictable name.

    The lock distinguishes a part that is being written from one left by a killed process.
    """
    stem = _stem(target)
    _remove_stale(target.parent, stem)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY
    while True:
        part = target.with_name(f".{stem}.{secrets.token_hex(8)}.part")
        try:
            handle = os.open(part, flags, 0o666)
        except FileExistsError:
            continue
        # Another process may have found it before it was locked, and removed it.
        if not _held_elsewhere(handle) and same_file(part, handle):
            return handle, part
        os.close(handle)
        part.unlink(missing_ok=True)


def _new_folder(target: Path) -> tuple[int | None, Path]:
    """Return a new, locked folder with our mark in it, next to `target`."""
    stem = _stem(target)
    _remove_stale(target.parent, stem)
    while True:
        part = target.parent / f".{stem}.{secrets.token_hex(8)}.part"
        try:
            part.mkdir()
        except FileExistsError:
            continue
        # A folder is opened, and locked, on POSIX systems only.
        handle = None if _flock is None else os.open(part, os.O_RDONLY)
        try:
            if handle is None or (not _held_elsewhere(handle) and same_file(part, handle)):
                (part / _MARK).touch(exist_ok=False)
                return handle, part
        except FileNotFoundError:
            # Another process found it before it was locked, and removed it.
            pass
        _close(handle)


def _close(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)


def _stem(target: Path) -> str:
    return target.name.encode("utf-8", "ignore")[:_LONGEST_STEM].decode("utf-8", "ignore")


def _remove_stale(folder: Path, stem: str) -> None:
    """Remove the parts left by processes that were killed while writing."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        found = [entry.path for entry in entries if _is_part(entry.name, stem)]
        for part in found:
            with contextlib.suppress(OSError):
                _remove_if_stale(part)


def _is_part(name: str, stem: str) -> bool:
    token = name.removeprefix(f".{stem}.").removesuffix(".part")
    return name == f".{stem}.{token}.part" and _TOKEN.fullmatch(token) is not None


def _remove_if_stale(part: str) -> None:
    if _flock is None:
        return
    handle = os.open(part, os.O_RDONLY | os.O_NONBLOCK | _NO_FOLLOW)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISREG(mode):
            _flock(handle, _LOCK_NOW)
            os.unlink(part)
        elif stat.S_ISDIR(mode):
            _flock(handle, _LOCK_NOW)
            if os.path.lexists(os.path.join(part, _MARK)):
                shutil.rmtree(part)
            else:
                # One of ours that was not marked yet is empty; any other stays.
                os.rmdir(part)
    finally:
        os.close(handle)


def _held_elsewhere(handle: int) -> bool:
    """Lock an open file until it is closed, unless another process has locked it."""
    if _flock is not None:
        try:
            _flock(handle, _LOCK_NOW)
        except BlockingIOError:
            return True
        except OSError:
            # There are no locks on this file system.
            return False
    return False


def _make_alike(handle: int, part: Path, existing: os.stat_result) -> None:
    """Give a part the permissions of the file it replaces and, if allowed, its owner."""
    with contextlib.suppress(OSError, AttributeError):
        os.fchown(handle, existing.st_uid, existing.st_gid)
    with contextlib.suppress(OSError):
        os.chmod(part, stat.S_IMODE(existing.st_mode) & 0o777)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except (BrokenPipeError, PasturError):
        raise
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError) and not path.parent.is_dir():
            raise FileAccessError(f"Cannot write '{path}': no folder '{path.parent}'.") from None
        raise FileAccessError(f"Cannot write '{path}': {_why(error)}.") from None


def _why(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
