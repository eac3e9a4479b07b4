"""Two states of a matrix loaded, fitted and compared; a fault becomes the reason to skip them."""

import hashlib
import math
import time
from dataclasses import replace

import numpy as np

from pastur._errors import FileAccessError, InvalidInputError, PasturError
from pastur._typing import AnyArray
from pastur.analysis._matrix.examine_anew import Examined, digest_of
from pastur.analysis._matrix.fit_matrix import Settings, examine, fault
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.comparison._matrix.directions import compare_directions
from pastur.comparison._matrix.matrix_comparison import MatrixComparison
from pastur.comparison._matrix.pair import MatrixPair
from pastur.weights import Matrix, Skipped


def compare_anew(pair: MatrixPair, known: str | None, *, settings: Settings) -> Examined:
    """Compare two states of a matrix, unless `known` is the digest of their numbers.

    Parameters
    ----------
    pair : MatrixPair
    known : str or None
        As `examine_anew` has it.
    settings : Settings
        Those of either analysis; the change is analysed as the difference of two models.
    """
    if known and pair.content_mark:
        # The record is of the same marks: nothing need be fetched.
        return Examined(None, known)
    try:
        return _compared(pair, known, settings)
    except FileAccessError:
        # The file itself is gone: there is nothing left to go on with.
        raise
    except Exception as error:
        return Examined(skip_pair(pair, fault(error, pair.shape)))


def skip_pair(pair: MatrixPair, reason: str | PasturError) -> Skipped:
    """Return the pair as one that is not compared."""
    trace = getattr(reason, "trace", "")
    return Skipped(pair.name, pair.shape, pair.dtype, str(reason).removesuffix("."), trace)


def _compared(pair: MatrixPair, known: str | None, settings: Settings) -> Examined:
    start = time.perf_counter()
    loaded = [_loaded(one) for one in (pair.old, pair.new)]
    reasons = dict(zip(("OLD", "NEW"), loaded, strict=True))
    faults = {side: found for side, found in reasons.items() if isinstance(found, PasturError)}
    if faults:
        return Examined(skip_pair(pair, _in_words(faults)))
    old, new = (found for found in loaded if not isinstance(found, PasturError))
    digest = "" if known is None else _digest(pair, old, new)
    if digest and digest == known:
        return Examined(None, digest)
    before = _analysed(pair.old, old, settings, "OLD")
    unchanged = bool(np.array_equal(old, new))
    after = replace(before, dtype=pair.new.dtype) if unchanged else None
    after = after or _analysed(pair.new, new, settings, "NEW")
    change = None if unchanged else _change(pair, old, new, settings)
    return Examined(
        MatrixComparison(
            name=pair.name,
            shape=pair.shape,
            old=before,
            new=after,
            change=change,
            directions=compare_directions(old, new, before.fit, after.fit),
            seconds=time.perf_counter() - start,
        ),
        digest,
    )


def _loaded(matrix: Matrix) -> AnyArray | PasturError:
    try:
        return matrix.load()
    except FileAccessError:
        raise
    except PasturError as error:
        return error


def _in_words(faults: dict[str, PasturError]) -> str:
    """Return whose numbers cannot be used, and why."""
    words = [str(error).removesuffix(".") for error in faults.values()]
    if len(words) == 2 and words[0] == words[1]:
        return f"in OLD and in NEW: {words[0]}"
    return "; ".join(f"in {side}: {why}" for side, why in zip(faults, words, strict=True))


def _digest(pair: MatrixPair, old: AnyArray, new: AnyArray) -> str:
    text = f"{digest_of(old, pair.old)} {digest_of(new, pair.new)}"
    return hashlib.sha256(text.encode()).hexdigest()


def _change(pair: MatrixPair, old: AnyArray, new: AnyArray, settings: Settings) -> MatrixAnalysis:
    """Return NEW − OLD, analysed as `analyze` does it with a base."""
    with np.errstate(over="ignore", invalid="ignore"):
        difference = new - old
    if not np.isfinite(difference).all():
        raise InvalidInputError("NEW − OLD is too large for its type")
    change = replace(pair.new, dtype=pair.dtype, step_variance=lambda: _steps(pair))
    return _analysed(change, difference, replace(settings, difference=True), "NEW − OLD")


def _steps(pair: MatrixPair) -> float | None:
    """Return the variance of rounding both; None where neither was rounded, or it is not known."""
    found = [one.step_variance() for one in (pair.old, pair.new)]
    known = [variance for variance in found if variance is not None]
    return math.fsum(known) if known else None


def _analysed(matrix: Matrix, values: AnyArray, settings: Settings, what: str) -> MatrixAnalysis:
    found = examine(replace(matrix, load=lambda: values), settings=settings)
    if isinstance(found, Skipped):
        error = InvalidInputError(f"{what}: {found.reason}")
        raise error
    return found
