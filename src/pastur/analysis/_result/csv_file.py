"""Tables as text."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pastur._foreign import visible

# What begins a formula, in the wide forms of Japanese fonts too. Where cells are separated by
# semicolons one may begin inside a text.
_FORMULA = re.compile(r"(?:^|(?<=;))(?=\s*[=+\-@＝＋－＠])")


def csv_text(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return `rows` as comma-separated values under a line of `columns`.

    Texts come from files, and people open tables in spreadsheets: invisible characters are escapes,
    and what a spreadsheet would take for a formula begins with an apostrophe.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return stream.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # A cell may have several lines; it is then in quotes.
    return _FORMULA.sub("'", "\n".join(map(visible, value.split("\n"))))
