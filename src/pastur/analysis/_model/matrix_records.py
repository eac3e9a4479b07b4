"""Finished matrices on disk, one JSON file each, so that a run which was stopped resumes."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from pastur._errors import FileFormatError
from pastur._files import PathLike, make_folder, write_whole
from pastur._stored import check, made, made_good, read_object, taken
from pastur._versions import package_versions
from pastur.analysis._matrix.examine_anew import Examined
from pastur.analysis._matrix.fit_matrix import Settings
from pastur.weights import Skipped

SCHEMA = 1
# Letters of a hash that make a file's name.
_LETTERS = 32


class Recorded(Protocol):
    """What became of a matrix, or of a pair of them."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return what `to_dict` described."""


class Headed(Protocol):
    """A matrix, or a pair of them, as headers describe it."""

    @property
    def name(self) -> str:
        """No two are alike."""

    @property
    def header(self) -> dict[str, Any]:
        """All that is known of it before its numbers are read."""


_R = TypeVar("_R", bound=Recorded)


class MatrixRecords(Generic[_R]):
    """The finished matrices of one way to analyse them.

    A record lies under the hash of all that a result depends on apart from the numbers: the
    matrix's place in the header, the settings, the versions. It holds a digest of the numbers, so
    that it is used only where they are the same. Where a server marks the content of a file, the
    mark is in the hash too, and the numbers are not fetched again.

    Parameters
    ----------
    folder : path or None
        None keeps none.
    settings : Settings
    result : type
        That of what is recorded.
    """

    def __init__(self, folder: PathLike | None, settings: Settings, result: type[_R]) -> None:
        self._folder = None if folder is None else make_folder(folder)
        versions = package_versions()
        # The version of Python changes no result.
        del versions["python"]
        self._result = result
        self._found: dict[str, _R] = {}
        self._made_by = {"schema": SCHEMA, "settings": asdict(settings), "versions": versions}

    def known(self, matrix: Headed) -> str | None:
        """Return the digest of the numbers that were analysed; see `examine_anew`."""
        if self._folder is None:
            return None
        found = self._read(self._path(matrix), matrix)
        if found is None:
            return ""
        digest, self._found[matrix.name] = found
        return digest

    def settled(self, matrix: Headed, found: Examined) -> _R | Skipped:
        """Return the result, from the record where there is one; record it where there is none."""
        if found.result is None:
            return self._found[matrix.name]
        if isinstance(found.result, Skipped):
            return found.result
        result: _R = found.result
        if self._folder is not None and found.digest:
            values = self._key(matrix) | {"digest": found.digest, "matrix": result.to_dict()}
            text = json.dumps(values, allow_nan=False, separators=(",", ":"))
            write_whole(self._path(matrix), text + "\n")
        return result

    def _key(self, matrix: Headed) -> dict[str, Any]:
        return self._made_by | {"header": matrix.header}

    def _path(self, matrix: Headed) -> Path:
        assert self._folder is not None
        text = json.dumps(self._key(matrix), sort_keys=True)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:_LETTERS]}.json"

    def _read(self, path: Path, matrix: Headed) -> tuple[str, _R] | None:
        if not path.exists():
            return None
        try:
            values = read_object(path)
            for name, value in json.loads(json.dumps(self._key(matrix))).items():
                sound = name in values and values[name] == value
                check(sound, name, "is that of another matrix or run")
            return taken(values, "digest", str), made(values, "matrix", self._result.from_dict)
        except FileFormatError as error:
            made_good(path, error, "the matrix is analysed again")
            return None
