"""Tables as text, and JSON files read with errors that name them."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pastur._errors import FileAccessError, FileFormatError
from pastur._files import PathLike


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
