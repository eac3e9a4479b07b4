"""Corners of the models where levels, gaps and supports touch."""

import numpy as np
import pytest

from pastur.measures import Atoms, Empirical
from pastur.models import DeformedWigner, InformationPlusNoise


def test_quantiles_at_the_levels_of_sixty_intervals() -> None:
    """σ so small that each atom is an interval: level k/60 is the upper end of the k-th."""
    law = DeformedWigner(Empirical(np.arange(60.0)), sigma=0.01).law
    assert len(law.support) == 60
    found = law.quantile(np.arange(61) / 60)
    np.testing.assert_array_equal(found[0], law.support[0, 0])
    np.testing.assert_allclose(found[1:], law.support[:, 1], rtol=0, atol=1e-12)


def test_swallowed_spikes_between_sixty_intervals_stick_to_their_edges() -> None:
    model = DeformedWigner(Empirical(np.arange(60.0)), sigma=0.01)
    critical = model.critical_spikes.reshape(-1, 2)
    np.testing.assert_allclose(
        model.outlier((critical[:, 1] + np.arange(60)) / 2), model.law.support[:, 1], atol=1e-12
    )
    np.testing.assert_allclose(
        model.outlier((critical[:, 0] + np.arange(60)) / 2), model.law.support[:, 0], atol=1e-12
    )


def test_overlaps_of_a_spike_at_zero_of_a_square_matrix_are_equal() -> None:
    """At c = 1 the two sides are alike, in the limit w → 0 too."""
    model = InformationPlusNoise(Atoms([4.0, 9.0]), sigma=0.3, ratio=1.0)
    left, right = model.overlap(0.0)
    assert 0 < left < 1
    assert right == pytest.approx(left, rel=1e-12)
    np.testing.assert_allclose(model.overlap(1e-9), [left, right], rtol=1e-6)
