"""Laws of distribution functions, quantiles and samples, for every probability measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.measures import Atoms, MarchenkoPastur, ProbabilityMeasure, Semicircle, Uniform

if TYPE_CHECKING:
    from tests.measures.conftest import Example

SAMPLES = 20_000
# Dvoretzky–Kiefer–Wolfowitz: P(sup|Fₙ − F| > ε) ≤ 2·exp(−2nε²), for any F. With a false-alarm
# probability of 1e-9 for each law ε is 0.0231.
FALSE_ALARM = 1e-9
DISTANCE = np.sqrt(np.log(2 / FALSE_ALARM) / (2 * SAMPLES))
ROUNDING = 1e-14


def grid(law: Any) -> np.ndarray:
    """Points below, at, between, inside and above everything that the law consists of."""
    ends = np.unique(np.concatenate([law.bounds.ravel(), law.measure.atoms[:, 0]]))
    beside = [np.nextafter(ends, -np.inf), ends, np.nextafter(ends, np.inf)]
    return np.sort(np.concatenate([*beside, law.interior(), law.outside()]))


def levels(law: Example) -> np.ndarray:
    """Levels with the exact steps of the cdf among them."""
    steps = law.probability.cdf(grid(law))
    result: np.ndarray = np.clip(
        np.concatenate([np.linspace(0, 1, 101), steps, steps - 1e-9]), 0, 1
    )
    return result


def test_cdf_is_the_integral_of_the_density(example: Example) -> None:
    """For signed measures too."""
    x = np.concatenate([example.interior(), example.outside(), example.measure.atoms[:5, 0]])
    expected = [example.integral(np.ones_like, upto=t) for t in x]
    np.testing.assert_allclose(example.measure.cdf(x), expected, rtol=0, atol=2e-12)


def test_a_closed_interval_has_the_atoms_at_both_ends(example: Example) -> None:
    measure = example.measure
    ends = np.unique(np.concatenate([example.bounds.ravel(), measure.atoms[:5, 0]]))
    pairs = np.array([(a, b) for a in ends for b in ends if a <= b])
    atoms = dict(measure.atoms.tolist())
    expected = [
        example.integral(np.ones_like, upto=b)
        - example.integral(np.ones_like, upto=a)
        + atoms.get(a, 0.0)
        for a, b in pairs
    ]
    np.testing.assert_allclose(measure.measure_of(pairs), expected, rtol=0, atol=4e-12)
    everything = measure.measure_of((-np.inf, np.inf))
    assert everything == pytest.approx(measure.mass, abs=1e-14)


def test_a_small_measure_in_a_tail_has_its_own_digits() -> None:
    """On both sides; against the closed form of ∫ (2 − t)^½ near the edge."""
    law = Semicircle(1.0)
    for side in (1.0, -1.0):
        ends = sorted([side * (2 - 1e-8), side * 2.0])
        expected = 2 / (3 * np.pi) * 1e-8**1.5 * (1 - 3 / 40 * 1e-8)
        assert law.measure_of(ends) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    ("interval", "sentence"),
    [
        ((2.0, 1.0), r"must not end before it begins. Got \(2, 1\)"),
        ([[0.0, 1.0], [3.0, -np.inf]], r"Got \(3, -inf\)"),
        # A point is an interval; the one behind it is not.
        ([[1.0, 1.0], [3.0, 2.0]], r"Got \(3, 2\)"),
        (1.0, r"must be \(low, high\), or several of shape \(k, 2\). Got shape \(\)"),
        ([1.0, 2.0, 3.0], r"Got shape \(3,\)"),
        ((np.nan, 1.0), "`interval` must not be NaN"),
    ],
)
def test_what_is_no_interval_is_refused(interval: Any, sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        (2 * Uniform(0, 1) - Semicircle(1.0)).measure_of(interval)


def test_cdf_climbs_from_zero_to_one(law: Example) -> None:
    x = grid(law)
    values = law.probability.cdf(x)
    assert np.all(np.diff(values) >= -ROUNDING)
    assert law.probability.cdf(-np.inf) == 0
    assert law.probability.cdf(np.inf) == 1
    assert law.probability.cdf(law.bounds[-1, 1]) == pytest.approx(1, abs=ROUNDING)
    assert law.probability.cdf(np.nextafter(law.bounds[0, 0], -np.inf)) == pytest.approx(
        0, abs=ROUNDING
    )


def test_cdf_and_survival_function_add_up_to_one(law: Example) -> None:
    x = np.append(grid(law), [-np.inf, np.inf])
    np.testing.assert_allclose(
        law.probability.cdf(x) + law.probability.sf(x), 1, rtol=0, atol=ROUNDING
    )


def test_jumps_of_the_cdf_are_the_atoms(law: Example) -> None:
    x = grid(law)
    # Between neighbouring floats the rest climbs by √eps at most, at a hard edge.
    jump = law.probability.cdf(x) - law.probability.cdf(np.nextafter(x, -np.inf))
    masses = dict(law.measure.atoms.tolist())
    expected = [masses.get(t, 0.0) for t in x.tolist()]
    np.testing.assert_allclose(jump, expected, rtol=0, atol=3e-8)


def test_quantile_and_cdf_are_a_galois_connection(law: Example) -> None:
    q = levels(law)
    # Brackets are two units in the last place wide: q ≤ F holds at the upper end of that.
    least = law.probability.quantile(q)
    beside = least * (1 + 4e-16 * np.sign(least))
    assert np.all(law.probability.cdf(beside) >= q - ROUNDING)
    x = grid(law)
    # Q(F(x)) ≤ x; at a soft edge F is like d^(3/2), where rounding moves x by 1e-10.
    inside = x[x >= law.measure.support[0, 0]]
    if np.isinf(law.measure.support[-1, 1]):
        # Far out in an upper tail 1 − F is rounded away, and the quantile of 1 is infinite.
        inside = inside[law.probability.sf(inside) > 1e-6]
    assert np.all(
        law.probability.quantile(law.probability.cdf(inside)) <= inside + 1e-9 * law.scale
    )


def test_quantile_inverts_the_cdf_where_it_is_continuous(law: Example) -> None:
    x = law.interior()
    x = x[law.measure.density(x) * law.scale > 1e-10]
    back = law.probability.quantile(law.probability.cdf(x))
    # An error of 1e-15 in F moves x by that over the density.
    slack = 1e-14 / law.measure.density(x)
    assert np.all(np.abs(back - x) <= slack + 1e-14 * law.scale)


def test_quantile_stays_on_the_support(law: Example) -> None:
    points = law.probability.quantile(levels(law))
    support = law.measure.support
    index = np.searchsorted(support[:, 0], points, side="right") - 1
    assert np.all(index >= 0)
    assert np.all(points <= support[index, 1])


def test_quantiles_at_the_ends_are_those_of_the_support(law: Example) -> None:
    assert law.probability.quantile(0) == law.measure.support[0, 0]
    assert law.probability.quantile(1) == law.measure.support[-1, 1]


def test_quantile_of_an_atom_covers_its_jump(law: Example) -> None:
    for point in law.measure.atoms[:20, 0]:
        top = law.probability.cdf(point)
        bottom = law.probability.cdf(np.nextafter(point, -np.inf))
        between = law.probability.quantile([0.75 * bottom + 0.25 * top, (bottom + top) / 2, top])
        np.testing.assert_array_equal(between, point)


def kolmogorov_distance(measure: Any, draws: FloatArray) -> float:
    """sup|Fₙ − F| over the sample points, from the right and from the left."""
    x, counts = np.unique(draws, return_counts=True)
    empirical = np.cumsum(counts) / draws.size
    right = np.abs(empirical - measure.cdf(x))
    left = np.abs(empirical - counts / draws.size - measure.cdf(np.nextafter(x, -np.inf)))
    return float(max(right.max(), left.max()))


def test_samples_follow_the_law(law: Example) -> None:
    draws = law.probability.sample(SAMPLES, rng=20251123)
    assert draws.shape == (SAMPLES,)
    assert kolmogorov_distance(law.measure, draws) <= DISTANCE


@pytest.mark.slow
def test_samples_do_not_follow_a_neighbour(law: Example) -> None:
    draws = law.probability.sample(SAMPLES, rng=20251123)
    width = np.ptp(law.bounds)
    neighbour = law.measure.shift(0.1 * width if width > 0 else 0.1)
    assert kolmogorov_distance(neighbour, draws) > DISTANCE


def test_same_seed_same_samples(law: Example) -> None:
    first, second = (law.probability.sample((3, 2), rng=5) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (3, 2)


def test_quantile_in_a_gap_belongs_to_its_lower_end() -> None:
    mixture = 0.5 * Semicircle(0.3, -2.0) + 0.5 * Uniform(1.0, 3.0)
    assert isinstance(mixture, ProbabilityMeasure)
    assert mixture.quantile(0.5) == pytest.approx(-1.4, abs=1e-15)
    assert mixture.quantile(0.5 + 1e-9) >= 1.0


@pytest.mark.parametrize("n", [7, 1000, 100_000])
def test_quantiles_of_equal_atoms_at_their_own_levels(n: int) -> None:
    law = Atoms(np.arange(n))
    k = np.arange(1, n + 1)
    np.testing.assert_array_equal(law.quantile(k / n), k - 1)
    np.testing.assert_array_equal(law.quantile((k - 0.5) / n), k - 1)
    np.testing.assert_allclose(law.cdf(k - 1), k / n, rtol=0, atol=2e-16)


def test_hard_edge_keeps_its_digits() -> None:
    # c = 1, σ = 1: the density √(4 − x)/(2π√x) = (1/(π√x))(1 − x/8 − …) gives F term by term.
    x = np.array([1e-30, 1e-20, 1e-12])
    expected = 2 * np.sqrt(x) / np.pi * (1 - x / 24)
    law = MarchenkoPastur(1.0, 1.0)
    np.testing.assert_allclose(law.cdf(x), expected, rtol=0, atol=5e-16)
    np.testing.assert_allclose(law.density(x), (1 - x / 8) / (np.pi * np.sqrt(x)), rtol=1e-14)


def test_marchenko_pastur_at_its_edges() -> None:
    square, wide, tall = (MarchenkoPastur(c, 1.0) for c in (1.0, 0.25, 4.0))
    assert square.density(0.0) == np.inf
    assert square.density(4.0) == 0
    assert wide.density([0.0, 0.25, 2.25, 3.0]).tolist() == [0, 0, 0, 0]
    assert tall.density(0.0) == 0
    assert tall.cdf([-1e-300, 0.0, 1.0, 9.0]) == pytest.approx([0, 0.75, 0.75, 1], abs=1e-15)
    assert tall.quantile([0.0, 0.75, 1.0]).tolist() == [0.0, 0.0, 9.0]
