"""Records of long runs: one line of JSON for each case, so that an interrupted run goes on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pastur._files import write_whole

FOLDER = Path(__file__).parent / "records"

Row = dict[str, Any]


def rows_of(path: Path) -> list[Row]:
    """Return the rows of a file; a last line that was not finished is left out."""
    if not path.exists():
        return []
    whole = path.read_text("utf-8")
    return [json.loads(line) for line in whole[: whole.rfind("\n") + 1].splitlines()]


class Records:
    """The rows of a file, and those that come."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, rows_of(path)
        if path.exists():
            # Without the line that was not finished, so that the next one starts anew.
            write_whole(path, "".join(line(row) for row in self.rows))

    def find(self, case: Mapping[str, Any]) -> Row | None:
        """Return the row of a case; None where there is none."""
        return next((row for row in self.rows if row["case"] == case), None)

    def add(self, case: Mapping[str, Any], found: Mapping[str, Any]) -> Row:
        """Write the row of a case."""
        row = {"case": dict(case), **found}
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(line(row))
        self.rows.append(row)
        print(line(row)[:240].rstrip(), flush=True)
        return row


def line(row: Row) -> str:
    """Return a row as a line of the file."""
    return json.dumps(row, allow_nan=False, ensure_ascii=False) + "\n"
