"""Reading gzipped IDX files, the format in which the MNIST family is distributed."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pastur._errors import FileAccessError, FileFormatError

# Two zero bytes, the code of unsigned bytes, then the number of dimensions.
_UNSIGNED_BYTES = 0x08


def read_idx(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Read a gzipped IDX file of unsigned bytes that must hold an array of the given shape.

    The shape is known beforehand, so that never more than the array and one byte is unpacked,
    regardless of what the file declares.

    Parameters
    ----------
    path : Path
        The ``.gz`` file.
    shape : tuple of int
        The shape that the file must declare and hold.

    Returns
    -------
    ndarray of uint8, read-only

    Raises
    ------
    FileAccessError
        If the file cannot be opened.
    FileFormatError
        If it is not gzip, is cut short or damaged, is not IDX of unsigned bytes, declares another
        shape, or holds fewer or more bytes than it declares.
    """
    header_size = 4 + 4 * len(shape)
    size = math.prod(shape)
    try:
        with gzip.open(path, "rb") as file:
            header = file.read(header_size)
            _check_header(path, header, shape)
            content = file.read(size)
            # Reading on to the end makes gzip compare its checksum with the content.
            surplus = file.read(1)
    except EOFError:
        raise FileFormatError(
            f"'{path}' is cut short: its gzip stream ends before its end mark. Get the file again."
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FileFormatError(
            f"'{path}' is not an intact gzip file ({error}). Get the file again."
        ) from None
    except OSError as error:
        raise FileAccessError(f"'{path}' cannot be read: {error.strerror or error}.") from None
    if len(content) < size or surplus:
        held = f"only {len(content)}" if len(content) < size else "more"
        raise FileFormatError(
            f"'{path}' declares {size} bytes of data and holds {held}. Get the file again."
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _check_header(path: Path, header: bytes, shape: tuple[int, ...]) -> None:
    """Refuse a header that is not that of unsigned bytes of the expected shape."""
    expected_magic = bytes([0, 0, _UNSIGNED_BYTES, len(shape)])
    if header[:4] != expected_magic:
        raise FileFormatError(
            f"'{path}' is not the IDX file expected here: it must begin with the bytes "
            f"{expected_magic.hex(' ')}. Got {header[:4].hex(' ') or 'nothing'}."
        )
    if len(header) < 4 + 4 * len(shape):
        raise FileFormatError(f"'{path}' ends within its IDX header. Get the file again.")
    declared = struct.unpack(f">{len(shape)}I", header[4:])
    if declared != shape:
        raise FileFormatError(
            f"'{path}' must hold an array of shape {shape}. It declares {declared}."
        )
