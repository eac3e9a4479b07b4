"""The configuration next to a model."""

from typing import Any

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur._format import bytes_text
from pastur.weights._hostile.array_bytes import read_up_to
from pastur.weights._hostile.budget import Budget
from pastur.weights._hostile.json_text import parse_json
from pastur.weights._places.place import Place

_LARGEST = 10_000_000


def neighbouring_config(source: Place, name: str) -> dict[str, Any]:
    """Return the JSON object in the file `name` in the folder of `source`, or in that folder.

    It is empty where there is no such file, or the file holds something else.

    Raises
    ------
    FileFormatError
        When it is too large, or not JSON.
    """
    file = (source if source.is_dir() else source.parent) / name
    if not file.is_file():
        return {}
    text = read_up_to(file, _LARGEST)
    if text is None:
        raise FileFormatError(f"{shown(file)} exceeds {bytes_text(_LARGEST)}.")
    try:
        found = parse_json(text, Budget(file, len(text)))
    except FileFormatError:
        raise
    except (ValueError, RecursionError):
        raise FileFormatError(f"{shown(file)} is not valid JSON.") from None
    return found if isinstance(found, dict) else {}
