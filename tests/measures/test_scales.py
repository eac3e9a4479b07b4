"""Laws in units near the ends of the doubles: as in any other unit, or a sentence."""

from collections.abc import Callable

import numpy as np
import pytest

from pastur import Atoms, MarchenkoPastur, PasturError, ProbabilityMeasure, Semicircle, Uniform

LAWS: dict[str, tuple[Callable[[float], ProbabilityMeasure], float]] = {
    "semicircle": (Semicircle, 1.0),
    "semicircle off 0": (lambda s: Semicircle(s, center=s), 1.0),
    "wide": (lambda s: MarchenkoPastur(0.5, s), 2.0),
    "square": (lambda s: MarchenkoPastur(1.0, s), 2.0),
    "tall": (lambda s: MarchenkoPastur(2.0, s), 2.0),
    "uniform": (lambda s: Uniform(-s, 2 * s), 1.0),
    "atoms": (lambda s: Atoms([0.0, s], [0.25, 0.75]), 1.0),
}
POINTS = np.array([-3.0, -0.5, 0.3, 1.1, 1.7, 2.5, 7.0])


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("scale", [1e-290, 1e-170, 1e-140, 1e-60, 1e60, 1e140, 1e170, 1e290])
def test_a_law_is_the_same_in_any_unit(name: str, scale: float) -> None:
    make, power = LAWS[name]
    if power == 2.0 and abs(np.log10(scale)) > 152:
        with pytest.raises(PasturError, match=r"beyond the doubles\. Use another unit"):
            make(scale)
        return
    law, plain, unit = make(scale), make(1.0), scale**power
    np.testing.assert_allclose(law.cdf(unit * POINTS), plain.cdf(POINTS), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(
        law.density(unit * POINTS) * unit, plain.density(POINTS), rtol=1e-12, atol=1e-15
    )
    levels = np.linspace(0.0, 1.0, 11)
    np.testing.assert_allclose(
        law.quantile(levels) / unit, plain.quantile(levels), rtol=1e-9, atol=1e-12
    )
    z = POINTS + 0.4j
    np.testing.assert_allclose(law.stieltjes(unit * z) * unit, plain.stieltjes(z), rtol=1e-11)
    potential = law.log_potential(unit * z) - np.log(unit)
    np.testing.assert_allclose(potential, plain.log_potential(z), rtol=1e-11, atol=1e-12)
    assert law.moment(1) == pytest.approx(unit * plain.moment(1), rel=1e-12)
    assert law.support[-1, 1] == pytest.approx(unit * plain.support[-1, 1])


@pytest.mark.parametrize("law", [Semicircle(1e-170), Uniform(0.0, 1e-170), Atoms([0.0, 1e-170])])
def test_a_transform_that_no_double_holds_is_refused(law: ProbabilityMeasure) -> None:
    with pytest.raises(PasturError, match=r"transform at `z` = .* is beyond the doubles"):
        law.stieltjes_derivative(5e-170 + 1e-170j)


@pytest.mark.parametrize(
    "law", [Semicircle(1e170), Uniform(0.0, 1e170), Atoms([0.0, 1e170]), MarchenkoPastur(2.0, 1e90)]
)
def test_what_vanishes_is_zero_and_a_moment_beyond_the_doubles_is_refused(
    law: ProbabilityMeasure,
) -> None:
    assert law.stieltjes_derivative(5e170 * (1 + 1j)) == 0.0
    with pytest.raises(PasturError, match="moment of order 4 is beyond the doubles"):
        law.moment(4)


@pytest.mark.parametrize("sigma", [1e-306, 1e306])
def test_a_semicircle_at_the_end_of_the_doubles_is_refused(sigma: float) -> None:
    with pytest.raises(PasturError, match=r"`sigma` = .* Use another unit"):
        Semicircle(sigma)
