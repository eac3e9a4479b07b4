"""Tests that need no law: exact where they say so, and blind to nothing that they are for."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import chi2

import pastur
from pastur import LawFreeTests, law_free_tests
from pastur._numerics.krylov import largest_singular_value
from pastur._typing import FloatArray
from pastur.estimation._law_free_tests.predictable import predictable
from pastur.estimation._law_free_tests.sign_flips import flip_p_value, later_flip_p_value

DRAWS = 1000
SHAPE = (12, 20)
Draw = Callable[[np.random.Generator], FloatArray]


def lognormal_profile(rng: np.random.Generator) -> FloatArray:
    rows, columns = (np.exp(rng.normal(size=side)) for side in SHAPE)
    found: FloatArray = rng.normal(size=SHAPE) * rows[:, None] * columns
    return found


def huge_entries(rng: np.random.Generator) -> FloatArray:
    found: FloatArray = rng.normal(size=SHAPE)
    found.ravel()[rng.choice(found.size, 10, replace=False)] *= 30
    return found


def symmetric(rng: np.random.Generator) -> FloatArray:
    found: FloatArray = rng.standard_t(4, size=(25, 25))
    return np.triu(found) + np.triu(found, 1).T


INDEPENDENT: dict[str, Draw] = {
    "white": lambda rng: rng.normal(size=SHAPE),
    "lognormal profile": lognormal_profile,
    "t3": lambda rng: rng.standard_t(3, size=SHAPE),
    "huge entries": huge_entries,
    "symmetric": symmetric,
}


def autoregressive(rng: np.random.Generator) -> FloatArray:
    found: FloatArray = rng.normal(size=SHAPE)
    for i in range(1, len(found)):
        found[i] = 0.6 * found[i - 1] + 0.8 * found[i]
    return found


def p_values(draw: Draw) -> FloatArray:
    found = []
    for number in range(DRAWS):
        w = draw(np.random.default_rng([130, number])).astype(np.float32)
        square = w.shape[0] == w.shape[1]
        found.append(flip_p_value(w, 9, number, symmetric=square))
    return np.array(found)


@pytest.mark.parametrize("noise", list(INDEPENDENT))
def test_flips_of_independent_entries_are_uniform(noise: str) -> None:
    # Ten values, each of chance 1/10.
    counts = np.bincount(np.rint(10 * p_values(INDEPENDENT[noise])).astype(int), minlength=11)[1:]
    statistic = float(((counts - DRAWS / 10) ** 2 / (DRAWS / 10)).sum())
    assert chi2.sf(statistic, 9) > 1e-3


def test_flips_of_correlated_entries_are_not() -> None:
    assert (p_values(autoregressive) <= 0.1).mean() > 0.9


def test_setting_entries_aside_by_size_keeps_the_test_exact() -> None:
    rejected = [
        law_free_tests(huge_entries(np.random.default_rng([131, i])), flips=9, seed=i).sign_flips
        for i in range(300)
    ]
    # Binomial of 300 draws with chance 1/10, four standard deviations.
    assert abs(np.mean([first.p_value <= 0.1 for first, *_ in rejected]) - 0.1) < 0.07


def test_flips_after_taking_spikes_out_do_not_reject_noise() -> None:
    # Without the leverages of three and ten directions they reject in a third of draws and more.
    for spikes in (3, 10):
        rejected = []
        for number in range(30):
            w = planted((100, 200), np.linspace(3, 6, spikes), [132, spikes, number])
            kept, p_value = later_flip_p_value(w, spikes, 19, number, symmetric=False)
            assert kept == spikes
            rejected.append(p_value <= 0.05)
            _, one_left = later_flip_p_value(w, spikes - 1, 19, number, symmetric=False)
            assert one_left <= 0.1
        assert np.mean(rejected) <= 0.2


def planted(shape: tuple[int, int], strengths: FloatArray, seed: list[int]) -> FloatArray:
    """Spikes of so many times the critical strength on white noise, in float32."""
    rng, (n, m) = np.random.default_rng(seed), shape
    left, right = (np.linalg.qr(rng.normal(size=(side, strengths.size)))[0] for side in shape)
    noise = rng.normal(size=shape)
    found: FloatArray = (noise + (left * strengths * (n * m) ** 0.25) @ right.T).astype(np.float32)
    return found


def test_the_largest_singular_value_is_found_where_it_stands_out() -> None:
    for shape in ((12, 40), (200, 300), (300, 200)):
        w = planted(shape, np.array([3.0]), [133])
        assert largest_singular_value(w) == pytest.approx(np.linalg.norm(w, 2), rel=0.01)
        assert largest_singular_value(w) <= np.linalg.norm(w, 2) * (1 + 1e-5)


def test_low_rank_is_predicted_whole() -> None:
    # B D⁺ C = A where the rank of D is that of the matrix.
    rng = np.random.default_rng(134)
    w = (rng.normal(size=(60, 5)) @ rng.normal(size=(5, 90))).astype(np.float32)
    found = predictable(w, 0, symmetric=False)
    assert found.rank == 5 and found.share == pytest.approx(1.0, abs=1e-4)
    both = (w @ w.T).astype(np.float32)
    found = predictable(both, 0, symmetric=True)
    assert found.rank == 5 and found.share == pytest.approx(1.0, abs=1e-3)


def test_the_rank_is_that_of_the_least_error_in_held_out_blocks() -> None:
    # Another implementation: each block by the pseudo-inverse of the opposite one.
    w = planted((40, 60), np.array([5.0, 4.0, 3.0]), [135]).astype(np.float64)
    rng = np.random.default_rng(7)
    rows = np.array_split(rng.permutation(40), 2)
    columns = np.array_split(rng.permutation(60), 2)
    errors = np.zeros(11)
    for i in range(2):
        for j in range(2):
            a, b, c, d = (
                w[np.ix_(rows[r], columns[s])]
                for r, s in ((i, j), (i, 1 - j), (1 - i, j), (1 - i, 1 - j))
            )
            u, s, vt = np.linalg.svd(d, full_matrices=False)
            for k in range(11):
                inverse = (vt[:k].T / s[:k]) @ u[:, :k].T
                errors[k] += np.sum((a - b @ inverse @ c) ** 2)
    found = predictable(w.astype(np.float32), 7, symmetric=False)
    assert found.rank == np.argmin(errors) == 3
    assert found.share == pytest.approx(1 - errors.min() / errors[0], rel=1e-4)


@pytest.mark.parametrize("noise", ["white", "lognormal profile", "t3"])
def test_independent_entries_predict_nothing(noise: str) -> None:
    rng = np.random.default_rng(136)
    for number in range(20):
        w = np.vstack([np.hstack([INDEPENDENT[noise](rng) for _ in range(5)]) for _ in range(6)])
        assert law_free_tests(w, flips=1, seed=number).predictable_share < 0.01


def test_a_signal_is_found_by_each_test() -> None:
    w = planted((150, 200), np.array([6.0, 5.0]), [137]).astype(np.float64)
    w[3, 5] = 200.0
    found = law_free_tests(w)
    first, second = found.sign_flips
    assert first.exact and first.removed == 0 and first.p_value == 0.05
    assert not second.exact and second.removed == found.predictable_rank == 2
    assert second.p_value > 0.05
    assert 0.1 < found.predictable_share < 0.9
    assert found.set_aside == ((3, 5),) and found.set_aside_count == 1
    assert abs(found.rows.correlation) < 5 * found.rows.error
    assert "set aside first, the largest at (3, 5)" in str(found)


def test_of_white_noise_nothing_is_found() -> None:
    found = law_free_tests(np.random.default_rng(138).normal(size=(150, 200)))
    assert len(found.sign_flips) == 1 and found.sign_flips[0].p_value > 0.05
    assert found.predictable_rank == 0 and found.predictable_share == 0.0
    assert not found.set_aside
    assert "independent entries explain it" in str(found)


def test_the_seed_decides_everything() -> None:
    w = autoregressive(np.random.default_rng(139))
    assert law_free_tests(w, seed=3) == law_free_tests(w, seed=3)
    fewer = law_free_tests(w, flips=4, seed=3)
    assert fewer.flips == 4 and fewer.sign_flips[0].p_value >= 1 / 5


@pytest.mark.parametrize("exponent", [-1000, -300, 300, 1000])
def test_the_unit_does_not_matter(exponent: int) -> None:
    w = autoregressive(np.random.default_rng(140))
    assert law_free_tests(np.ldexp(w, exponent)) == law_free_tests(w)


def test_long_matrices_are_tested_in_parts() -> None:
    rng = np.random.default_rng(141)
    w = rng.normal(size=(40_000, 30)) + 0.3 * np.outer(rng.normal(size=40_000), rng.normal(size=30))
    for one in (w, w.T):
        found = law_free_tests(one, flips=9)
        assert found.predictable_rank == 1 and found.sign_flips[0].p_value == 0.1
        assert found.shape == one.shape


def test_awkward_matrices_have_an_answer() -> None:
    rng = np.random.default_rng(142)
    for w in (
        np.ones((2, 2)),
        np.eye(30),
        np.outer(np.arange(1.0, 31.0), np.ones(40)),
        rng.choice([-1.0, 1.0], size=(3, 50)),
        np.diag([1e300, *np.zeros(29)]),
        rng.normal(size=(30, 40)) * (np.arange(40) > 35),
    ):
        found = law_free_tests(w, flips=4)
        assert 0 <= found.predictable_share <= 1
        assert all(0 < one.p_value <= 1 for one in found.sign_flips)
        assert LawFreeTests.from_dict(found.to_dict()) == found


def test_what_is_no_matrix_is_refused() -> None:
    for bad in (np.zeros((5, 5)), np.full((3, 3), np.nan), np.ones(4), np.ones((1, 5))):
        with pytest.raises(pastur.PasturError):
            law_free_tests(bad)
    for settings in ({"flips": 0}, {"flips": 1.5}, {"seed": -1}, {"flips": 10**9}):
        with pytest.raises(pastur.PasturError):
            law_free_tests(np.eye(3) + 1, **settings)


def test_results_are_stored_and_read() -> None:
    w = planted((60, 80), np.array([5.0]), [143]).astype(np.float64)
    w[3, 5] = 200.0
    found = law_free_tests(w)
    values = json.loads(json.dumps(found.to_dict()))
    assert values == found.to_dict()
    assert LawFreeTests.from_dict(values) == found
    with pytest.raises(pastur.PasturError, match="sign_flips"):
        LawFreeTests.from_dict(values | {"sign_flips": 3})
    schema = LawFreeTests.schema()
    assert list(schema["properties"]) == list(values)
    inside = schema["properties"]["sign_flips"]["items"]
    assert list(inside["properties"]) == list(values["sign_flips"][0])
