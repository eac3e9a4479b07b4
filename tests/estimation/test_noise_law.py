"""The law of noise in Chebyshev coordinates against the measures, its 1/n terms against sums."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.integrate import quad

from pastur.estimation._kinds.noise_law import NoiseLaw, spike_strengths
from pastur.estimation._kinds.rectangular import RectangularWhiteNoise
from pastur.estimation._kinds.symmetric import SymmetricWhiteNoise
from pastur.estimation._low_rank.noise_level import bias_by_hidden, count_shift, noise_level
from pastur.measures import MarchenkoPastur, ProbabilityMeasure, Semicircle

LAWS = {
    "square": (RectangularWhiteNoise(300, 300).law(0), MarchenkoPastur(1.0, 1.0)),
    "wide": (RectangularWhiteNoise(300, 1200).law(0), MarchenkoPastur(0.25, 1.0)),
    "very wide": (RectangularWhiteNoise(3, 10**7).law(0), MarchenkoPastur(3e-7, 1.0)),
    # Entries keep their size when five rows and columns go: σ² shrinks with the columns.
    "reduced": (
        RectangularWhiteNoise(50, 80).law(5),
        MarchenkoPastur(45 / 75, float(np.sqrt(75 / 80))),
    ),
    "semicircle": (SymmetricWhiteNoise(300).law(0), Semicircle(1.0)),
    "reduced semicircle": (SymmetricWhiteNoise(300).law(30), Semicircle(float(np.sqrt(0.9)))),
}
ANGLES = np.linspace(0.05, np.pi - 0.05, 41)


@pytest.fixture(params=list(LAWS))
def pair(request: pytest.FixtureRequest) -> tuple[NoiseLaw, ProbabilityMeasure]:
    return LAWS[request.param]


def test_the_tail_is_that_of_the_measure(
    pair: tuple[NoiseLaw, ProbabilityMeasure],
) -> None:
    law, measure = pair
    # 1e-9: three terms of the series for √c < 1e-3, digits lost near the hard edge of c = 1.
    np.testing.assert_allclose(law.tail(ANGLES), measure.sf(law.points(ANGLES)), atol=1e-9)


def test_the_density_is_that_of_the_measure(
    pair: tuple[NoiseLaw, ProbabilityMeasure],
) -> None:
    law, measure = pair
    by_angle = measure.density(law.points(ANGLES)) * law.half_width * np.sin(ANGLES)
    np.testing.assert_allclose(law.density(ANGLES), by_angle, rtol=1e-9)


def test_the_moments_are_integrals(pair: tuple[NoiseLaw, ProbabilityMeasure]) -> None:
    law, measure = pair

    def chebyshev(k: int) -> float:
        def t(x: float) -> float:
            return float(np.clip(law.cosine(np.asarray(x)), -1, 1))

        return measure.integrate(lambda x: float(2 * np.cos(k * np.arccos(t(x)))))

    # arccos keeps half of the digits at the ends: 1e-7.
    np.testing.assert_allclose(law.moments(6), [chebyshev(k) for k in range(1, 7)], atol=1e-7)


def test_angles_invert_the_tail(pair: tuple[NoiseLaw, ProbabilityMeasure]) -> None:
    law, _ = pair
    tail = np.linspace(0.02, 0.98, 97)
    np.testing.assert_allclose(law.tail(law.angles(tail)), tail, atol=1e-10)


def test_ends_and_points_agree_with_the_support(
    pair: tuple[NoiseLaw, ProbabilityMeasure],
) -> None:
    law, measure = pair
    ends = law.points(np.array([np.pi, 0.0]))
    np.testing.assert_allclose(ends, measure.support[-1], atol=1e-12)
    assert law.tail(np.array([0.0, np.pi])) == pytest.approx([0.0, 1.0], abs=1e-12)


@pytest.mark.parametrize("strengths", [[], [1.5], [-1.5], [2.0, -3.0, 1.2]])
def test_the_shift_of_the_count_is_the_sum_over_modes(strengths: Sequence[float]) -> None:
    # (1/π) Σ_k e_k sin(kφ)/k with e_k = (1 + (−1)^k)/2 − Σ a^(−k), summed in Abel's sense.
    k = np.arange(1.0, 40001.0)
    damping = np.exp(-((k / 8000) ** 2))
    mean = (1 + (-1) ** k) / 2 - sum((a**-k for a in strengths), np.zeros_like(k))
    naive = [np.sum(damping * mean * np.sin(k * angle) / k) / np.pi for angle in ANGLES]
    np.testing.assert_allclose(count_shift(ANGLES, np.array(strengths)), naive, atol=1e-5)


@pytest.mark.parametrize("noise", [RectangularWhiteNoise(60, 120), RectangularWhiteNoise(200, 200)])
def test_a_hidden_spike_moves_the_level_by_its_share_of_every_mode(
    noise: RectangularWhiteNoise,
) -> None:
    """Values moved by what one critical spike adds to the count above each, over the crowding."""
    law = noise.law(0)
    angle = law.angles((np.arange(noise.size) + 0.5) / noise.size)
    added = np.arctan2(np.sin(angle), 1 - np.cos(angle)) / np.pi
    moved = angle - (count_shift(angle, np.empty(0)) + added) / (noise.size * law.density(angle))
    bulk = law.points(np.clip(moved, 0.0, np.pi))
    bias = noise_level(bulk, law, np.empty(0)) - 1
    # Modes beyond the 32nd, and terms of second order.
    assert bias == pytest.approx(bias_by_hidden(law), rel=0.05)


# Values of the bulk, their number by their number of columns.
SIDES = [(2000, 2000), (1000, 2000), (500, 4000)]


def bias_by_integrals(n: int, m: int) -> float:
    """Return what a critical spike adds to the level, over the continuous law of Marčenko–Pastur.

    The value at φ is x = 1 + c + 2√c cos φ. A count raised by Σ sin(kφ)/(πk) moves it by that times
    2√c sin φ/(n g), where n g is the number of values per φ: g cancels in the regression on x.
    """
    c, k = n / m, np.arange(1.0, 33.0)

    def position(angle: float) -> float:
        return float(1 + c + 2 * np.sqrt(c) * np.cos(angle))

    def moved(angle: float) -> float:
        count = float((np.sin(k * angle) / (np.pi * k)).sum())
        return float(position(angle) * 2 * np.sqrt(c) * np.sin(angle) * count / n)

    law = MarchenkoPastur(c, 1.0)
    low, high = (float(x) for x in law.quantile(np.array([0.1, 0.9])))
    first, last = (float(np.arccos((x - 1 - c) / (2 * np.sqrt(c)))) for x in (high, low))
    squares = quad(lambda x: x**2 * float(law.density(x)), low, high)[0]
    return float(quad(moved, first, last, limit=200)[0] / squares)


@pytest.mark.parametrize("sides", SIDES)
def test_the_bias_by_a_hidden_spike_is_an_integral(sides: tuple[int, int]) -> None:
    bias = bias_by_hidden(RectangularWhiteNoise(*sides).law(0))
    assert bias == pytest.approx(bias_by_integrals(*sides), rel=1e-4)
    assert 1.01 * bias != pytest.approx(bias_by_integrals(*sides), rel=1e-3)


def test_strengths_of_outliers_are_those_of_the_models() -> None:
    # Symmetric: θ/σ. Rectangular: θ²/(σ²√c).
    law, theta = SymmetricWhiteNoise(100).law(0), np.array([1.3, -2.0])
    np.testing.assert_allclose(spike_strengths(law.cosine(theta + 1 / theta)), theta)
    law, squared = RectangularWhiteNoise(100, 400).law(0), np.array([0.7, 9.0])
    outlier = (squared + 1) * (squared + 0.25) / squared
    np.testing.assert_allclose(spike_strengths(law.cosine(outlier)), squared / 0.5)


def test_a_value_on_the_bulk_has_the_strength_of_the_edge() -> None:
    assert spike_strengths(np.array([0.3, -0.9])).tolist() == [1.0, -1.0]


def test_the_law_is_a_value() -> None:
    assert NoiseLaw(3, 0.5, 1.0, 1.0) == NoiseLaw(3, 0.5, 1.0, 1.0)
