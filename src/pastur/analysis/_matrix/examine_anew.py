"""A matrix examined unless its numbers are those of an earlier result."""

import hashlib
import time
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, NoReturn

from pastur._numerics.digest import checksum
from pastur._typing import AnyArray, FloatArray
from pastur.analysis._matrix.fit_matrix import Settings, examine
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.weights import Matrix


class Examined(NamedTuple):
    """What became of a matrix.

    Attributes
    ----------
    result : MatrixAnalysis (of a pair its comparison), Skipped or None
        None where its numbers are those of the earlier result.
    digest : str
        Checksum of its numbers; empty where none was asked for, or they could not be read.
    """

    result: Any
    digest: str = ""


class ReadMatrix(NamedTuple):
    """A matrix that has been read, or could not be.

    Attributes
    ----------
    matrix : Matrix
        Its functions return at once what reading gave, or raise what it raised.
    numbers : array or None
        None where it could not be read.
    digest : str
        As in `Examined`.
    seconds : float
        That it took.
    """

    matrix: Matrix
    numbers: AnyArray | None
    digest: str
    seconds: float


def examine_anew(matrix: Matrix, known: str | None, *, settings: Settings) -> Examined:
    """Examine a matrix, unless `known` is the digest of its numbers.

    Parameters
    ----------
    matrix : Matrix
    known : str or None
        The digest of the earlier result, empty where there is none. None where no digest is wanted.
    settings : Settings
    """
    return examine_read(read_anew(matrix, known), settings=settings)


def read_anew(matrix: Matrix, known: str | None) -> ReadMatrix | Examined:
    """Read a matrix; return at once what became of it where `known` is the digest of its numbers.

    No error is raised here: what reading raised is the reason for skipping the matrix, or ends the
    run, when the turn of the matrix comes.
    """
    if known and matrix.content_mark:
        # The record is of the same mark: nothing need be fetched.
        return Examined(None, known)
    start = time.perf_counter()
    try:
        numbers, step = matrix.load(), matrix.step_variance()
        read = replace(matrix, load=lambda: numbers, step_variance=lambda: step)
        digest = "" if known is None else digest_of(numbers, read)
    except Exception as error:
        failing = replace(matrix, load=partial(_raise, error))
        return ReadMatrix(failing, None, "", time.perf_counter() - start)
    if known and digest == known:
        return Examined(None, digest)
    return ReadMatrix(read, numbers, digest, time.perf_counter() - start)


def examine_read(
    read: ReadMatrix | Examined,
    *,
    settings: Settings,
    found: FloatArray | None = None,
    seconds: float = 0.0,
) -> Examined:
    """Examine what was read, unless there is no need.

    Parameters
    ----------
    found : array, optional
        Its singular values, where they are known already; see `examine`.
    seconds : float
        What these took.
    """
    if isinstance(read, Examined):
        return read
    result = examine(read.matrix, settings=settings, found=found)
    if isinstance(result, MatrixAnalysis):
        result = replace(result, seconds=result.seconds + read.seconds + seconds)
    return Examined(result, read.digest)


def digest_of(numbers: AnyArray, matrix: Matrix) -> str:
    """Return the checksum of all that an analysis depends on apart from the header."""
    # The steps of a packing are not in the numbers.
    text = f"{checksum(numbers)} {matrix.step_variance()!r}"
    return hashlib.sha256(text.encode()).hexdigest()


def _raise(error: Exception) -> NoReturn:
    raise error
