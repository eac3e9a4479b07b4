"""The strongest direction with its neighbours."""

import numpy as np
import pytest

from pastur.analysis._matrix.leading import Leading, strongest_of
from pastur.estimation import fit_rectangular

W = np.random.default_rng(0).normal(size=(30, 40))


def test_what_stands_out_has_an_interval_of_its_own() -> None:
    rows = np.zeros(3, dtype=fit_rectangular(W, noise="free").leading.dtype)
    rows["theta"], rows["low"], rows["high"] = [7.0, 6.0, 3.0], [6.5, 5.0, 2.0], [8.0, np.inf, 4.0]
    rows["group"] = [0, 0, 1]
    assert strongest_of(rows, group_interval=False) == Leading(7.0, 6.5, 8.0, 2)
    assert strongest_of(rows[1:], group_interval=False) == Leading(6.0, 5.0, np.inf, 1)
    assert strongest_of(rows[:0], group_interval=False) is None


def test_spikes_of_a_group_have_one_together() -> None:
    rows = np.zeros(3, dtype=fit_rectangular(W).spikes.dtype)
    rows["theta"], rows["low"], rows["high"] = [7.0, 5.0, 3.0], [5.8, 5.8, 2.0], [6.4, 6.4, 4.0]
    rows["group"] = [0, 0, 1]
    root = ((49 + 25) / 2) ** 0.5
    found = strongest_of(rows, group_interval=True)
    assert found is not None and found == pytest.approx((root, 5.8, 6.4, 2))
    assert strongest_of(rows[2:], group_interval=True) == Leading(3.0, 2.0, 4.0, 1)
