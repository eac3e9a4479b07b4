"""Documents that the library writes, JSON and CSV, as trees of values and a digest of the rest."""

import csv
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

from golden_record import WORDS

from pastur.datasets import shipped_network_path

# Wall times, and versions of what is installed.
TIMES = {"seconds"}
VERSIONS = {"versions"}

_NUMBER = re.compile(r"(?<![\w.])-?\d+(\.\d+)?([eE][-+]?\d+)?(?![\w.])")


def json_document(path: Path) -> dict[str, Any]:
    """Return the values of a JSON file, and a digest of how they are laid out."""
    # Where the package is installed is not a result.
    text = path.read_text("utf-8").replace(str(shipped_network_path()), "the shipped network")
    return {"values": without_times(json.loads(text)), "layout": _layout(text)}


def without_times(value: Any) -> Any:
    """Return a tree whose wall times and versions are stars."""
    if isinstance(value, list):
        return [without_times(one) for one in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, one in value.items():
        if key in TIMES:
            found[key] = "*"
        elif key in VERSIONS:
            each = one if isinstance(one, list) else [one]
            found[key] = [dict.fromkeys(versions, "*") for versions in each]
        else:
            found[key] = without_times(one)
    return found


def _layout(text: str) -> str:
    """Return a digest of a document without its numbers, sentences and versions."""
    named = "|".join(sorted(WORDS | {"python", "numpy", "scipy", "pastur", "torch"}))
    text = re.sub(rf'("(?:{named})": ?)"(?:[^"\\]|\\.)*"', r'\1""', text)
    return hashlib.sha256(_NUMBER.sub("#", text).encode()).hexdigest()[:16]


def csv_document(path: Path) -> dict[str, Any]:
    """Return the columns of a CSV file: names, and cells as the numbers that they are."""
    text = path.read_bytes().decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    columns = {
        name: ["*" if name in TIMES else _cell(row[place]) for row in rows[1:]]
        for place, name in enumerate(rows[0])
    }
    return {"lines": text.count("\n"), "returns": text.count("\r"), "columns": columns}


def _cell(text: str) -> Any:
    """Return a number where it is written as Python writes it, and the text otherwise."""
    for kind in (int, float):
        try:
            if str(kind(text)) == text:
                return kind(text)
        except ValueError:
            pass
    return text
