"""Dense noise: variances, edges, resolvents at the scale 1/N, reproducibility."""

import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

import pastur.ensembles as ensembles
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import AnyArray, ComplexArray

N = 300
FALSE_ALARM = 1e-9


def off_diagonal(matrix: AnyArray) -> AnyArray:
    return matrix[np.triu_indices(len(matrix), 1)]


def inside_chi_square(sum_of_squares: float, count: int) -> bool:
    low, high = stats.chi2.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], count)
    return bool(low < sum_of_squares < high)


@pytest.mark.parametrize(("diagonal", "variance"), [("goe", 2.0), ("wigner", 1.0)])
def test_goe_entries_have_the_stated_variances(diagonal: str, variance: float) -> None:
    matrix = ensembles.sample_goe(N, 1.7, diagonal=diagonal, rng=1) * np.sqrt(N) / 1.7
    upper = off_diagonal(matrix)
    assert inside_chi_square((upper**2).sum(), upper.size)
    assert inside_chi_square((np.diag(matrix) ** 2).sum() / variance, N)
    # The other diagonal is rejected: a factor 2 is 12 standard errors at N = 300.
    assert not inside_chi_square((np.diag(matrix) ** 2).sum() / (3 - variance), N)


def test_gue_entries_have_the_stated_variances() -> None:
    matrix = ensembles.sample_gue(N, 0.4, rng=2) * np.sqrt(N) / 0.4
    upper = off_diagonal(matrix)
    assert inside_chi_square(2 * (upper.real**2).sum(), upper.size)
    assert inside_chi_square(2 * (upper.imag**2).sum(), upper.size)
    assert inside_chi_square((np.diag(matrix).real ** 2).sum(), N)
    assert not inside_chi_square((np.diag(matrix).real ** 2).sum() / 2, N)


@pytest.mark.parametrize("shape", [(200, 500), (500, 200), (300, 300), (1, 7)])
def test_gaussian_entries_have_the_stated_variance(shape: tuple[int, int]) -> None:
    matrix = ensembles.sample_gaussian(shape, 2.5, rng=3)
    assert matrix.shape == shape
    total = (matrix**2).sum() * max(shape) / 2.5**2
    assert inside_chi_square(total, matrix.size)
    if shape == (200, 500):
        assert not inside_chi_square(total * min(shape) / max(shape), matrix.size)


ENTRY_LAWS = {
    "uniform": stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)),
    "student5": stats.t(5, scale=np.sqrt(3 / 5)),
    "gaussian": stats.norm(),
}


@pytest.mark.parametrize("name", ENTRY_LAWS)
def test_wigner_entries_follow_the_named_law(name: str) -> None:
    matrix = ensembles.sample_wigner(N, name, sigma=3.0, rng=4) * np.sqrt(N) / 3.0
    entries = matrix[np.triu_indices(N)]
    # Dvoretzky, Kiefer, Wolfowitz with Massart's constant.
    bound = np.sqrt(np.log(2 / FALSE_ALARM) / (2 * entries.size))
    assert stats.kstest(entries, ENTRY_LAWS[name].cdf).statistic < bound
    for other in ENTRY_LAWS.keys() - {name}:
        assert stats.kstest(entries, ENTRY_LAWS[other].cdf).statistic > bound


def test_rademacher_entries_are_fair_signs() -> None:
    matrix = ensembles.sample_wigner(N, sigma=2.0, rng=5) * np.sqrt(N) / 2.0
    entries = matrix[np.triu_indices(N)]
    np.testing.assert_allclose(np.abs(entries), 1.0, rtol=1e-14)
    # Hoeffding: the mean exceeds the bound with probability 1e-9.
    assert abs(entries.mean()) < np.sqrt(2 * np.log(2 / FALSE_ALARM) / entries.size)


def test_a_callable_gives_the_entries_of_a_wigner_matrix() -> None:
    matrix = ensembles.sample_wigner(
        400, lambda rng, size: rng.integers(0, 2, size) * 2 - 1, sigma=1.0, rng=6
    )
    np.testing.assert_allclose(np.abs(matrix) * 20, 1.0, rtol=1e-14)


@pytest.mark.parametrize("n", [1, 2, 255, 256, 257, 600])
@pytest.mark.parametrize("sample", ["sample_goe", "sample_gue", "sample_wigner"])
def test_matrices_are_self_adjoint_to_the_last_bit(sample: str, n: int) -> None:
    matrix = getattr(ensembles, sample)(n, rng=7)
    assert matrix.shape == (n, n)
    assert matrix.dtype == (np.complex128 if sample == "sample_gue" else np.float64)
    np.testing.assert_array_equal(matrix, matrix.conj().T)
    assert np.unique(off_diagonal(matrix)).size in (n * (n - 1) // 2, min(2, n * (n - 1) // 2))


@pytest.mark.parametrize("sample", ["sample_goe", "sample_gue", "sample_wigner"])
def test_little_memory_is_used_besides_the_matrix(sample: str) -> None:
    tracemalloc.start()
    matrix = getattr(ensembles, sample)(2000, rng=7)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * matrix.nbytes


SAMPLERS: dict[str, Callable[[np.random.Generator | int | None], AnyArray]] = {
    "goe": lambda rng: ensembles.sample_goe(30, rng=rng),
    "gue": lambda rng: ensembles.sample_gue(30, rng=rng),
    "wigner": lambda rng: ensembles.sample_wigner(30, "student5", rng=rng),
    "gaussian": lambda rng: ensembles.sample_gaussian((30, 20), rng=rng),
    "outliers": lambda rng: ensembles.sample_spiked_outliers(30, [2.0, -3.0], rng=rng).outliers,
    "singular": lambda rng: (
        ensembles.sample_spiked_singular_values((30, 20), 2.0, rng=rng).outliers
    ),
    "spectrum": lambda rng: ensembles.sample_spiked_spectrum(30, 2.0, rng=rng),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_generator_gives_the_same_draw(name: str) -> None:
    draw = SAMPLERS[name]
    np.testing.assert_array_equal(draw(8), draw(8))
    np.testing.assert_array_equal(draw(np.random.default_rng(8)), draw(8))
    assert not np.array_equal(draw(8), draw(9))
    assert not np.array_equal(draw(None), draw(None))
    generator = np.random.default_rng(8)
    assert not np.array_equal(draw(generator), draw(generator))


# Mean and variance of the Tracy–Widom laws (Bornemann 2010).
TRACY_WIDOM = {1: (-1.2065335745820, 1.607781034581), 2: (-1.7710868074, 0.8131947928)}


@pytest.mark.parametrize("beta", [1, 2])
def test_largest_eigenvalues_are_tracy_widom(beta: int) -> None:
    draws, n = 300, 100
    sample = ensembles.sample_goe if beta == 1 else ensembles.sample_gue
    rng = np.random.default_rng(10 + beta)
    tops = np.array([np.linalg.eigvalsh(sample(n, 2.0, rng=rng))[-1] / 2 for _ in range(draws)])
    # The GOE's edge is centred at 2 − 1/(2N); what is left is O(N^(−2/3)), below 0.05 here.
    centre = 2 - (1 / (2 * n) if beta == 1 else 0)
    scaled = (tops - centre) * n ** (2 / 3)

    def close(index: int) -> bool:
        mean, variance = TRACY_WIDOM[index]
        # 4.9 standard errors: false alarm 1e-6.
        return bool(abs(scaled.mean() - mean) < 4.9 * np.sqrt(variance / draws) + 0.05)

    assert close(beta)
    assert not close(3 - beta)


def test_singular_values_end_at_the_edges() -> None:
    values = np.linalg.svd(ensembles.sample_gaussian((2000, 500), 1.5, rng=12), compute_uv=False)
    # Tracy–Widom scale N^(−2/3) ≈ 0.01; 0.08 is many of them.
    assert abs(values[0] - 1.5 * 1.5) < 0.08
    assert abs(values[-1] - 1.5 * 0.5) < 0.08


def mean_resolvent_shift(matrices: Sequence[AnyArray], z: complex) -> ComplexArray:
    """N(ĝ − g) for each matrix, g the transform of the semicircle on [−2, 2]."""
    g = (-z + np.sqrt(z - 2) * np.sqrt(z + 2)) / 2
    values = np.array([np.linalg.eigvalsh(matrix) for matrix in matrices])
    result: ComplexArray = (1 / (values - z)).sum(axis=1) - values.shape[1] * g
    return result


def expected_shift(z: complex, diagonal_excess: int) -> complex:
    """GOE: ½ ω″/ω′; a diagonal variance of (2 + x)σ²/N adds x g g′ (second-order expansion)."""
    g = (-z + np.sqrt(z - 2) * np.sqrt(z + 2)) / 2
    g1 = -g / (np.sqrt(z - 2) * np.sqrt(z + 2))
    # Derivative of g′ = −g/√(z² − 4).
    g2 = -g1 / np.sqrt(z**2 - 4) + g * z / (z**2 - 4) ** 1.5
    result: complex = g2 / (2 * (1 + g1)) + diagonal_excess * g * g1
    return result


def test_resolvent_is_right_at_the_scale_of_one_over_n() -> None:
    """The mean of N(ĝ − g) tells the GOE from the GUE and from an equal diagonal."""
    draws, n, z = 500, 60, 2.6 + 0.0j
    rng = np.random.default_rng(13)
    samples: dict[str, list[AnyArray]] = {
        "goe": [ensembles.sample_goe(n, rng=rng) for _ in range(draws)],
        "wigner": [ensembles.sample_goe(n, diagonal="wigner", rng=rng) for _ in range(draws)],
        "gue": [ensembles.sample_gue(n, rng=rng) for _ in range(draws)],
    }
    expected = {
        "goe": expected_shift(z, 0).real,
        "wigner": expected_shift(z, -1).real,
        "gue": 0.0,
    }
    for name, matrices in samples.items():
        shift = mean_resolvent_shift(matrices, z).real
        error = shift.std() / np.sqrt(draws)
        for other, value in expected.items():
            # Terms of order 1/N are below 0.01; 4.9 standard errors: false alarm 1e-6 each.
            close = abs(shift.mean() - value) < 4.9 * error + 0.01
            if name == other:
                assert close
            elif "goe" in (name, other):
                assert not close


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: ensembles.sample_goe(0), InvalidInputError, "`n` must be at least 1"),
        (lambda: ensembles.sample_goe(3.0), InvalidTypeError, "`n` must be an integer"),  # type: ignore[arg-type]
        (lambda: ensembles.sample_gue(3, -1), InvalidInputError, "`sigma` must be positive"),
        (
            lambda: ensembles.sample_goe(3, diagonal="paper"),
            InvalidInputError,
            "must be one of 'goe', 'wigner'. Got 'paper'",
        ),
        (
            lambda: ensembles.sample_wigner(3, "cauchy"),
            InvalidInputError,
            "'rademacher', 'uniform', 'student5', 'gaussian'. Got 'cauchy'",
        ),
        (
            lambda: ensembles.sample_wigner(3, lambda rng, size: np.zeros(2)),
            InvalidInputError,
            r"of shape \(3, 3\). Got an array of shape \(2,\)",
        ),
        (lambda: ensembles.sample_gaussian(5), InvalidTypeError, r"must be a pair \(n, m\)"),  # type: ignore[arg-type]
        (lambda: ensembles.sample_gaussian((5, 0)), InvalidInputError, "at least 1"),
        (lambda: ensembles.sample_goe(3, rng="a"), InvalidTypeError, "`rng` must be a numpy"),  # type: ignore[arg-type]
    ],
)
def test_errors_say_what_was_asked(
    call: Callable[[], Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        call()
