"""Methods that make small entries zero."""

from collections.abc import Mapping, Sequence

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.compression._methods.menu import Menu, Subject, promise, stepwise
from pastur.compression._methods.spectral import white_edge
from pastur.compression._plan.matrix_plan import Action, Choice, Promise

# Shares of the entries that are pruned, in equal steps; never all of a matrix.
_STEPS = 1000
# Half the difference between the shares pruned in the last and in the first matrix, and the most
# of it in units of the share that is left half-way: the last keeps half of that at least.
RAMP, _RAMP_MOST = 0.15, 0.5
# β and s_d for the share pruned, up to each: as published.
_BUDGETS = ((0.4, 1.0, 0.5), (0.55, 1.25, 0.7), (1.0, 2.0, 0.85))
_LATE_ATTENTION = 1.0
_LEAST_WEIGHT = 0.1


def magnitude(subjects: Sequence[Subject], target: Mapping[str, float]) -> list[Menu]:
    """Return thresholds, the same for all matrices."""
    return [_pruned(subject, weight=1.0) for subject in subjects]


def edge_budget(subjects: Sequence[Subject], target: Mapping[str, float]) -> list[Menu]:
    """Return thresholds in proportion to ``max(0.1, 1 + β d z)``.

    z is the edge of white noise in the matrix, standardised over all of them, and
    ``d = max(0, 1 − s/s_d)`` with s the share of the parameters that is pruned.
    """
    pruned = 1 - target.get("size", 1.0)
    found = [white_edge(subject) for subject in subjects]
    # z is the same in every unit.
    unit = max(found) or 1.0
    edges = [end / unit for end in found]
    mean, spread = float(np.mean(edges)), float(np.std(edges))
    menus = []
    for subject, end in zip(subjects, edges, strict=True):
        z = (end - mean) / spread if spread > 0 else 0.0
        weight = budget_weight(z, pruned, attention="att" in subject.name.lower())
        menus.append(_pruned(subject, weight=weight, note=f"weight {weight:.3f}"))
    return menus


def budget_weight(z: float, pruned: float, *, attention: bool) -> float:
    """Return ``max(0.1, 1 + β d z)`` for a share that is pruned."""
    beta, end = next((b, e) for most, b, e in _BUDGETS if pruned <= most)
    if attention and (beta, end) == _BUDGETS[-1][1:]:
        beta = _LATE_ATTENTION
    return max(_LEAST_WEIGHT, 1 + beta * max(0.0, 1 - pruned / end) * z)


def ramp(subjects: Sequence[Subject], target: Mapping[str, float]) -> list[Menu]:
    """Return shares that are pruned in each matrix, rising by equal steps from first to last."""
    return [_pruned(subject, depth=subject.depth) for subject in subjects]


def _mean_share(shares: FloatArray, depth: float) -> FloatArray:
    """Return the share pruned half-way down where it is so much at a depth.

    That is p for ``p + min(0.15, (1 − p)/2)·(2 depth − 1)``.
    """
    turn, slope = 1 - RAMP / _RAMP_MOST, 2 * depth - 1
    steep = _RAMP_MOST * slope
    even = shares - RAMP * slope
    return np.asarray(np.where(even <= turn, even, (shares - steep) / (1 - steep)))


def _pruned(
    subject: Subject, *, weight: float = 1.0, depth: float | None = None, note: str = ""
) -> Menu:
    """Return the menu of thresholds; by their size over `weight`, or by the share pruned."""
    sizes = np.abs(subject.load()).reshape(-1)
    sizes.sort()
    places = (np.arange(1, _STEPS) * sizes.size) // _STEPS
    places = np.unique(places[places > 0])
    # Entries of one size are pruned together.
    thresholds = np.unique(sizes[places])
    counts = np.searchsorted(sizes, thresholds, side="left")
    lost = _lost(sizes, counts)
    kept = (sizes.size - counts).astype(np.float64)
    if depth is None:
        steps: AnyArray = thresholds / weight
    else:
        steps = _mean_share(counts / sizes.size, depth)

    def choose(k: int) -> tuple[Choice, Promise]:
        choice = Choice(Action.PRUNE, threshold=float(thresholds[k - 1]))
        share = 1 - float(lost[k - 1])
        stated = promise(
            choice,
            float(lost[k - 1]),
            energy=share,
            # What is kept is as it was.
            stored=0.0,
            entries=int(kept[k - 1]),
        )
        return choice, stated

    return Menu(
        np.append(float(sizes.size), kept),
        np.append(0.0, lost),
        *stepwise(steps),
        choose,
        note=note,
    )


def _lost(sizes: AnyArray, counts: AnyArray) -> FloatArray:
    """Return the share of the energy in the first entries of ascending size, for each count."""
    unit = float(sizes[-1])
    starts = np.append(0, counts)
    parts = np.array(
        [
            np.sum((sizes[a:b].astype(np.float64) / unit) ** 2)
            for a, b in zip(starts, np.append(counts, sizes.size), strict=True)
        ]
    )
    return np.asarray(np.cumsum(parts)[:-1] / parts.sum())
