"""Misuse of either model ends in a sentence that says what was asked, got, and what to do."""

from collections.abc import Sequence

import numpy as np
import pytest

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur.measures import Atoms, Empirical, Semicircle, TracyWidom, Uniform
from pastur.measures._contract.combination import SignedSum
from pastur.models import DeformedWigner, InformationPlusNoise

SYMMETRIC = DeformedWigner(Atoms([-1.5, 1.5]), sigma=0.8)
RECTANGULAR = InformationPlusNoise(Atoms([4.0, 9.0]), sigma=0.7, ratio=0.3)
BOTH = pytest.mark.parametrize("model", [SYMMETRIC, RECTANGULAR], ids=["symmetric", "rectangular"])
MAKERS = pytest.mark.parametrize("make", [DeformedWigner, InformationPlusNoise])


@MAKERS
@pytest.mark.parametrize("sigma", [0, -1.0])
def test_noise_level_must_be_positive(make: type, sigma: float) -> None:
    with pytest.raises(InvalidInputError, match=rf"`sigma` must be positive\. Got {sigma:g}"):
        make(Atoms([1.0]), sigma=sigma)


@MAKERS
@pytest.mark.parametrize("sigma", [np.nan, np.inf])
def test_noise_level_must_be_finite(make: type, sigma: float) -> None:
    with pytest.raises(InvalidInputError, match="`sigma`"):
        make(Atoms([1.0]), sigma=sigma)


@pytest.mark.parametrize("ratio", [1.5, 0.0, -0.5])
def test_ratio_is_the_short_side_over_the_long_one(ratio: float) -> None:
    with pytest.raises(InvalidInputError, match=rf"transpose a tall matrix\. Got {ratio:g}"):
        InformationPlusNoise(Atoms([1.0]), ratio=ratio)


@MAKERS
def test_beta_is_one_or_two(make: type) -> None:
    with pytest.raises(InvalidInputError, match=r"`beta` must be one of 1, 2\. Got 4"):
        make(Atoms([1.0]), beta=4)


@MAKERS
@pytest.mark.parametrize("signal", [[1.0], 2 * Semicircle(0.1, 3.0) - Atoms([2.0])])
def test_the_signal_is_a_probability_measure(
    make: type, signal: Sequence[float] | SignedSum
) -> None:
    words = r"must be a probability measure( of squared singular values)?, such as Atoms\(\[0"
    with pytest.raises(InvalidTypeError, match=words):
        make(signal)


@MAKERS
def test_a_signal_of_unbounded_support_is_refused(make: type) -> None:
    with pytest.raises(InvalidInputError, match=r"support must be bounded|have bounded support"):
        make(TracyWidom(1))


@pytest.mark.parametrize("h", [Atoms([-1e-3, 1.0]), Semicircle(1.0), Uniform(-1.0, 2.0)])
def test_squared_singular_values_are_not_negative(h: Uniform | Semicircle | Atoms) -> None:
    with pytest.raises(InvalidInputError, match=r"lie in\s\[0, ∞\)"):
        InformationPlusNoise(h)


@BOTH
def test_transforms_have_no_value_on_the_support(
    model: InformationPlusNoise | DeformedWigner,
) -> None:
    middle = float(model.law.support.mean(axis=1)[0])
    for function in (model.law.stieltjes, model.omega, model.spike):
        with pytest.raises(InvalidInputError, match="lies on the support"):
            function(middle)
    on_signal = float(model.critical_spikes[1] * 0 + model.signal.support[0, 0])
    with pytest.raises(InvalidInputError, match="lies on the support"):
        model.phi(on_signal)


@BOTH
def test_spikes_inside_the_signals_law_are_refused(
    model: InformationPlusNoise | DeformedWigner,
) -> None:
    atom = float(model.signal.support[1, 0])
    for function in (model.outlier, model.is_supercritical, model.overlap):
        with pytest.raises(InvalidInputError, match=rf"theta = {atom:g} lies on the support"):
            function(atom)
        with pytest.raises(InvalidInputError, match=rf"theta = {atom:g} lies on the support"):
            function([100.0, atom])
    with pytest.raises(InvalidInputError, match="lies on the support"):
        model.fluctuation(atom, 100)
    inside = type(model)(Uniform(1.0, 2.0))
    with pytest.raises(InvalidInputError, match=r"theta = 1\.5 lies on the support"):
        inside.outlier(1.5)


def test_spikes_of_a_rectangular_matrix_are_squares() -> None:
    with pytest.raises(InvalidInputError, match=r"squared singular value[\s\S]*Got -1"):
        RECTANGULAR.outlier(-1.0)


@BOTH
def test_sizes_are_positive_integers(model: InformationPlusNoise | DeformedWigner) -> None:
    for function in (lambda n: model.fluctuation(100.0, n), model.edge_scale):
        with pytest.raises(InvalidInputError, match=r"`n` must be at least 1\. Got 0"):
            function(0)
        with pytest.raises(InvalidTypeError, match="`n`"):
            function(2.5)  # type: ignore[arg-type]


@BOTH
@pytest.mark.parametrize("theta", [np.nan, np.inf])
def test_spikes_are_finite(model: InformationPlusNoise | DeformedWigner, theta: float) -> None:
    with pytest.raises(InvalidInputError, match="theta"):
        model.outlier(theta)


@BOTH
def test_spikes_are_real(model: InformationPlusNoise | DeformedWigner) -> None:
    with pytest.raises(InvalidTypeError, match="theta"):
        model.outlier(3.0 + 1j)


@MAKERS
def test_an_eigenvalue_that_is_no_number_is_refused(make: type) -> None:
    with pytest.raises(InvalidInputError, match="values"):
        make(Empirical([1.0, np.nan]))
