"""The records of the study: small JSON files, from which everything on the page is made."""

import json
import re
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).parent / "records"

Record = dict[str, Any]


def text(record: Record) -> str:
    """Return a record as JSON, rows and lists of plain values on one line."""
    content = json.dumps(record, indent=1)
    plain = r"\{[^\[\]{}]*\}|\[[^\[\]{}]*\]"
    return re.sub(plain, lambda row: re.sub(r"\s+", " ", row[0]), content) + "\n"


def read(kind: str) -> list[Record]:
    """Return the records of a kind, in the order of their names."""
    found = sorted(RECORDS.glob(f"{kind}-*.json"))
    return [json.loads(path.read_text("utf-8")) for path in found]


def network_name(training: Record) -> str:
    """Return what a network is called on the page, the same for all seeds."""
    width, layers = training["widths"][1], len(training["widths"]) - 2
    return f"{layers} × {width}, {'L1 and L2' if training['penalty'] else 'plain'}"


def group(records: list[Record]) -> dict[str, list[Record]]:
    """Return records by network, each with its seeds in order."""
    groups: dict[str, list[Record]] = {}
    for record in sorted(records, key=_order):
        groups.setdefault(network_name(record["training"]), []).append(record)
    return groups


def _order(record: Record) -> tuple[int, float, int]:
    training = record["training"]
    return len(training["widths"]), training["penalty"], training["seed"]
