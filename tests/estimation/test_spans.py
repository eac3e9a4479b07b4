"""Overlaps of lone spikes and the shares of crowded ones in the span of their group."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import FloatArray
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._kinds.symmetric import SymmetricKind
from pastur.measures import Atoms

CROWDS: dict[str, Sequence[float] | FloatArray] = {
    "ten equal": [2.0] * 10,
    "thirty": np.linspace(3.0, 1.5, 30),
    "thirty far apart": np.linspace(6.0, 2.0, 30),
    "eight of ten hidden": [1.15] * 10,
}


def directions(n: int, count: int, rng: np.random.Generator) -> FloatArray:
    return np.asarray(np.linalg.qr(rng.normal(size=(n, count)))[0])


def members(table: Any, count: int) -> list[Any]:
    """Places of the spikes of S of each row's group; the last one has those that are hidden."""
    group = table["group"]
    hidden = list(range(len(table), count))
    return [
        [*np.flatnonzero(group == number), *(hidden if number == group.max() else [])]
        for number in group
    ]


def rectangular(
    theta: FloatArray, shape: tuple[int, int], rng: np.random.Generator
) -> list[tuple[float, float, float]]:
    """Span as fitted, share in the group's span and squared cosine with the own direction."""
    n, m = shape
    a, b = directions(n, theta.size, rng), directions(m, theta.size, rng)
    w = (a * theta) @ b.T + rng.normal(size=shape) / np.sqrt(max(shape))
    table = fit_rectangular(w).spikes[: theta.size]
    u, _, vt = np.linalg.svd(w, full_matrices=False)
    found = []
    for name, own, seen in (("left", a, u), ("right", b, vt.T)):
        shares = (own.T @ seen[:, : len(table)]) ** 2
        found += [
            (table[f"span_{name}"][k], shares[those, k].sum(), shares[k, k])
            for k, those in enumerate(members(table, theta.size))
        ]
        assert (np.isnan(table[f"overlap_{name}"]) == ~table["isolated"]).all()
    return found


def symmetric(
    theta: FloatArray, shape: tuple[int, int], rng: np.random.Generator
) -> list[tuple[float, float, float]]:
    """The same for eigenvectors."""
    n = shape[0]
    a, noise = directions(n, theta.size, rng), rng.normal(size=(n, n))
    w = (noise + noise.T) / np.sqrt(2 * n) + (a * theta) @ a.T
    table = fit_symmetric(w).spikes
    table = table[table["theta"] > 0][: theta.size]
    shares = (a.T @ np.linalg.eigh(w)[1][:, ::-1][:, : len(table)]) ** 2
    assert (np.isnan(table["overlap"]) == ~table["isolated"]).all()
    return [
        (table["span"][k], shares[those, k].sum(), shares[k, k])
        for k, those in enumerate(members(table, theta.size))
    ]


def differences(
    draw: Callable[..., list[tuple[float, float, float]]],
    theta: Sequence[float] | FloatArray,
    shape: tuple[int, int],
    draws: int,
) -> tuple[float, float]:
    """Mean of the span less the share in the group's span, and less the squared cosine."""
    rng = np.random.default_rng([draws, *shape])
    critical = 1.0 if draw is symmetric else (shape[0] / shape[1]) ** 0.25
    ordered = critical * np.sort(np.asarray(theta, dtype=np.float64))[::-1]
    found = np.array([row for _ in range(draws) for row in draw(ordered, shape, rng)])
    return tuple(np.mean(found[:, :1] - found[:, 1:], axis=0))


@pytest.mark.parametrize("draw", [rectangular, symmetric])
def test_a_span_is_the_share_in_the_directions_of_the_group(draw: Any) -> None:
    # Mean errors are below .02 over 200 draws; of one draw they spread by .01.
    span, cosine = differences(draw, CROWDS["ten equal"], (150, 300), 3)
    assert abs(span) < 0.05
    # With one direction a vector of the group has a tenth of that.
    assert cosine > 0.5


@pytest.mark.lengthy
@pytest.mark.parametrize("crowd", CROWDS)
@pytest.mark.parametrize("draw", [rectangular, symmetric])
def test_spans_of_crowds(draw: Any, crowd: str) -> None:
    span, cosine = differences(draw, CROWDS[crowd], (300, 600), 10)
    assert abs(span) < (0.07 if crowd.endswith("hidden") else 0.02)
    assert cosine > 0.1


def test_a_direction_without_signal_has_the_share_of_the_closed_form() -> None:
    # Where the rest is noise alone: the Stieltjes transform of its law at the outlier of θ.
    theta, c = 1.7, 0.5
    t = theta**2
    y = (t + 1) * (t + c) / t
    # ω = θ² and A = θ²/(θ² + c) there, for σ = 1; A = 1 + c m.
    m = np.array([(t / (t + c) - 1) / c], dtype=np.complex128)
    kind = RectangularKind(300, 600)
    strays = kind.strays(np.array([y], dtype=np.complex128), m, 1.0, np.zeros(1))
    whole = kind.noise_shares(np.array([theta]), 1.0)
    for side, stray, share in zip((300, 600), strays, whole, strict=True):
        assert (side - 1) * stray[0, 0] == pytest.approx(share[0])
    symmetric_kind = SymmetricKind(300)
    z = np.array([theta + 1 / theta], dtype=np.complex128)
    (stray,) = symmetric_kind.strays(z, np.array([-1 / theta + 0j]), 1.0, np.zeros(1))
    assert 299 * stray[0, 0] == pytest.approx(
        symmetric_kind.noise_shares(np.array([theta]), 1.0)[0][0]
    )


def test_what_another_spike_takes_is_that_of_second_order_perturbation() -> None:
    # Far from each other, E (u_j'û_i)² = σ²(θ_i² + θ_j²)/(m(θ_i² − θ_j²)²) on both sides.
    first, second, m = 40.0, 25.0, 600
    kind = RectangularKind(300, m)
    z = np.array([first**2], dtype=np.complex128)
    expected = (first**2 + second**2) / (m * (first**2 - second**2) ** 2)
    for side in kind.strays(z, np.zeros(1, dtype=np.complex128), 1.0, np.array([second])):
        assert side[0, 0] == pytest.approx(expected, rel=0.01)


def test_next_to_a_bulk_the_span_is_that_of_the_spikes() -> None:
    rng = np.random.default_rng(4)
    n, found, true = 200, [], []
    bulk = np.repeat([-1.0, 1.0], n // 2)
    for _ in range(4):
        spikes = bulk.copy()
        spikes[:2] = 3.5
        noise = rng.normal(size=(n, n))
        w = (noise + noise.T) / np.sqrt(2 * n) * 0.7 + np.diag(spikes)
        fit = fit_symmetric(w, bulk=Atoms([-1.0, 1.0]))
        found.append(fit.spikes["span"][:2])
        true.append(np.sum(np.linalg.eigh(w)[1][:2, -2:] ** 2, axis=0))
    assert np.mean(found) == pytest.approx(np.mean(true), abs=0.01)
