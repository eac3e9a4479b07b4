"""Methods that round entries to a few bits."""

import numpy as np

from pastur._typing import AnyArray
from pastur.compression._matrix.codes import BITS, GROUP, gaussian_error, rounded
from pastur.compression._matrix.parts import code_bytes
from pastur.compression._methods.menu import Menu, Subject, on_hull, only_kept, promise
from pastur.compression._methods.spectral import FUSED, MULTIPLE, tails, white_edge
from pastur.compression._plan.matrix_plan import Action, Choice, Form, Promise

_HALF = 2  # bytes of a number of 16 bits
_HALF_ROUNDING = 2.0**-11
_GAUSSIAN = "expected for a rest of independent Gaussian entries in each row"
_SPREAD = 1.96
_LARGE = "codes would not be smaller: kept"


def _unavailable(subject: Subject) -> str:
    fused = subject.form == Form.FACTORED and not subject.packs
    return FUSED if fused else ""


def round_entries(subject: Subject) -> Menu:
    """Return numbers of bits, by what is lost for each byte saved; as own choice those given."""
    size = float(subject.entries * subject.itemsize)
    if reason := _unavailable(subject):
        return only_kept(size, reason)
    bits = [b for b in BITS[::-1] if code_bytes(subject.shape, b, GROUP) < size]
    if subject.bits not in bits:
        return only_kept(size, _LARGE)
    w = np.asarray(subject.load(), dtype=np.float64)
    total = float(np.sum(w**2))
    found = [rounded(w, b).dense() for b in bits]
    losses = np.append(0.0, [np.sum((w - one) ** 2) / total for one in found])
    energies = [float(np.sum(one**2)) / total for one in found]
    sizes = np.append(size, [float(code_bytes(subject.shape, b, GROUP)) for b in bits])

    def choose(k: int) -> tuple[Choice, Promise]:
        choice = Choice(Action.ROUND, bits=bits[k - 1])
        share = energies[k - 1]
        # Codes are exact; a dense form rounds to its own type.
        stored = 0.0 if subject.form == Form.FACTORED else subject.storage_error(share**0.5)
        return choice, promise(choice, float(losses[k]), energy=share, stored=stored)

    ladder = on_hull(sizes, losses, subject.entries)
    return Menu(sizes, losses, *ladder, choose, own=1 + bits.index(subject.bits))


def split(subject: Subject) -> Menu:
    """Return ranks in 16 bits with the rest in few bits; as own choice the rank at the edge."""
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
    mean, variance = gaussian_error(subject.bits)
    left = tails(subject.squares)[chosen]
    losses = np.append(0.0, mean * left)
    width = _SPREAD * np.sqrt(variance / subject.entries) * left
    sizes = np.append(size, takes.astype(np.float64))

    def choose(k: int) -> tuple[Choice, Promise]:
        choice = Choice(Action.SPLIT, rank=int(chosen[k - 1]), bits=subject.bits)
        return choice, promise(
            choice,
            float(losses[k]),
            energy=1 - float(losses[k]),
            # What 16 bits of the factors lose is in the rest, and rounded with it.
            stored=0.0 if subject.form == Form.FACTORED else subject.storage_error(1.0),
            squares=float(width[k - 1]) + _HALF_ROUNDING**2,
        )

    ladder = on_hull(sizes, losses, subject.entries)
    return Menu(sizes, losses, *ladder, choose, own=_at_edge(subject, chosen), note=_GAUSSIAN)


def _at_edge(subject: Subject, chosen: AnyArray) -> int:
    """Return the place of the least rank that has all beyond the edge; the last without one."""
    end = white_edge(subject)
    beyond = 0 if end is None else int(np.count_nonzero(subject.values > end))
    enough = np.flatnonzero(chosen >= beyond)
    return 1 + int(enough[-1]) if enough.size else 1
