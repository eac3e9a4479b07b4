"""A matrix examined unless its numbers are those of an earlier result."""

import hashlib
import time
from dataclasses import replace
from typing import Any, NamedTuple

from pastur._numerics.digest import checksum
from pastur._typing import AnyArray
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


def examine_anew(matrix: Matrix, known: str | None, *, settings: Settings) -> Examined:
    """Examine a matrix, unless `known` is the digest of its numbers.

    Parameters
    ----------
    matrix : Matrix
    known : str or None
        The digest of the earlier result, empty where there is none. None where no digest is wanted.
    settings : Settings
    """
    if known is None:
        return Examined(examine(matrix, settings=settings))
    if known and matrix.content_mark:
        # The record is of the same mark: nothing need be fetched.
        return Examined(None, known)
    start = time.perf_counter()
    try:
        numbers = matrix.load()
        digest = digest_of(numbers, matrix)
    except Exception:
        # The reason for skipping it, or the error that ends the run.
        return Examined(examine(matrix, settings=settings))
    if digest == known:
        return Examined(None, digest)
    reading = time.perf_counter() - start
    result = examine(replace(matrix, load=lambda: numbers), settings=settings)
    if isinstance(result, MatrixAnalysis):
        result = replace(result, seconds=result.seconds + reading)
    return Examined(result, digest)


def digest_of(numbers: AnyArray, matrix: Matrix) -> str:
    """Return the checksum of all that an analysis depends on apart from the header."""
    # The steps of a packing are not in the numbers.
    text = f"{checksum(numbers)} {matrix.step_variance()!r}"
    return hashlib.sha256(text.encode()).hexdigest()
