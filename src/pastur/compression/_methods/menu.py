"""The choices for one matrix, from all of it down to what is least."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.compression._inputs.inputs_used import Side
from pastur.compression._inputs.moments import InputMoments
from pastur.compression._plan.matrix_plan import KEPT, Choice, Form, OutputPromise, Promise
from pastur.estimation import RectangularFit

# Half the distance of neighbours, relative; and of the smallest numbers.
_ROUNDING = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
_SMALLEST = {"float32": 2.0**-150, "float16": 2.0**-25, "bfloat16": 2.0**-134}
_EPS = float(np.finfo(np.float64).eps)

# How many times the outputs that it lost when it was measured a matrix may lose.
REACH = 4.0


@dataclass(frozen=True, eq=False)
class SubjectInputs:
    """What one matrix is multiplied with.

    Attributes
    ----------
    moments : InputMoments
    tensor : str
        Whose moments.
    side : Side or None
        Which side of the matrix they are on; None where it is unfolded another way.
    weight : float or None
        What a loss of all of its outputs counts for; None where that was not measured.
    most : float
        The largest share of its outputs that may be lost: `REACH` times what was lost when that was
        measured, infinite where it was not.
    """

    moments: InputMoments
    tensor: str
    side: Side | None
    weight: float | None = 1.0
    most: float = np.inf


@dataclass(frozen=True, eq=False)
class Subject:
    """One matrix as the methods see it.

    Attributes
    ----------
    name : str
    shape : tuple of two ints
    dtype : str
    itemsize : int
    packs : bool
        As in `MatrixPlan`.
    values : array
        Its singular values, descending.
    fit : RectangularFit
    depth : float
        Its place among all, 0 first and 1 last.
    form : Form
    bits : int
        For the methods that round.
    min_side : int
        With fewer rows or columns, all directions are kept.
    load : callable
        ``load()`` returns its entries, in float32 where that holds them all, else in float64. Do
        not write to it.
    wanted : int or None
        The rank that was asked for, or else suggested; None for none.
    inputs : SubjectInputs or None
        What it is multiplied with, where that was collected.
    """

    name: str
    shape: tuple[int, int]
    dtype: str
    itemsize: int
    packs: bool
    values: FloatArray
    fit: RectangularFit
    depth: float
    form: Form
    bits: int
    min_side: int
    load: Callable[[], AnyArray]
    wanted: int | None = None
    inputs: SubjectInputs | None = None

    @property
    def entries(self) -> int:
        """Entries of the matrix."""
        return self.shape[0] * self.shape[1]

    @property
    def squares(self) -> FloatArray:
        """Squared singular values, over their sum."""
        scaled = (self.values / self.values[0]) ** 2
        return np.asarray(scaled / scaled.sum())

    def storage_error(self, norm: float) -> float:
        """Return the most by which rounding W′ to the type of the file changes it, over ‖W‖.

        Parameters
        ----------
        norm : float
            ‖W′‖/‖W‖, or what stands for it where factors are rounded.
        """
        size = self.values[0] / np.sqrt(self.squares[0])
        smallest = _SMALLEST.get(self.dtype, 0.0) * np.sqrt(self.entries) / size
        return float(_ROUNDING[self.dtype] * norm + smallest)


@dataclass(frozen=True, eq=False)
class Menu:
    """Choices for one matrix; the first keeps it.

    Attributes
    ----------
    sizes : array
        What each takes, in the unit of the method.
    losses : array
        Squared error of each, relative to the matrix.
    ladder : array of int
        Those that are taken one after the other as the level of the whole model rises, the first 0.
    levels : array
        Where each of the ladder is taken; ascending, the first −inf.
    choose : callable
        ``choose(k)`` returns choice k and its promise, for k > 0.
    own : int or None
        The method's own choice, without a target.
    note : str
    unknown : array of bool or None
        Of which choices it is not known how many times as much they lose as what was measured.
    """

    sizes: FloatArray
    losses: FloatArray
    ladder: AnyArray
    levels: FloatArray
    choose: Callable[[int], tuple[Choice, Promise]]
    own: int | None = None
    note: str = ""
    unknown: AnyArray | None = None

    def at(self, level: float) -> int:
        """Return the choice at a level."""
        return int(self.ladder[np.searchsorted(self.levels, level, side="right") - 1])

    def choice(self, k: int) -> tuple[Choice, Promise | None]:
        """Return choice k and its promise."""
        return (KEPT, None) if k == 0 else self.choose(k)


def stepwise(steps: AnyArray) -> tuple[AnyArray, FloatArray]:
    """Return the ladder of all choices, and its levels: those of all but the first are given."""
    levels = np.append(-np.inf, np.maximum.accumulate(np.asarray(steps, dtype=np.float64)))
    return np.arange(levels.size), levels


def only_kept(size: float, note: str) -> Menu:
    """Return the menu of a matrix that stays as it is."""

    def nothing(k: int) -> tuple[Choice, Promise]:
        raise IndexError(k)

    ladder, levels = stepwise(np.empty(0))
    return Menu(np.array([size]), np.zeros(1), ladder, levels, nothing, own=0, note=note)


def promise(
    choice: Choice,
    loss: float,
    *,
    energy: float,
    stored: float,
    entries: int | None = None,
    reach: float = 0.0,
    outputs: OutputPromise | None = None,
) -> Promise:
    """Return what a choice promises.

    Parameters
    ----------
    choice : Choice
    loss : float
        Squared relative error.
    energy : float
    stored : float
        The most that rounding to the type of the file adds to the error.
    entries : int, optional
    reach : float, optional
        How far the loss may be from `loss`, where that was not measured on all of the matrix.
    outputs : OutputPromise, optional
    """
    # The sums of squares are known to their rounding, which is seen where little is lost.
    squares = reach + 64 * _EPS * max(1.0, energy)
    error = float(np.sqrt(max(loss, 0.0)))
    low = float(np.sqrt(max(loss - squares, 0.0))) - stored
    high = float(np.sqrt(loss + squares)) + stored
    return Promise(choice.digest, error, max(low, 0.0), high, energy, entries, outputs)


def on_hull(sizes: FloatArray, losses: FloatArray, weight: float) -> tuple[AnyArray, FloatArray]:
    """Return the choices on the lower convex hull of loss over size, and their levels.

    A level is what is lost for each unit of size saved, from one choice to the next: over all
    matrices, taking choices in the order of their levels is the best for every size that is
    reached so.

    Parameters
    ----------
    sizes : array
        Not ascending.
    losses : array
    weight : float
        What a loss of this matrix counts for.
    """
    hull: list[int] = [0]
    levels: list[float] = [-np.inf]
    for k in range(1, sizes.size):
        if sizes[k] >= sizes[hull[-1]]:
            # Of equal size, the one that loses less: never the first, which loses nothing.
            continue
        while True:
            last = hull[-1]
            slope = weight * (losses[k] - losses[last]) / (sizes[last] - sizes[k])
            if len(hull) == 1 or slope > levels[-1]:
                break
            hull.pop()
            levels.pop()
        hull.append(k)
        levels.append(max(slope, 0.0))
    return np.array(hull), np.array(levels)
