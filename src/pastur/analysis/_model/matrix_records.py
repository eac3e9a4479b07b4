"""Finished matrices on disk, one JSON file each, so that a run which was stopped resumes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pastur._errors import FileFormatError
from pastur._files import PathLike, make_folder, write_whole
from pastur._stored import check, made, made_good, read_object, taken
from pastur._versions import package_versions
from pastur.analysis._matrix.examine_anew import Examined
from pastur.analysis._matrix.fit_matrix import Settings
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.weights import Matrix, Skipped

SCHEMA = 1
# Letters of a hash that make a file's name.
_LETTERS = 32


class MatrixRecords:
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
    """

    def __init__(self, folder: PathLike | None, settings: Settings) -> None:
        self._folder = None if folder is None else make_folder(folder)
        versions = package_versions()
        # The version of Python changes no result.
        del versions["python"]
        self._found: dict[str, MatrixAnalysis] = {}
        self._made_by = {"schema": SCHEMA, "settings": asdict(settings), "versions": versions}

    def known(self, matrix: Matrix) -> str | None:
        """Return the digest of the numbers that were analysed; see `examine_anew`."""
        if self._folder is None:
            return None
        found = self._read(self._path(matrix), matrix)
        if found is None:
            return ""
        digest, self._found[matrix.name] = found
        return digest

    def settled(self, matrix: Matrix, found: Examined) -> MatrixAnalysis | Skipped:
        """Return the result, from the record where there is one; record it where there is none."""
        if found.result is None:
            return self._found[matrix.name]
        if self._folder is not None and found.digest and isinstance(found.result, MatrixAnalysis):
            values = self._key(matrix) | {"digest": found.digest, "matrix": found.result.to_dict()}
            text = json.dumps(values, allow_nan=False, separators=(",", ":"))
            write_whole(self._path(matrix), text + "\n")
        return found.result

    def _key(self, matrix: Matrix) -> dict[str, Any]:
        names = ("name", "dtype", "tensor", "part", "content_mark")
        header = {key: getattr(matrix, key) for key in names}
        return self._made_by | {"header": header | {"shape": list(matrix.shape)}}

    def _path(self, matrix: Matrix) -> Path:
        assert self._folder is not None
        text = json.dumps(self._key(matrix), sort_keys=True)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:_LETTERS]}.json"

    def _read(self, path: Path, matrix: Matrix) -> tuple[str, MatrixAnalysis] | None:
        if not path.exists():
            return None
        try:
            return _content(read_object(path), json.loads(json.dumps(self._key(matrix))))
        except FileFormatError as error:
            made_good(path, error, "the matrix is analysed again")
            return None


def _content(values: Mapping[str, Any], key: Mapping[str, Any]) -> tuple[str, MatrixAnalysis]:
    for name, value in key.items():
        check(name in values and values[name] == value, name, "is that of another matrix or run")
    return taken(values, "digest", str), made(values, "matrix", MatrixAnalysis.from_dict)
