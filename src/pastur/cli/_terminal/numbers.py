"""Numbers from the command line and from files."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from pastur._checks import vector
from pastur._errors import FileAccessError, FileFormatError, InvalidInputError
from pastur._typing import FloatArray
from pastur.cli._terminal.printable import one_line

_NPY = b"\x93NUMPY"
_LONGEST = 60


def numbers_option(
    name: str, form: str, *, help: str, least: int = 1, most: float = np.inf
) -> Callable[[Any], Any]:
    """Return an option of numbers, decimal or fractions, with commas between: ``-1.5,1/3``.

    Given several times its numbers come one after the other. None where it is not given; wrong
    usage where they are not of the `form`, or fewer or more than they may be.
    """

    def parse(
        ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
    ) -> tuple[float, ...] | None:
        text = ",".join(values)
        try:
            numbers = tuple(_number(part) for part in text.split(",")) if values else None
        except (ValueError, ZeroDivisionError):
            raise click.BadParameter(
                f"'{text}' is not of the form {form}: numbers such as -1.5 or 2/3.", ctx, param
            ) from None
        if numbers is not None and not least <= len(numbers) <= most:
            raise click.BadParameter(f"expected {form}. Got '{text}'.", ctx, param)
        return numbers

    return click.option(name, metavar=form, multiple=True, callback=parse, help=help)


def _number(text: str) -> float:
    top, slash, bottom = text.partition("/")
    number = float(top) / float(bottom) if slash else float(text)
    if not np.isfinite(number):
        raise ValueError("not finite")
    return number


def read_numbers(path: Path) -> FloatArray:
    """Return the numbers of a one-dimensional ``.npy`` file, or of a text file, one a line.

    In a text file they may also stand all in one line, and what follows a # is a comment.

    Raises
    ------
    FileAccessError
        When `path` cannot be read.
    FileFormatError, InvalidInputError, InvalidTypeError
        When it holds anything but finite real numbers in one dimension.
    """
    values = read_values(path)
    if values.ndim != 1:
        raise InvalidInputError(
            f"'{path}' holds an array of shape {values.shape}. Expected its eigenvalues or "
            "singular values, one number each."
        )
    return vector(str(path), values)


def read_values(path: Path) -> Any:
    """Return the array of a ``.npy`` file, of any shape, or the numbers of a text file.

    Raises
    ------
    FileAccessError
        When `path` cannot be read.
    FileFormatError, InvalidInputError
        When it is neither, or there are no numbers in it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileAccessError(f"Cannot read '{path}': {error.strerror or error}.") from None
    if data.startswith(_NPY):
        from pastur.weights import open_weights

        weights = open_weights(path)
        values: Any = weights.read(weights.entries[0].name)
    else:
        values = _text_numbers(path, data)
    if not values.size:
        raise InvalidInputError(f"'{path}' contains no numbers.")
    return values


def _text_numbers(path: Path, data: bytes) -> FloatArray:
    text = None
    with contextlib.suppress(UnicodeDecodeError):
        text = data.decode("utf-8-sig")
    if text is None or "\0" in text:
        raise FileFormatError(f"'{path}' is neither a .npy file nor text.")
    lines = [line.partition("#")[0].replace(",", " ").split() for line in text.splitlines()]
    filled = [(i, words) for i, words in enumerate(lines, 1) if words]
    for i, words in filled:
        if len(words) > 1 and len(filled) > 1:
            raise FileFormatError(
                f"'{path}' has {len(words)} words in line {i}. Expected one number a line, or all "
                "in one line."
            )
    values = []
    for i, words in filled:
        for word in words:
            try:
                values.append(float(word))
            except ValueError:
                shown = one_line(word[:_LONGEST])
                raise FileFormatError(
                    f"'{path}' holds '{shown}' in line {i}, which is not a number."
                ) from None
    return np.array(values)
