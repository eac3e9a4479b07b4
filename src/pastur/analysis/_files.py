"""Text files written whole or not at all, and read with errors that name them."""

import contextlib
import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pastur._errors import FileAccessError, FileFormatError

PathLike = str | os.PathLike[str]


def write_text(path: PathLike, text: str) -> Path:
    """Write `text` beside `path` and rename it, so that no reader meets half a file."""
    path = Path(path)
    if path.exists() and not path.is_file():
        # A pipe or a device (/dev/stdout) cannot be replaced: it is written to.
        with _named(path), path.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        return path
    target = path.resolve()
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    with _named(path):
        try:
            beside.write_text(text, encoding="utf-8", newline="")
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    return path


def csv_text(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return `rows` as comma-separated values under a line of `columns`."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def read_json(path: PathLike) -> dict[str, Any]:
    """Return the object stored in a JSON file."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileAccessError(f"Cannot read '{path}': {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise FileFormatError(f"'{path}' is not a JSON file: it does not hold text.") from None
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"'{path}' is not a JSON file: {error}.") from None
    if not isinstance(values, dict):
        raise FileFormatError(f"'{path}' holds a JSON {type(values).__name__}, not an object.")
    return values


@contextlib.contextmanager
def _named(path: Path) -> Any:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileAccessError(f"Cannot write '{path}': {error.strerror or error}.") from None
