"""The files that a command is asked to write: checked before the work, pictures put into bytes."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pastur._errors import FileAccessError, InvalidInputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check_files(files: Sequence[tuple[str, Path]], sources: Mapping[str, Path]) -> None:
    """Refuse `files`, with their names in words, that could not be written after the work.

    No two may be the same, nor one of the `sources`, also with their names in words.
    """
    taken = {path.resolve(): name for name, path in sources.items()}
    for word, path in files:
        if path.is_dir():
            raise FileAccessError(f"Cannot write '{path}': it is a folder. Name a file in it.")
        if not path.absolute().parent.is_dir():
            raise FileAccessError(f"Cannot write '{path}': no folder '{path.parent}'.")
        if path.is_file() or not path.exists():
            other = taken.setdefault(path.resolve(), f"the {word} file")
            if other != f"the {word} file":
                raise InvalidInputError(
                    f"The {word} file '{path}' is {other} too. Name another file."
                )


def picture_bytes(figure: "Figure", *, kind: str = "png", dots_per_inch: int = 110) -> bytes:
    """Return a figure as the content of a file: "png", "svg" or "pdf"."""
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, dpi=dots_per_inch)
    return stream.getvalue()
