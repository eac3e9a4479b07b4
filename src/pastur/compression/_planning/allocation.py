"""One level for all matrices, so that the whole model meets its target."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from pastur._errors import InvalidInputError
from pastur._format import percent
from pastur._typing import FloatArray
from pastur.compression._methods.menu import Menu


def own_choices(menus: Sequence[Menu], method: str) -> list[int]:
    """Return the choices of the method itself.

    Raises
    ------
    InvalidInputError
        Where it has none.
    """
    found = [menu.own for menu in menus]
    if None in found:
        raise InvalidInputError(
            f"The method '{method}' needs a target, such as {{'size': 0.6}}. Pass `target`."
        )
    return [own for own in found if own is not None]


def choices_of_size(
    menus: Sequence[Menu], size: float, *, total: float, others: float, unit: str
) -> list[int]:
    """Return the choices at the least level at which the model is at most of that size.

    Parameters
    ----------
    menus : sequence of Menu
    size : float
        Share of `total`.
    total : float
        Size of all tensors before.
    others : float
        Size of what is in no menu.
    unit : str

    Raises
    ------
    InvalidInputError
        Where no level makes it as small.
    """

    def taken(level: float) -> float:
        return others + sum(float(menu.sizes[menu.at(level)]) for menu in menus)

    levels = _levels(menus)
    if taken(levels[-1]) > size * total:
        raise InvalidInputError(
            f"A size of {size:g} cannot be reached: with every matrix at its smallest, "
            f"{percent(taken(levels[-1]) / total)} of the {unit} is left, "
            f"{percent(others / total)} in tensors that stay as they are. Ask for more, or use "
            "another method."
        )
    first, last = 0, len(levels) - 1
    while first < last:
        middle = (first + last) // 2
        if taken(levels[middle]) <= size * total:
            last = middle
        else:
            first = middle + 1
    return [menu.at(levels[first]) for menu in menus]


def choices_of_error(menus: Sequence[Menu], error: float, *, weights: Sequence[float]) -> list[int]:
    """Return the choices at the highest level at which the error is at most that.

    Parameters
    ----------
    menus : sequence of Menu
    error : float
        Root of the mean of the squared relative errors, weighted.
    weights : sequence of float
        What each matrix counts for.
    """
    whole = sum(weights)

    def lost(choices: list[int]) -> float:
        return sum(
            weight * float(menu.losses[k]) / whole
            for menu, weight, k in zip(menus, weights, choices, strict=True)
        )

    return choices_of_loss(menus, error**2, lost)


def choices_of_loss(
    menus: Sequence[Menu], most: float, lost: Callable[[list[int]], float]
) -> list[int]:
    """Return the choices at the highest level at which ``lost(choices)`` is at most that."""
    levels = _levels(menus)
    first, last = 0, len(levels) - 1
    while first < last:
        middle = (first + last + 1) // 2
        if lost(_at(menus, levels[middle])) <= most:
            first = middle
        else:
            last = middle - 1
    return _at(menus, levels[first])


def _at(menus: Sequence[Menu], level: float) -> list[int]:
    return [menu.at(level) for menu in menus]


def choices_of_each(menus: Sequence[Menu], share: float) -> list[int]:
    """Return for each matrix the choice that loses least with at most that share of its size.

    One that has none stays as it is.
    """

    def least(menu: Menu) -> int:
        small = np.flatnonzero(menu.sizes <= share * menu.sizes[0])
        return int(small[np.argmin(menu.losses[small])]) if small.size else 0

    return [least(menu) for menu in menus]


class FirstStep(NamedTuple):
    """The change at the lowest level: of which matrix, and the error of all then."""

    place: int
    error: float


def first_step(menus: Sequence[Menu], *, weights: Sequence[float]) -> FirstStep | None:
    """Return the first change as the level rises; None where there is none."""
    places = [k for k, menu in enumerate(menus) if menu.levels.size > 1]
    if not places:
        return None
    place = min(places, key=lambda k: float(menus[k].levels[1]))
    loss = float(menus[place].losses[menus[place].ladder[1]])
    return FirstStep(place, (weights[place] * loss / sum(weights)) ** 0.5)


def _levels(menus: Sequence[Menu]) -> FloatArray:
    return np.sort(np.concatenate([menu.levels for menu in menus]))
