"""The study of a language model: published methods against slow transcriptions of them."""

import baselines
import numpy as np
import pytest

from pastur._typing import FloatArray


def layer(
    seed: int, n: int = 6, d: int = 8, tokens: int = 30
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A matrix, inputs that are correlated and of different size, and their moments."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(n, d))
    x = (rng.normal(size=(tokens, d)) @ rng.normal(size=(d, d))) * np.linspace(3, 0.2, d)
    return w, x, x.T @ x


# --- low rank ---


@pytest.mark.parametrize(("n", "d"), [(6, 8), (9, 5)])
def test_whitening_is_that_of_svd_llm(n: int, d: int) -> None:
    """W S = U s Vᵀ with S Sᵀ = C, cut, and S taken off again."""
    w, _, moments = layer(1, n, d)
    root = np.linalg.cholesky(moments)
    u, s, vt = np.linalg.svd(w @ root, full_matrices=False)
    found = baselines.Directions.of(w, baselines.whitening(moments))
    for rank in (1, 3, 4):
        expected = (u[:, :rank] * s[:rank]) @ vt[:rank] @ np.linalg.inv(root)
        np.testing.assert_allclose(found.cut(rank), expected, atol=1e-8)
        # Not what other inputs lead to.
        other = baselines.Directions.of(w, np.eye(d)).cut(rank)
        assert np.abs(found.cut(rank) - other).max() > 1e-2


def test_scaling_is_that_of_asvd() -> None:
    w, x, moments = layer(2)
    scales = np.sqrt(np.sqrt(np.sum(x**2, axis=0)))
    u, s, vt = np.linalg.svd(w * scales, full_matrices=False)
    expected = (u[:, :3] * s[:3]) @ vt[:3] / scales
    found = baselines.Directions.of(w, baselines.scaling(moments)).cut(3)
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_without_inputs_it_is_the_nearest_matrix() -> None:
    w, _, moments = layer(3)
    u, s, vt = np.linalg.svd(w, full_matrices=False)
    found = baselines.Directions.of(w, baselines.nothing(moments)).cut(2)
    np.testing.assert_allclose(found, (u[:, :2] * s[:2]) @ vt[:2], atol=1e-10)


def test_the_rank_is_that_of_a_share_of_the_numbers() -> None:
    # 0.8 · 576 · 576/(2 · 576) = 230.4
    assert baselines.uniform_rank((576, 576), 0.8) == 230


# --- zeros ---


@pytest.mark.parametrize("pattern", [None, (2, 4)])
def test_wanda_gives_up_what_is_least_row_by_row(pattern: tuple[int, int] | None) -> None:
    w, x, moments = layer(4)
    found = baselines.wanda(w, moments, pattern)
    norms = [float(np.sqrt(sum(x[t, j] ** 2 for t in range(len(x))))) for j in range(8)]
    width = 8 if pattern is None else 4
    for i in range(len(w)):
        for start in range(0, 8, width):
            places = range(start, start + width)
            ordered = sorted(places, key=lambda j, i=i: abs(w[i, j]) * norms[j])  # type: ignore[misc]
            for rank, j in enumerate(ordered):
                assert found[i, j] == (0.0 if rank < width // 2 else w[i, j])


def obs_by_hand(
    w: FloatArray, moments: FloatArray, pattern: tuple[int, int] | None, block: int
) -> FloatArray:
    """SparseGPT entry by entry: a zero is made up for by the entries after it, as well as can be.

    With H = C + damping, what w_j = 0 changes in the columns after j is the solution of a linear
    system, and what it costs is w_j²/[(H_{≥j})⁻¹]_jj.
    """
    found, d = w.copy(), w.shape[1]
    hessian = moments + 0.01 * np.mean(np.diag(moments)) * np.eye(d)
    cost = [np.linalg.inv(hessian[j:, j:])[0, 0] for j in range(d)]
    zero = np.zeros(w.shape, dtype=bool)
    for j in range(d):
        if pattern is None and j % block == 0:
            places = [(i, k) for i in range(len(w)) for k in range(j, min(j + block, d))]
            places.sort(key=lambda one: found[one] ** 2 / cost[one[1]])
            for one in places[: len(places) // 2 + 1]:
                zero[one] = True
        elif pattern is not None and j % pattern[1] == 0:
            for i in range(len(w)):
                group = sorted(
                    range(j, j + pattern[1]),
                    key=lambda k, i=i: found[i, k] ** 2 / cost[k],  # type: ignore[misc]
                )
                zero[i, group[: pattern[0]]] = True
        for row in np.flatnonzero(zero[:, j]):
            after = slice(j + 1, d)
            change = np.linalg.solve(hessian[after, after], hessian[after, j]) * found[row, j]
            found[row, after] += change
            found[row, j] = 0.0
    return found


@pytest.mark.parametrize("pattern", [None, (2, 4)])
def test_sparsegpt_is_optimal_brain_surgery(
    pattern: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "_BLOCK", 4)
    w, _, moments = layer(5)
    found = baselines.sparsegpt(w, moments, pattern)
    np.testing.assert_allclose(found, obs_by_hand(w, moments, pattern, 4), atol=1e-9)
    # Another block, another choice.
    if pattern is None:
        assert np.abs(found - obs_by_hand(w, moments, pattern, 8)).max() > 1e-2


def test_sparsegpt_loses_less_than_zeros_alone() -> None:
    rng = np.random.default_rng(6)
    w, lost = rng.normal(size=(40, 64)), {}
    x = rng.normal(size=(400, 64)) + rng.normal(size=(400, 8)) @ rng.normal(size=(8, 64))
    moments = x.T @ x
    for name, method in baselines.ZEROS.items():
        for pattern in (None, (2, 4)):
            found = method(w, moments, pattern)
            lost[name, pattern] = float(np.sum(((found - w) @ x.T) ** 2))
            zeros = (found == 0).reshape(40, 16, 4).sum(axis=2)
            assert (zeros == 2).all() or (pattern is None and abs(zeros.sum() - 40 * 32) <= 1)
    assert lost["sparsegpt", None] < 0.7 * lost["wanda", None]
    assert lost["sparsegpt", (2, 4)] < 0.7 * lost["wanda", (2, 4)]


def test_inputs_that_are_always_zero_are_let_go() -> None:
    w, x, _ = layer(7)
    x[:, 2] = 0.0
    found = baselines.sparsegpt(w, x.T @ x, None)
    assert np.isfinite(found).all() and not found[:, 2].any()


# --- few bits, fewer neurons ---


def test_rounding_is_to_the_nearest_step_of_its_group() -> None:
    w = np.array([[0.0, 0.1, 0.26, 0.3], [5.0, 5.0, 5.0, 5.0]])
    np.testing.assert_allclose(
        baselines.rounded(w, 2, 4), [[0.0, 0.1, 0.3, 0.3], [5.0, 5.0, 5.0, 5.0]], atol=1e-12
    )
    # Numbers of 4 bits in groups of 32 stay what they are; in larger groups they do not.
    rng = np.random.default_rng(8)
    codes = rng.integers(0, 16, size=(3, 4, 32))
    codes[:, :, :2] = 0, 15
    w = (rng.normal(size=(3, 4, 1)) + rng.uniform(0.5, 1, size=(3, 4, 1)) * codes).reshape(3, 128)
    np.testing.assert_allclose(baselines.rounded(w, 4, 32), w, atol=1e-12)
    assert np.abs(baselines.rounded(w, 4, 128) - w).max() > 0.05
    # Q4_1 has 20 bytes for 32 numbers.
    assert baselines.bits_of(4, 32) == 20 * 8 / 32


def test_fewer_neurons_make_up_for_those_that_are_gone() -> None:
    """The matrix after them is the regression on what is left, and leverages choose that."""
    rng = np.random.default_rng(9)
    gate, up = rng.normal(size=(2, 10, 4))
    down = rng.normal(size=(5, 10))
    active = rng.normal(size=(200, 10)) * np.linspace(1, 3, 10) + rng.normal(size=(200, 1))
    moments = active.T @ active
    found = baselines.fewer_neurons(gate, up, down, moments, 6)
    leverages = [(moments @ np.linalg.inv(moments + np.eye(10)))[k, k] for k in range(10)]
    chosen = sorted(sorted(range(10), key=lambda k: leverages[k])[4:])
    gone = [k for k in range(10) if k not in chosen]
    for one, before in zip(found[:2], (gate, up), strict=True):
        np.testing.assert_array_equal(one[chosen], before[chosen])
        assert not one[gone].any()
    regression = np.linalg.lstsq(active[:, chosen], active @ down.T)[0].T
    np.testing.assert_allclose(found[2][:, chosen], regression, atol=1e-8)
    assert not found[2][:, gone].any()
