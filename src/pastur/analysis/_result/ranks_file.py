"""The suggested rank of each matrix, as a file for whatever makes factors of them."""

import json
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pastur._stored import check, each, made, read_document, taken
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.analysis._result.csv_file import csv_text

SCHEMA = 1
_COLUMNS = ("name", "rows", "columns", "rank", "low", "high", "energy", "error", "reason")


def ranks_text(source: str, matrices: Sequence[MatrixAnalysis], *, table: bool) -> str:
    """Return the JSON document, or a table of comma-separated values."""
    rows = [_row(matrix) for matrix in matrices]
    if table:
        return csv_text(_COLUMNS, rows)
    values = {"schema": SCHEMA, "source": source, "ranks": rows}
    return json.dumps(values, allow_nan=False, indent=1) + "\n"


def read_ranks(path: str | os.PathLike[str]) -> dict[str, int]:
    """Return the ranks in the JSON of `Analysis.to_ranks`, edited or not, by name of the matrix.

    Those without a rank are left out.

    Raises
    ------
    FileAccessError
        When `path` cannot be read.
    FileFormatError
        When it is not such a file.
    """
    return read_document(
        path,
        _ranks,
        what="list of ranks",
        schemas=(SCHEMA,),
        keys=("ranks",),
        unsound="is not a sound list of ranks",
        again="Write it with `pastur analyze MODEL --ranks FILE.json`.",
    )


def is_table(path: str | os.PathLike[str]) -> bool:
    """Return whether a file of this name is a table: it ends in .csv."""
    return Path(path).suffix.lower() == ".csv"


def _row(matrix: MatrixAnalysis) -> dict[str, Any]:
    found, (rows, columns) = matrix.suggested_rank, matrix.shape
    figures = {name: getattr(found, name) for name in _COLUMNS[3:]}
    return {"name": matrix.name, "rows": rows, "columns": columns} | figures


def _ranks(values: dict[str, Any]) -> dict[str, int]:
    pairs = made(values, "ranks", partial(each, _pair))
    names = [name for name, _ in pairs]
    check(len(set(names)) == len(names), "ranks", "must not name a matrix twice")
    return {name: rank for name, rank in pairs if rank is not None}


def _pair(values: Any) -> tuple[str, int | None]:
    rank = taken(values, "rank", int | None)
    check(rank is None or rank >= 0, "rank", "must not be negative")
    return taken(values, "name", str), rank
