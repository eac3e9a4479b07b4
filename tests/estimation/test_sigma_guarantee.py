"""The upper bound of σ that needs nothing of the signal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.estimation._bounds.guarantee import _chi_squared_low, sigma_guarantee, sigma_rms
from pastur.estimation._bounds.ordered_noise import low_positions, low_spreads
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._kinds.symmetric import SymmetricKind

ALPHA = 0.05
# One less the standard Gaussian at this is 0.05.
Z = 1.6448536269514722


def noise(kind: Kind, rng: np.random.Generator) -> FloatArray:
    if kind.sides == 2:
        a = rng.normal(size=(kind.size, kind.size))
        return np.asarray((a + a.T) / np.sqrt(2 * kind.size))
    return np.asarray(rng.normal(size=(kind.size, kind.side)) / np.sqrt(kind.side))


def values_of(kind: Kind, w: FloatArray) -> FloatArray:
    if kind.sides == 2:
        return np.asarray(np.linalg.eigvalsh(w)[::-1])
    return np.asarray(np.linalg.svd(w, compute_uv=False))


def failures(kind: Kind, signal: Callable[[FloatArray], FloatArray], draws: int) -> float:
    """Share of draws of noise of σ = 1 in which the bound is below it."""
    rng = np.random.default_rng([kind.size, draws])
    below = 0
    for _ in range(draws):
        r = noise(kind, rng)
        below += sigma_guarantee(kind, values_of(kind, r + signal(r)), ALPHA) < 1
    return below / draws


def diagonal(kind: Kind, strengths: FloatArray) -> FloatArray:
    columns = kind.size if kind.sides == 2 else kind.side
    u = np.zeros((kind.size, columns))
    u[np.arange(kind.size), np.arange(kind.size)] = strengths
    return u


@pytest.mark.parametrize(("n", "m"), [(30, 30), (50, 100), (60, 1200)])
def test_quantiles_of_ordered_singular_values_are_those_of_simulated_noise(n: int, m: int) -> None:
    kind, rng, draws = RectangularKind(n, m), np.random.default_rng(n), 600
    ranks = np.ceil(np.array([0.1, 0.5, 0.9]) * n).astype(int)
    drawn = np.array([values_of(kind, noise(kind, rng))[ranks - 1] for _ in range(draws)])
    for z, expected in [(Z, 0.05), (0.0, 0.5)]:
        position = np.sqrt(low_positions(kind.noise.law(0), ranks, z))
        below = (drawn < position).mean(axis=0)
        # Four standard deviations of the share; three per cent of it for what the formula leaves.
        width = 4 * np.sqrt(expected * (1 - expected) / draws) + 0.03 * expected
        assert (np.abs(below - expected) < width).all()
    # A sibling: quantiles of the law of half the size are elsewhere.
    other = np.sqrt(low_positions(RectangularKind(n // 2, m).noise.law(0), ranks // 2, 0.0))
    assert (np.abs((drawn < other).mean(axis=0) - 0.5) > 0.2).any()


def test_quantiles_of_distances_are_those_of_simulated_noise() -> None:
    kind, rng, draws = SymmetricKind(60), np.random.default_rng(0), 600
    upper, lower = np.array([6, 15, 24, 6]), np.array([54, 45, 36, 18])
    drawn = np.array([values_of(kind, noise(kind, rng)) for _ in range(draws)])
    drawn = drawn[:, upper - 1] - drawn[:, lower - 1]
    for z, expected in [(Z, 0.05), (0.0, 0.5)]:
        below = (drawn < low_spreads(kind.noise.law(0), upper, lower, z)).mean(axis=0)
        width = 4 * np.sqrt(expected * (1 - expected) / draws) + 0.03 * expected
        assert (np.abs(below - expected) < width).all()


KINDS = [RectangularKind(5, 8), RectangularKind(40, 40), RectangularKind(40, 90), SymmetricKind(40)]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("power", [None, 0.5, 1.0, 0.0])
def test_the_bound_holds_whatever_the_signal(kind: Kind, power: float | None) -> None:
    k = np.arange(1.0, kind.size + 1)
    strengths = np.zeros_like(k) if power is None else 6 * k**-power
    u = diagonal(kind, strengths)
    # 0.05 and three standard deviations of the share.
    assert failures(kind, lambda r: u, 300) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


@pytest.mark.parametrize("kind", KINDS[1:], ids=str)
def test_a_signal_that_depends_on_the_noise_breaks_it(kind: Kind) -> None:
    assert failures(kind, lambda r: -0.3 * r, 50) > 0.9


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_ordered_values_of_noise_and_signal_dominate_those_of_noise(kind: Kind) -> None:
    # The comparison itself, at the quantiles 5, 25, 50, 75 and 95 % of every value or gap.
    rng, draws = np.random.default_rng(kind.size), 400
    u = diagonal(kind, rng.normal(size=kind.size) * np.sign(rng.normal(size=kind.size)))
    alone = np.array([values_of(kind, noise(kind, rng)) for _ in range(draws)])
    with_signal = np.array([values_of(kind, noise(kind, rng) + u) for _ in range(draws)])
    if kind.sides == 2:
        alone, with_signal = -np.diff(alone, axis=1), -np.diff(with_signal, axis=1)
    for level in (0.05, 0.25, 0.5, 0.75, 0.95):
        below = (with_signal <= np.quantile(alone, level, axis=0)).mean(axis=0)
        width = 4 * np.sqrt(2 * level * (1 - level) / draws)
        assert (below <= level + width).all()
        # A sibling: the converse is false somewhere.
    assert ((alone <= np.quantile(with_signal, 0.5, axis=0)).mean(axis=0) > 0.8).any()


@pytest.mark.parametrize("kind", KINDS[1:], ids=str)
def test_it_is_close_for_noise_alone_and_below_the_norm_for_a_signal(kind: Kind) -> None:
    rng = np.random.default_rng(1)
    r = noise(kind, rng)
    assert sigma_guarantee(kind, values_of(kind, r), ALPHA) < 1.1
    half = diagonal(kind, np.where(np.arange(kind.size) < kind.size // 2, 5.0, 0.0))
    values = values_of(kind, r + half)
    assert sigma_guarantee(kind, values, ALPHA) < 0.6 * sigma_rms(kind, values)


def test_rms_is_that_of_the_entries() -> None:
    rng = np.random.default_rng(2)
    w = rng.normal(size=(7, 11))
    rms = np.sqrt((w**2).mean()) * np.sqrt(11)
    values = np.linalg.svd(w, compute_uv=False)
    assert sigma_rms(RectangularKind(7, 11), np.asarray(values)) == pytest.approx(rms, rel=1e-12)
    s = (w[:, :7] + w[:, :7].T) / np.sqrt(2)
    # N(N + 1)/2 free entries, those on the diagonal of twice the variance.
    free = (np.triu(s, 1) ** 2).sum() + (np.diag(s) ** 2).sum() / 2
    expected = np.sqrt(free / 28) * np.sqrt(7)
    found = sigma_rms(SymmetricKind(7), np.asarray(np.linalg.eigvalsh(s)))
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", [RectangularKind(40, 90), SymmetricKind(40)], ids=str)
def test_it_scales_with_the_matrix_and_ignores_the_order(kind: Kind) -> None:
    values = values_of(kind, noise(kind, np.random.default_rng(3)))
    bound = sigma_guarantee(kind, values, ALPHA)
    assert sigma_guarantee(kind, 8 * values[::-1], ALPHA) == pytest.approx(8 * bound, rel=1e-12)
    assert sigma_guarantee(kind, values, 1e-6) > bound > sigma_guarantee(kind, values, 0.5)


@pytest.mark.parametrize(
    # Quantiles of χ² as in printed tables.
    ("freedom", "alpha", "quantile"),
    [(4, 0.05, 0.710723), (10, 0.05, 3.940299), (10, 0.01, 2.558212), (100, 0.05, 77.929465)],
)
def test_chi_squared_is_at_most_the_quantile_of_tables(
    freedom: int, alpha: float, quantile: float
) -> None:
    assert 0.95 * quantile < _chi_squared_low(freedom, alpha) <= quantile
