"""Methods that round entries to a few bits."""

import numpy as np

from pastur._format import percent
from pastur._typing import AnyArray
from pastur.compression._matrix.blocks import Rows, rows_of
from pastur.compression._matrix.codes import (
    BITS,
    GROUP,
    Codes,
    gaussian_error,
    rounded,
    split_rounded,
)
from pastur.compression._matrix.low_rank import Directions
from pastur.compression._matrix.parts import code_bytes
from pastur.compression._methods.menu import Menu, Subject, on_hull, only_kept, promise
from pastur.compression._methods.sampled_rows import Measured, measured, sampled
from pastur.compression._methods.spectral import FUSED, MULTIPLE, tails, white_edge
from pastur.compression._plan.matrix_plan import Action, Choice, Form, Promise
from pastur.compression._plan.outcome import rest_of

_HALF = 2  # bytes of a number of 16 bits
_FLOAT32 = 2.0**-24  # its rounding, relative
_GAUSSIAN = "error of a rest of Gaussian entries"
# No step is larger than the largest singular value, nor far below the smallest of float32.
_LEAST, _MOST = 1e-30, 1e38
_BEYOND = "numbers beyond float32, in which steps are held: kept"
_LARGE = "codes would not be smaller: kept"


def _unavailable(subject: Subject) -> str:
    if subject.form == Form.FACTORED and not subject.packs:
        return FUSED
    return "" if _LEAST < subject.values[0] < _MOST else _BEYOND


def round_entries(subject: Subject, *, every: bool) -> Menu:
    """Return numbers of bits, by what is lost for each byte saved; as own choice those given.

    Without `every`, those given alone.
    """
    size = float(subject.entries * subject.itemsize)
    if reason := _unavailable(subject):
        return only_kept(size, reason)
    wanted = BITS[::-1] if every else (subject.bits,)
    bits = [b for b in wanted if code_bytes(subject.shape, b, GROUP) < size]
    if subject.bits not in bits:
        return only_kept(size, _LARGE)
    w, rows = subject.load(), sampled(subject.shape)
    w = w if rows is None else w[rows]
    found = [measured(w, errors_of_codes(w, rounded(w, b)), subject.shape[0]) for b in bits]
    losses = np.append(0.0, [one.loss for one in found])
    sizes = np.append(size, [float(code_bytes(subject.shape, b, GROUP)) for b in bits])

    def choose(k: int) -> tuple[Choice, Promise]:
        choice = Choice(Action.ROUND, bits=bits[k - 1])
        return choice, _promised(subject, choice, found[k - 1])

    ladder = on_hull(sizes, losses, subject.entries)
    return Menu(sizes, losses, *ladder, choose, own=1 + bits.index(subject.bits))


def _promised(subject: Subject, choice: Choice, found: Measured, *, coded: float = 0.0) -> Promise:
    """Return the promise of codes, which are exact; a dense form rounds to its own type.

    `coded` is the rounding of what is coded, relative.
    """
    stored = coded
    if subject.form == Form.DENSE:
        stored += subject.storage_error(found.energy**0.5)
    return promise(choice, found.loss, energy=found.energy, stored=stored, reach=found.reach)


def split(subject: Subject) -> Menu:
    """Return ranks in 16 bits with the rest in few bits; as own choice the rank at the edge.

    Ranks are chosen by the error of a rest of independent Gaussian entries, in closed form; what is
    promised is the error of the rank that is chosen, measured.
    """
    size = float(subject.entries * subject.itemsize)
    if reason := _unavailable(subject):
        return only_kept(size, reason)
    n, m = subject.shape
    rest = code_bytes(subject.shape, subject.bits, m)
    chosen = np.arange(min(n, m) // MULTIPLE * MULTIPLE, 0, -MULTIPLE)
    takes = rest + _HALF * chosen * (n + m)
    chosen, takes = chosen[takes < size], takes[takes < size]
    if not chosen.size:
        return only_kept(size, _LARGE)
    mean, _ = gaussian_error(subject.bits)
    losses = np.append(0.0, mean * tails(subject.squares)[chosen])
    sizes = np.append(size, takes.astype(np.float64))

    def choose(k: int) -> tuple[Choice, Promise]:
        rank = int(chosen[k - 1])
        choice = Choice(Action.SPLIT, rank=rank, bits=subject.bits)
        found = _of_split(subject, rank)
        return choice, _promised(subject, choice, found, coded=_rounding_of_rest(subject, rank))

    ladder = on_hull(sizes, losses, subject.entries)
    own = _at_edge(subject, chosen)
    error = percent(float(np.sqrt(losses[own])))
    return Menu(sizes, losses, *ladder, choose, own=own, note=f"{_GAUSSIAN}: {error} at the edge")


def _of_split(subject: Subject, rank: int) -> Measured:
    w, rows = subject.load(), sampled(subject.shape)
    factors = Directions.of(w, rank).factors(rank, dtype=np.float16, rows=rows)
    w = w if rows is None else w[rows]
    rest = rest_of(w, factors)
    return measured(w, errors_of_codes(rest, split_rounded(rest, subject.bits)), subject.shape[0])


def _rounding_of_rest(subject: Subject, rank: int) -> float:
    """Return the most by which float32 changes the rest, over the norm of the matrix.

    An entry of it is a sum of `rank` products and one more number. The factors have the roots of
    the singular values, so that the product of their norms is the sum of these, and sums of
    `rank` + 1 numbers are known to so many roundings of that.
    """
    if subject.itemsize > 4:
        return 0.0
    leading = float(np.sum(np.sqrt(subject.squares[:rank])))
    return _FLOAT32 * ((rank + 1) * leading + 1)


def errors_of_codes(numbers: AnyArray, codes: Codes) -> Rows:
    """Return the rows of what codes lack of the numbers that they are of."""
    return lambda part: rows_of(numbers)(part) - codes.rows(part)


def _at_edge(subject: Subject, chosen: AnyArray) -> int:
    """Return the place of the least rank that has all beyond the edge."""
    beyond = int(np.count_nonzero(subject.values > white_edge(subject)))
    enough = np.flatnonzero(chosen >= beyond)
    return 1 + int(enough[-1]) if enough.size else 1
