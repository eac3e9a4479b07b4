"""Variances of rows and columns next to a signal, against those that were planted."""

import numpy as np
import pytest

from pastur import fit_rectangular
from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.estimation._profile.estimate import estimate_profile
from pastur.estimation._profile.given import known_pair, known_vector
from pastur.estimation._whitened.variances import Variances


def profile(n: int, m: int, spread: float, rng: np.random.Generator) -> Variances:
    d, e = (np.exp(2 * spread * rng.normal(size=side)) for side in (n, m))
    return Variances(d / d.mean(), e / e.mean())


def signal(n: int, m: int, rank: int, rng: np.random.Generator) -> FloatArray:
    u, v = (np.linalg.qr(rng.normal(size=(side, rank)))[0] for side in (n, m))
    strengths = rng.uniform(2.0, 4.0, rank)
    return np.asarray((u * strengths) @ v.T)


def errors(found: FloatArray, true: FloatArray, degrees: int) -> FloatArray:
    """Relative errors over the standard deviation that chance alone leaves."""
    return np.asarray(np.log(found / true) * np.sqrt(degrees / 2))


@pytest.mark.parametrize("rank", [0, 5, 40])
@pytest.mark.parametrize("spread", [0.1, 0.5])
def test_variances_are_found_next_to_a_signal(rank: int, spread: float) -> None:
    rng = np.random.default_rng([rank, int(10 * spread)])
    n, m = 200, 400
    true = profile(n, m, spread, rng)
    noise = true.restored(rng.normal(size=(n, m)) / np.sqrt(m))
    w = noise + signal(n, m, rank, rng) if rank else noise
    found = estimate_profile(w)
    assert found.status.converged
    assert found.removed == rank
    chance = 1 / np.sqrt(1 - rank / n)
    assert errors(found.variances.rows, true.rows, m).std() < 1.35 * chance
    assert errors(found.variances.columns, true.columns, n).std() < 1.35 * chance
    # Those that a scaling of the entries themselves gives do not pass.
    if rank:
        once = np.sum(w**2, axis=1)
        assert errors(once / once.mean(), true.rows, m).std() > 1.5 * chance


def localised(n: int, m: int, rank: int, rows: int, seed: int) -> FloatArray:
    """White noise of σ = 1 with a signal in some rows, all of strength 3."""
    rng = np.random.default_rng(seed)
    u = np.zeros((n, rank))
    u[:rows] = np.linalg.qr(rng.normal(size=(rows, rank)))[0]
    v = np.linalg.qr(rng.normal(size=(m, rank)))[0]
    return np.asarray(rng.normal(size=(n, m)) / np.sqrt(m) + 3.0 * u @ v.T)


def test_localised_signal_does_not_diverge() -> None:
    w = localised(200, 400, 20, 40, 7)
    found = estimate_profile(w)
    white = fit_rectangular(found.variances.whitened(w))
    assert found.status.converged
    assert found.leverage > 0.5
    assert white.sigma == pytest.approx(1.0, abs=0.05)
    assert white.rank == 20
    assert abs(np.log(found.variances.rows[40:]).mean()) < 0.1
    assert np.log(found.variances.rows[:40]).mean() < 0.5


@pytest.mark.parametrize(("rank", "rows"), [(20, 40), (40, 60)])
def test_signal_that_scaling_hides_is_found(rank: int, rows: int) -> None:
    """In rows scaled to the mean square of all, 40 directions of 60 rows are nothing that shows."""
    for seed in range(3):
        w = localised(200, 400, rank, rows, seed)
        found = estimate_profile(w)
        assert found.status.converged
        assert found.removed == rank


def test_what_no_variances_explain_is_given_up_soon() -> None:
    rng = np.random.default_rng(11)
    basis = np.linalg.qr(rng.normal(size=(200, 200)))[0]
    w = (basis * np.exp(0.5 * rng.normal(size=200))) @ rng.normal(size=(200, 400))
    found = estimate_profile(w)
    assert not found.status.converged
    assert found.status.iterations < 10


def test_symmetric_variances() -> None:
    rng = np.random.default_rng(8)
    n = 300
    d = np.exp(rng.normal(size=n))
    d /= d.mean()
    g = rng.normal(size=(n, n))
    w = Variances(d, d).restored((g + g.T) / np.sqrt(2 * n))
    u = np.linalg.qr(rng.normal(size=(n, 3)))[0]
    w += (u * [4.0, -3.0, 2.5]) @ u.T
    found = estimate_profile(w, symmetric=True)
    assert found.removed == 3
    assert found.variances.rows is found.variances.columns or np.array_equal(
        found.variances.rows, found.variances.columns
    )
    assert errors(found.variances.rows, d, n).std() < 1.35


def test_units_and_orientation_change_nothing() -> None:
    rng = np.random.default_rng(9)
    true = profile(60, 150, 0.4, rng)
    w = true.restored(rng.normal(size=(60, 150))) + 5 * signal(60, 150, 2, rng)
    found, large = estimate_profile(w), estimate_profile(w * 2.0**600)
    turned = estimate_profile(w.T)
    np.testing.assert_allclose(large.variances.rows, found.variances.rows, rtol=1e-6)
    np.testing.assert_allclose(turned.variances.columns, found.variances.rows, rtol=0.02)


def test_rows_of_zeros_have_no_variance() -> None:
    rng = np.random.default_rng(10)
    w = rng.normal(size=(60, 150))
    w[[3, 7]] = 0.0
    rows = estimate_profile(w).variances.rows
    assert rows[3] == rows[7] == 0.0
    assert np.mean(rows[rows > 0]) == pytest.approx(1.0)
    white = estimate_profile(w).variances.whitened(w)
    assert np.isfinite(white).all()
    assert not white[3].any()


def test_known_variances_are_brought_to_mean_one() -> None:
    found = known_pair(([1.0, 3.0], [4.0, 4.0, 4.0]), (2, 3))
    np.testing.assert_allclose(found.rows, [0.5, 1.5])
    np.testing.assert_allclose(found.columns, 1.0)
    np.testing.assert_allclose(known_vector([1e300, 3e300], 2).rows, [0.5, 1.5])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1.0, 2.0, 3.0], "pair"),
        (np.ones((2, 3)), "pair"),
        (([1.0], [1.0, 1.0, 1.0]), "each of 2 rows"),
        (([1.0, 0.0], [1.0, 1.0, 1.0]), "positive"),
        (([1.0, 1.0], [1.0, -1.0, 1.0]), "positive"),
    ],
)
def test_known_variances_are_checked(value: object, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        known_pair(value, (2, 3))


def test_a_symmetric_matrix_has_one_vector() -> None:
    with pytest.raises(InvalidInputError, match="one vector"):
        known_vector(([1.0, 1.0], [1.0, 1.0]), 2)
