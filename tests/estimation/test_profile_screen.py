"""Whether variances of rows and columns may explain a matrix: true profiles pass, others do not."""

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.estimation._profile.screen import profile_may_hold


def planted(shape: tuple[int, int], rank: int, spread: float, seed: int) -> FloatArray:
    rng = np.random.default_rng([*shape, rank, seed])
    d, e = (np.exp(2 * spread * rng.normal(size=side)) for side in shape)
    noise = np.sqrt(np.outer(d / d.mean(), e / e.mean()) / max(shape)) * rng.normal(size=shape)
    if not rank:
        return np.asarray(noise)
    u, v = (np.linalg.qr(rng.normal(size=(side, rank)))[0] for side in shape)
    return np.asarray(noise + (u * rng.uniform(1.5, 4.0, rank)) @ v.T)


@pytest.mark.parametrize("spread", [0.1, 0.7])
@pytest.mark.parametrize(
    ("shape", "rank"),
    [((200, 400), 0), ((200, 400), 40), ((1200, 60), 5), ((384, 1536), 5), ((700, 300), 0)],
)
def test_profiles_may_hold(shape: tuple[int, int], rank: int, spread: float) -> None:
    assert sum(profile_may_hold(planted(shape, rank, spread, seed)) for seed in range(5)) >= 4


def broad(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Rows correlated by a lognormal covariance in no coordinate basis."""
    basis = np.linalg.qr(rng.normal(size=(shape[0],) * 2))[0]
    return np.asarray((basis * np.exp(0.5 * rng.normal(size=shape[0]))) @ rng.normal(size=shape))


@pytest.mark.parametrize("shape", [(300, 400), (384, 384), (384, 1536)])
def test_covariances_of_rows_do_not_hold(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(shape)
    assert not any(profile_may_hold(broad(shape, rng)) for _ in range(3))


def test_symmetric_matrices_are_asked_as_such() -> None:
    rng = np.random.default_rng(1)
    d = np.exp(0.5 * rng.normal(size=400))
    g = rng.normal(size=(400, 400))
    assert profile_may_hold(np.sqrt(np.outer(d, d)) * (g + g.T), symmetric=True)
    root = broad((400, 400), rng)
    assert not profile_may_hold(root + root.T, symmetric=True)


def test_patterns_that_no_scales_make_regular_do_not_hold() -> None:
    rng = np.random.default_rng(2)
    assert not profile_may_hold(np.triu(rng.normal(size=(400, 400))))


def test_small_matrices_are_not_asked() -> None:
    assert profile_may_hold(broad((200, 400), np.random.default_rng(3)))
