from functools import partial
from typing import Any

import numpy as np
import pytest

from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.measures import ProbabilityMeasure
from pastur.measures._laws.tracy_widom import TracyWidom

BETAS = (1, 2, 4)

# Mean, variance, skewness, excess kurtosis: Bornemann (2010), On the numerical evaluation of
# distributions in random matrix theory: a review, Markov Processes Relat. Fields 16, 803–866.
PUBLISHED = {
    1: (-1.2065335745820, 1.607781034581, 0.29346452408, 0.1652429384),
    2: (-1.771086807411, 0.8131947928329, 0.224084203610, 0.0934480876),
    4: (-2.306884893241, 0.5177237207726, 0.16550949435, 0.0491951565),
}


def power(k: int, t: Any) -> Any:
    return t**k


@pytest.mark.parametrize("beta", BETAS)
def test_published_moments(beta: int) -> None:
    m1, m2, m3, m4 = (TracyWidom(beta).moment(k) for k in (1, 2, 3, 4))
    variance = m2 - m1**2
    third = m3 - 3 * m1 * m2 + 2 * m1**3
    fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
    mean, published_variance, skewness, excess = PUBLISHED[beta]
    # One unit of the last digit that is printed.
    assert abs(m1 - mean) < 1e-12
    assert abs(variance - published_variance) < 1e-12
    assert abs(third / variance**1.5 - skewness) < 1e-11
    assert abs(fourth / variance**2 - 3 - excess) < 1e-10


def test_the_mean_of_beta_2_to_all_digits_of_a_float() -> None:
    # −1.77108680741160162612693822832… (Prähofer and Spohn; their solution of Painlevé II).
    assert TracyWidom(2).moment(1) == pytest.approx(-1.77108680741160162612, abs=1e-15)


@pytest.mark.parametrize("beta", BETAS)
def test_moments_agree_with_adaptive_integration(beta: int) -> None:
    law = TracyWidom(beta)
    assert law.moment(0) == 1
    for k in (1, 7):
        assert law.integrate(partial(power, k)) == pytest.approx(law.moment(k), rel=1e-11)


def test_a_high_moment_comes_from_the_far_tail() -> None:
    # E X^k comes from the right tail for large k, and grows by k^(2/3) there (Laplace's method).
    ratio = TracyWidom(1).moment(160) / TracyWidom(1).moment(159)
    assert ratio == pytest.approx(160 ** (2 / 3), rel=0.02)


def test_the_three_scalings_of_beta_4() -> None:
    """Means −2.3069 (ours), −3.2624 (½(F₁ + F₂/F₁) as it stands), −2.0552 (stochastic Airy)."""
    law = TracyWidom(4)
    unscaled, general = law.scale(2**0.5), law.scale(2 ** (-1 / 6))
    x = np.linspace(-6, 3, 19)
    f1, f2 = TracyWidom(1).cdf(x), TracyWidom(2).cdf(x)
    assert unscaled.cdf(x) == pytest.approx((f1 + f2 / f1) / 2, abs=1e-14)
    assert unscaled.moment(1) == pytest.approx(-3.2624279028, abs=1e-9)
    assert general.moment(1) == pytest.approx(-2.0552, abs=5e-5)


def largest_eigenvalues(beta: int, size: int, draws: int, rng: np.random.Generator) -> FloatArray:
    """n^(2/3)(λ_max/√n − 2) of the tridiagonal β-ensemble with E|w|² = 1.

    Dumitriu and Edelman 2002, J. Math. Phys. 43.
    """
    from scipy.linalg import eigvalsh_tridiagonal

    kept = int(10 * size ** (1 / 3))  # the rest does not reach the largest eigenvector
    degrees = beta * (size - 1 - np.arange(kept - 1))
    values = []
    for _ in range(draws):
        diagonal = rng.normal(scale=np.sqrt(2 / beta), size=kept)
        off = np.sqrt(rng.chisquare(degrees) / beta)
        top = eigvalsh_tridiagonal(diagonal, off, select="i", select_range=(kept - 1, kept - 1))
        values.append(top[0])
    result: FloatArray = size ** (2 / 3) * (np.array(values) / np.sqrt(size) - 2)
    return result


@pytest.mark.parametrize("beta", BETAS)
def test_largest_eigenvalues_follow_the_law(beta: int) -> None:
    """Dvoretzky–Kiefer–Wolfowitz, false alarm 1e-6, plus 0.01 for the bias, about n^(−1/3)."""
    draws = 1500
    sample = np.sort(largest_eigenvalues(beta, 100_000, draws, np.random.default_rng(5)))
    bound = np.sqrt(np.log(2e6) / (2 * draws)) + 0.01
    law = TracyWidom(beta) if beta < 4 else TracyWidom(4).scale(2 ** (-1 / 6))
    neighbour = law.shift(0.5)
    assert distance(sample, law) < bound
    assert distance(sample, neighbour) > bound


def distance(ordered: FloatArray, law: ProbabilityMeasure) -> float:
    steps = np.arange(ordered.size + 1) / ordered.size
    values = law.cdf(ordered)
    return float(max((steps[1:] - values).max(), (values - steps[:-1]).max()))


@pytest.mark.parametrize("beta", BETAS)
def test_samples_pass_a_bound_that_rejects_a_neighbour(beta: int) -> None:
    """Dvoretzky–Kiefer–Wolfowitz, false alarm 1e-9."""
    n = 20_000
    law = TracyWidom(beta)
    sample = np.sort(law.sample(n, rng=7))
    bound = np.sqrt(np.log(2e9) / (2 * n))
    assert distance(sample, law) < bound
    assert distance(sample, law.scale(1.05)) > bound


def test_sampling_follows_the_generator_and_the_shape() -> None:
    law = TracyWidom(1)
    assert law.sample((3, 2), rng=1).shape == (3, 2)
    assert (law.sample(5, rng=1) == law.sample(5, rng=1)).all()


@pytest.mark.parametrize("beta", BETAS)
def test_quantile_and_cdf(beta: int) -> None:
    law = TracyWidom(beta)
    x = np.linspace(-9, 4, 53)
    # Above the median the digits of F go to 1: the error is 1e-16 over the density.
    assert np.abs(law.quantile(law.cdf(x)) - x).max() < 1e-15 + 2e-16 / law.density(4.0)
    assert np.abs(law.quantile(law.cdf(x[x < -1])) - x[x < -1]).max() < 1e-14
    tail = np.linspace(-1, 40, 60)
    assert np.abs(law.upper_quantile(law.sf(tail)) - tail).max() < 3e-14
    assert law.quantile([0, 1]).tolist() == [-np.inf, np.inf]


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("z", [-2 + 0.02j, 3 - 0.5j, -40 + 1e-3j])
def test_stieltjes_transform_by_two_routes(beta: int, z: complex) -> None:
    law = TracyWidom(beta)
    assert law.stieltjes(z) == pytest.approx(law.stieltjes(z, method="quadrature"), abs=1e-11)
    assert law.stieltjes_derivative(z) == pytest.approx(
        law.stieltjes_derivative(z, method="quadrature"), abs=1e-11
    )


@pytest.mark.parametrize("beta", BETAS)
def test_boundary_values(beta: int) -> None:
    """Im g(x + i0) = πρ(x), Im U(x + i0) = π sf(x), U′ = −g."""
    law = TracyWidom(beta)
    x = np.linspace(-8, 8, 161)
    z = x.astype(complex)
    assert np.abs(law._stieltjes(z).imag / np.pi - law.density(x)).max() < 1e-13
    assert np.abs(law.log_potential(x).imag / np.pi - law.sf(x)).max() < 1e-13
    h = 1e-3
    f = [law.log_potential(x + k * h) for k in (-2, -1, 1, 2)]
    slope = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h)
    assert np.abs(slope + law._stieltjes(z)).max() < 1e-10


@pytest.mark.parametrize("beta", BETAS)
def test_expansion_at_infinity(beta: int) -> None:
    law = TracyWidom(beta)
    z = 2000j
    series = -sum(law.moment(k) / z ** (k + 1) for k in range(5))
    assert abs(law.stieltjes(z) / series - 1) < 1e-13


def test_affine_images() -> None:
    law = TracyWidom(2)
    image = law.scale(3).shift(1)
    assert image.cdf(0.5) == law.cdf(-0.5 / 3)
    assert image.moment(1) == pytest.approx(3 * law.moment(1) + 1)
    assert law.scale(-1).sf(4.0) == law.cdf(-4.0)


def test_shapes_are_kept() -> None:
    law = TracyWidom(1)
    assert np.ndim(law.cdf(0.0)) == np.ndim(law.density(30.0)) == 0
    assert law.cdf(np.zeros((2, 3))).shape == law.density(np.zeros((2, 3))).shape == (2, 3)
    assert law.upper_quantile(np.full((2, 3), 0.1)).shape == (2, 3)
    assert law.cdf([]).shape == (0,)


def test_support_is_the_line() -> None:
    assert TracyWidom(1).support.tolist() == [[-np.inf, np.inf]]
    assert TracyWidom(1).atoms.shape == (0, 2)


@pytest.mark.parametrize("beta", [0, 3, 2.5, "1"])
def test_other_symmetries_are_refused(beta: Any) -> None:
    with pytest.raises(InvalidInputError, match="`beta` must be one of 1, 2, 4"):
        TracyWidom(beta)


def test_values_are_equal_and_hashable() -> None:
    assert TracyWidom(1) == TracyWidom(1) != TracyWidom(2)
    assert len({TracyWidom(1), TracyWidom(1.0)}) == 1  # type: ignore[arg-type]


def test_levels_outside_the_unit_interval_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"`p` must lie in \[0, 1\]. Got 1.5"):
        TracyWidom(1).upper_quantile([0.5, 1.5])
    with pytest.raises(InvalidInputError, match=r"`q` must lie in \[0, 1\]"):
        TracyWidom(1).quantile(-0.1)
