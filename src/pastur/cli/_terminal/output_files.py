"""The files that a command writes: checked before the work, pictures put into bytes."""

import io
import os
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pastur._errors import FileAccessError, InvalidInputError
from pastur._files import check_writable, same_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check_files(files: Sequence[tuple[str, Path]], sources: Mapping[str, Path]) -> None:
    """Refuse `files`, with their names in words, that could not be written after the work.

    No two may be the same, nor one of the `sources`, also with their names in words.
    """
    taken = dict(sources)
    for word, path in files:
        if path.is_dir():
            raise FileAccessError(f"Cannot write '{path}': it is a folder. Name a file in it.")
        # Several may go to a pipe or a device.
        if path.is_file() or not path.exists():
            for name, other in taken.items():
                if _alike(path, other):
                    raise InvalidInputError(
                        f"The {word} file '{path}' is {name} too. Name another file."
                    )
            check_writable(path)
            taken[f"the {word} file"] = path


def _alike(one: Path, other: Path) -> bool:
    """Return whether two paths are, or would be, one file: some disks ignore case."""
    if same_file(one, other):
        return True
    return not (one.exists() and other.exists()) and _place(one) == _place(other)


def _place(path: Path) -> tuple[str, str]:
    folder, name = os.path.split(os.path.realpath(path))
    return folder, unicodedata.normalize("NFC", name).casefold()


def replaced(picture: Path, what: str = "file") -> str:
    """Return what to add to the name of a picture that is there already; to be asked before."""
    return f" (replaced; -o names another {what})" if picture.exists() else ""


def picture_bytes(figure: "Figure", *, kind: str = "png", dots_per_inch: int = 110) -> bytes:
    """Return a figure as the content of a file: "png", "svg" or "pdf"."""
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, dpi=dots_per_inch)
    return stream.getvalue()
