"""Which values count as single spikes before any fit: beyond 5 σ, or beyond a gap, on each side."""

import numpy as np
import pytest

from pastur.estimation._deconvolution.far import far_values
from pastur.measures import Uniform

CROWD = np.linspace(-1, 1, 81)


def far_of(values: list[float], height: float, base: Uniform | None = None) -> list[float]:
    shift = 0.0 if base is None else 2.5
    every = np.concatenate([CROWD + shift, values])
    return sorted(every[far_values(every, base, height)].tolist())


@pytest.mark.parametrize(
    ("values", "far"),
    [
        ([], []),
        ([2.5], [2.5]),
        ([-2.0], [-2.0]),
        # Both sides at once, and what lies behind a gap with them.
        ([-2.1, -2.0, 2.5, 2.6], [-2.1, -2.0, 2.5, 2.6]),
        ([1.5], []),
        ([1.7], [1.7]),
        ([-1.5, 2.0], [2.0]),
    ],
)
def test_a_gap_of_three_heights_parts_the_far_from_the_near(
    values: list[float], far: list[float]
) -> None:
    assert far_of(values, height=0.2) == far
    # Every gap is too small for ten times the height.
    assert far_of(values, height=2.0) == []


def test_without_a_gap_five_sigma_do() -> None:
    every = np.linspace(-6, 6, 241)
    assert every[far_values(every, None, 0.2)].tolist() == every[np.abs(every) > 5].tolist()


def test_distances_are_those_from_the_base() -> None:
    base = Uniform(1.5, 3.5)
    assert far_of([-1.0, 4.0, 4.5], 0.2, base) == [-1.0]
    assert far_of([0.0, 9.0], 2.0, base) == [9.0]


def test_gaps_on_one_side_of_the_base_are_not_filled_by_the_other() -> None:
    base, ramp = Uniform(1.5, 3.5), np.arange(3.6, 4.55, 0.1).tolist()
    assert far_of([0.6, *ramp], 0.2, base) == [0.6]
    assert far_of([0.6, 1.1, *ramp], 0.2, base) == []
