"""HDF5 files, and Keras' in them: `.weights.h5`, `.keras`, the older `.h5`.

The C library of HDF5 can crash on a hostile file. It runs in a process of its own
(`worker.py`), whose end, by a crash, by its limit of memory or of time, is an error here.
"""

from __future__ import annotations

import importlib.util
import io
import json
import math
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from pastur._checks import missing_extra
from pastur._errors import FileAccessError, FileFormatError
from pastur._foreign import shown
from pastur._format import bytes_text
from pastur._typing import AnyArray
from pastur.weights._axes.keras_layers import layer_classes, layout
from pastur.weights._formats.contract import Reader
from pastur.weights._hostile.array_bytes import numpy_dtype, read_array, reading, shape_fault
from pastur.weights._hostile.source_file import SourceFile
from pastur.weights._hostile.zip_archive import Archive, member_names, read_archive, sound_archive
from pastur.weights._places.place import Place
from pastur.weights._places.ranged_file import RangedFile
from pastur.weights._places.server import patience
from pastur.weights.tensors import TensorInfo, Weights, distinct

_MARK = b"\x89HDF\r\n\x1a\n"
_PLACES = (0, 512, 1024, 2048)
_MEMBER = "model.weights.h5"
_CONFIG = "config.json"
# Bytes of the configuration, beyond those of the file: parsed it takes twenty times as many.
_LARGEST_CONFIG = 8_000_000
# What reading may take: for the file as a whole, where chunks of a few numbers are the slowest,
# and for each tensor.
_SECONDS, _BYTES_A_SECOND_OF_FILE = 60.0, 5e5
_SECONDS_A_TENSOR, _BYTES_A_SECOND = 0.01, 5e6
_WORKER = Path(__file__).with_name("worker.py")


def recognises_hdf5(path: Place, head: bytes) -> bool:
    """Tell whether `head` has the format's mark, at its beginning or after a block of the user."""
    return any(head.startswith(_MARK, place) for place in _PLACES)


def recognises_keras(path: Place, head: bytes) -> bool:
    """Tell whether the file is a zip archive with Keras' weights in it."""
    return _MEMBER in member_names(path, head)


def open_hdf5(path: Place) -> Weights:
    """Return the data sets of an HDF5 file; links are listed and not followed.

    Raises
    ------
    MissingExtraError
        When h5py is not installed.
    FileFormatError
        When the file is damaged.
    """
    return _open(path, 0, SourceFile.at(path).size, "")


def open_keras(path: Place) -> Weights:
    """Return the tensors of a `.keras` file, with the axes that its configuration states.

    The configuration is read as data; nothing that it names is built.

    Raises
    ------
    MissingExtraError
        When h5py is not installed.
    FileFormatError
        When the archive or its weights are damaged.
    """
    archive = read_archive(path, "Keras")
    member = archive.members.get(_MEMBER)
    if member is None:
        raise FileFormatError(
            f"{shown(path)} is not a sound Keras file: its zip archive holds no {_MEMBER}."
        )
    if member.stored_size < 0:
        raise FileFormatError(f"{shown(path)} holds its weights packed, as Keras does not.")
    with sound_archive(path, "Keras"):
        begin = archive.begin(_MEMBER)
        config = ""
        if _CONFIG in archive.members:
            config = _configuration(archive)
    return _open(path, begin, member.size, config)


def _configuration(archive: Archive) -> str:
    """Return the model's configuration, unpacked as far as it has a place in the file."""
    file = archive.file
    most = _LARGEST_CONFIG + file.size
    with archive.open(_CONFIG, count=archive.members[_CONFIG].packed) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise FileFormatError(
            f"{shown(file.path)} is not a sound Keras file: its {_CONFIG} takes more than "
            f"{bytes_text(most)} unpacked, in a file of {bytes_text(file.size)}."
        )
    return bytes(content).decode("utf-8", "replace")


def _open(path: Place, begin: int, size: int, config: str) -> Weights:
    if importlib.util.find_spec("h5py") is None:
        raise missing_extra(f"Reading {shown(path)}", "h5py", "keras")
    worker = _Worker(path, begin, size)
    listing = worker.listed()
    classes = layer_classes(config or str(listing["config"]))
    names = distinct(str(item["name"]) for item in listing["found"])
    entries = tuple(map(partial(_info, classes=classes), names, listing["found"]))
    places = dict(zip(names, (str(item["name"]) for item in listing["found"]), strict=True))
    infos = {entry.name: entry for entry in entries}
    return Weights(str(path), entries, {}, partial(_load, path, worker, infos, places))


def _info(
    name: str, item: Mapping[str, Any], *, classes: Mapping[str, tuple[str, int]]
) -> TensorInfo:
    shape, dtype = tuple(item["shape"]), str(item["dtype"])
    reason = str(item["reason"]) or shape_fault(shape)
    nbytes = 0 if reason else math.prod(shape) * numpy_dtype(dtype).itemsize
    found = layout(name, str(item["label"]), len(shape), classes)
    if isinstance(found, str):
        return TensorInfo(name, shape, dtype, nbytes, reason or found)
    return TensorInfo(name, shape, dtype, nbytes, reason, found)


def _load(
    path: Place,
    worker: _Worker,
    infos: Mapping[str, TensorInfo],
    places: Mapping[str, str],
    name: str,
) -> AnyArray:
    with reading(f"Tensor {shown(name)} of {shown(path)}", path):
        return worker.read(places[name], infos[name])


class _Worker:
    """The process that reads; started at its first request, and again in another process.

    What it may take in time is for the file as a whole, so that nothing in a file can hold it up
    again and again.
    """

    def __init__(self, path: Place, begin: int, size: int) -> None:
        self.path, self.begin, self.size = path, begin, size
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None  # where it is not on this machine
        seconds = _SECONDS + size / _BYTES_A_SECOND_OF_FILE
        seconds += 0 if isinstance(path, Path) else patience(size)
        self._given = self._left = seconds

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "begin": self.begin, "size": self.size}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def listed(self) -> dict[str, Any]:
        """Return what the file holds."""
        with self._lock, self._limited(0.0) as (process, seconds):
            answer = self._ask(process, {"seconds": seconds})
        if "failed" in answer:
            raise FileFormatError(
                f"{shown(self.path)} is not a sound HDF5 file: {answer['failed']}."
            )
        return answer

    def read(self, place: str, info: TensorInfo) -> AnyArray:
        """Return the numbers of one data set."""
        label = f"Tensor {shown(info.name)} of {shown(self.path)}"
        usual = _SECONDS_A_TENSOR + info.nbytes / _BYTES_A_SECOND
        with self._lock, self._limited(usual) as (process, seconds):
            answer = self._ask(process, {"seconds": seconds, "read": place})
            if answer.get("nbytes", info.nbytes) != info.nbytes:
                raise FileFormatError(f"{label} has changed since the file was opened.")
            if "failed" not in answer:
                numbers: Any = _Numbers(process, partial(self._heard, process))
                array = read_array(numbers, info.shape, numpy_dtype(info.dtype))
                if isinstance(self._file, RangedFile):
                    self._file.confirm()
                return array
        raise FileFormatError(f"{label} {answer['failed']}.")

    def _ask(self, process: subprocess.Popen[bytes], request: dict[str, Any]) -> dict[str, Any]:
        try:
            _say(process, request)
            return self._heard(process)
        except FileAccessError:
            raise
        except (OSError, ValueError):
            raise FileFormatError(
                f"{shown(self.path)} is not a sound HDF5 file: it is damaged or was not copied "
                "whole."
            ) from None

    def _heard(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        """Return the next message, once the process has the bytes for which it asks before."""
        while True:
            message = dict(json.loads(_pipe(process.stdout).readline()))
            if "fetch" not in message or self._file is None:
                return message
            begin, count = message["fetch"]
            self._file.seek(begin)
            data = self._file.read(count)
            _say(process, {"bytes": len(data)}, data)

    @contextmanager
    def _limited(self, usual: float) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
        """Give the process what is left of the file's time and `usual` seconds more.

        It ends with whatever goes wrong: what is left of an answer must not become the next one.
        """
        begun, late = time.monotonic(), threading.Event()
        if self._left <= 0:
            raise self._too_slow()
        process = self._started()

        def stop() -> None:
            late.set()
            process.kill()  # closes the pipe, which whoever reads from it notices

        timer = threading.Timer(self._left + usual, stop)
        timer.start()
        try:
            yield process, self._left + usual
        except BaseException:
            self._process = None
            _end(process)
            if late.is_set():
                raise self._too_slow() from None
            raise
        finally:
            timer.cancel()
            self._left -= max(0.0, time.monotonic() - begun - usual)

    def _too_slow(self) -> FileFormatError:
        return FileFormatError(
            f"Reading {shown(self.path)} was given up: it took {self._given:.0f} seconds "
            "more than the size of its tensors explains. It is damaged, hostile, or on a disk that "
            "does not answer."
        )

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            here = os.path.abspath(self.path) if isinstance(self.path, Path) else ""
            self._file = None if here else self.path.open("rb")
            self._process = subprocess.Popen(
                [sys.executable, str(_WORKER), here, str(self.begin), str(self.size)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            weakref.finalize(self, _end, self._process)
        return self._process


class _Numbers(io.RawIOBase):
    """The numbers of an answer, out of the pieces in which they come."""

    def __init__(
        self, process: subprocess.Popen[bytes], heard: Callable[[], dict[str, Any]]
    ) -> None:
        self._process, self._heard, self._left = process, heard, 0

    def readinto(self, buffer: Any, /) -> int:
        if not self._left:
            try:
                self._left = int(self._heard()["piece"])
            except (KeyError, ValueError):  # the process has ended
                return 0
        target = memoryview(buffer)[: self._left]
        got = int(_pipe(self._process.stdout).readinto(target))  # type: ignore[attr-defined]
        self._left -= got
        return got


def _say(process: subprocess.Popen[bytes], message: dict[str, Any], data: bytes = b"") -> None:
    _pipe(process.stdin).write(json.dumps(message).encode() + b"\n" + data)
    _pipe(process.stdin).flush()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except OSError:  # what was not sent is not wanted
                continue


HDF5 = Reader(kind="HDF5", suffixes=(".h5", ".hdf5"), recognises=recognises_hdf5, open=open_hdf5)
KERAS = Reader(kind="Keras", suffixes=(".keras",), recognises=recognises_keras, open=open_keras)
