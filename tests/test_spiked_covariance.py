"""The covariance estimator: its values by other routes, and its loss on planted data."""

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pastur import MarchenkoPastur, PasturError
from pastur._errors import PasturWarning
from pastur._typing import FloatArray
from pastur.estimation.covariance import _of_law, _smoothed

sklearn = pytest.importorskip("sklearn")

from sklearn.covariance import OAS, EmpiricalCovariance, LedoitWolf  # noqa: E402

from pastur.sklearn import SpikedCovariance, SpikedPCA  # noqa: E402

Array = np.ndarray[Any, Any]
# Some tests ask for a noise that the data contradict; the one that tests the warning catches it.
pytestmark = pytest.mark.filterwarnings("ignore:The data contradict .* noise")


def planted(rng: np.random.Generator, n: int, p: int, variances: FloatArray) -> tuple[Array, Array]:
    """Gaussian samples, and their covariance: eigenvalues 1 + `variances`, then 1."""
    basis = np.linalg.qr(rng.normal(size=(p, variances.size)))[0]
    covariance = np.eye(p) + (basis * variances) @ basis.T
    scores = rng.normal(size=(n, variances.size)) * np.sqrt(variances)
    return 3 + rng.normal(size=(n, p)) + scores @ basis.T, covariance


def oracle(x: Array, covariance: Array) -> Array:
    """The closest to the covariance of all matrices with the directions of the data."""
    vectors = np.linalg.svd(x - x.mean(axis=0))[2]
    kept = np.einsum("ij,jk,ik->i", vectors, covariance, vectors)
    return np.asarray((vectors.T * kept) @ vectors)


FEW, MANY = np.array([16.0, 8.0, 4.0]), np.linspace(2.0, 10.0, 50)


@pytest.mark.parametrize(
    ("n", "p", "variances", "noise", "method"),
    [
        (300, 100, FEW, "auto", "spiked"),
        (100, 200, FEW, "auto", "spiked"),
        (400, 250, MANY, "white", "law"),
        (150, 250, MANY, "white", "law"),
        (300, 100, FEW, "free", "smoothed"),
        (100, 200, MANY, "free", "smoothed"),
    ],
)
def test_the_loss_is_near_the_least_that_there_is(
    n: int, p: int, variances: FloatArray, noise: str, method: str
) -> None:
    losses = []
    for seed in range(3):
        x, true = planted(np.random.default_rng([50, seed]), n, p, variances)
        found = SpikedCovariance(noise=noise).fit(x)
        assert found.method_ == method
        estimates = [found.covariance_, oracle(x, true)]
        estimates += [e.fit(x).covariance_ for e in (LedoitWolf(), OAS(), EmpiricalCovariance())]
        losses.append([np.linalg.norm(e - true) for e in estimates])
    own, least, *others = np.mean(losses, axis=0)
    assert own < 1.08 * least
    assert own < min(others)


@pytest.mark.parametrize(("n", "p"), [(80, 40), (40, 80), (60, 60)])
def test_smoothed_values_are_those_of_a_slow_transcription(n: int, p: int) -> None:
    x = np.random.default_rng(51).normal(size=(n, p)) * np.linspace(1, 3, p)
    values = np.linalg.svd(x, compute_uv=False) ** 2 / n
    found, rest = _smoothed(values, n, p)
    expected, zero = slowly(values, n, p)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    if p > n:
        assert rest == pytest.approx(zero)


def slowly(values: FloatArray, n: int, p: int) -> tuple[FloatArray, float]:
    """Ledoit and Wolf 2022, section 4.1, term by term."""
    c = p / n
    h = min(c**2, 1 / c**2) ** 0.35 / p**0.35
    shrunk = []
    for own in values:
        theta = height = 0.0
        for other in values:
            apart = 1 / other - 1 / own
            below = apart**2 + h**2 / other**2
            theta += apart / other / below / values.size
            height += h / other**2 / below / values.size
        size = theta**2 + height**2
        if p <= n:
            inverse = ((1 - c) ** 2 + 2 * c * (1 - c) * theta + c**2 * size) / own
        else:
            inverse = size / own
        shrunk.append(1 / inverse)
    zero = 1 / ((c - 1) * np.mean(1 / values)) if p > n else 0.0
    factor = values.sum() / (sum(shrunk) + zero * max(p - n, 0))
    return factor * np.array(shrunk), float(factor * zero)


@pytest.mark.parametrize(("samples", "features"), [(400, 100), (100, 400)])
def test_the_law_of_noise_shrinks_to_one_value(samples: int, features: int) -> None:
    # Whatever its eigenvalues are, the covariance of pure noise is σ².
    size, longer, sigma = min(samples, features), max(samples, features), 1.7
    law = MarchenkoPastur(size / longer, sigma)
    low, high = law.support[0]
    squares = np.linspace(low, high, 42)[1:-1]
    level = sigma**2 / longer
    fit: Any = SimpleNamespace(edge=1.0, law_in=lambda unit: law)
    values = np.interp(np.linspace(0, 1, size), np.linspace(0, 1, 40), np.sqrt(squares))
    found, _ = _of_law(fit, values, samples, features)
    np.testing.assert_allclose(found, level, rtol=1e-6)


def test_the_spiked_model_has_the_published_values() -> None:
    # Donoho, Gavish, Johnstone 2018: ℓc² + 1 − c² with ℓ and c of the observed eigenvalue.
    x, _ = planted(np.random.default_rng(52), 400, 200, np.array([20.0]))
    found = SpikedCovariance().fit(x)
    level, ratio = found.fit_.entry_sd**2, 200 / 399
    y = found.spectrum_[0] ** 2 / 399 / level
    spike = (y + 1 - ratio + np.sqrt((y + 1 - ratio) ** 2 - 4 * y)) / 2
    cosine = (1 - ratio / (spike - 1) ** 2) / (1 + ratio / (spike - 1))
    value = np.linalg.eigvalsh(found.covariance_)[-1] / level
    assert value == pytest.approx(spike * cosine + 1 - cosine, rel=0.01)
    # As the spike was observed it is larger.
    assert y > 1.02 * value


def test_components_and_covariance_agree() -> None:
    x, _ = planted(np.random.default_rng(53), 120, 80, FEW)
    pca, found = SpikedPCA().fit(x), SpikedCovariance().fit(x)
    np.testing.assert_allclose(found.covariance_, pca.get_covariance(), rtol=0.02, atol=0.02)
    assert found.score(x) == pytest.approx(pca.score(x), rel=1e-3)
    np.testing.assert_allclose(found.precision_ @ found.covariance_, np.eye(80), atol=1e-9)
    assert found.get_precision() is found.precision_
    np.testing.assert_allclose(np.diagonal(found.correlation_), 1.0)
    assert np.abs(found.correlation_).max() < 1 + 1e-12


def test_variances_of_features_are_kept_apart() -> None:
    rng = np.random.default_rng(54)
    x, true = planted(rng, 250, 120, FEW)
    units = np.exp(0.8 * rng.normal(size=120))
    x, true = x * units, true * np.multiply.outer(units, units)
    losses = {
        noise: SpikedCovariance(noise=noise).fit(x).error_norm(true)
        for noise in ("profile", "white", "free")
    }
    assert losses["profile"] < 0.5 * min(losses["white"], losses["free"])


def test_a_contradicted_noise_is_said() -> None:
    x, _ = planted(np.random.default_rng(58), 200, 60, FEW)
    with pytest.warns(PasturWarning, match=r"contradict white noise.*different variances"):
        SpikedCovariance(noise="white").fit(x * np.geomspace(0.1, 10, 60))
    with warnings.catch_warnings(action="error"):
        SpikedCovariance(noise="white").fit(x)


def test_standardized_features_may_have_any_units() -> None:
    rng = np.random.default_rng(55)
    x, _ = planted(rng, 200, 60, FEW)
    units = 10.0 ** rng.uniform(-6, 6, 60)
    plain = SpikedCovariance(noise="white", standardize=True).fit(x)
    scaled = SpikedCovariance(noise="white", standardize=True).fit(x * units)
    np.testing.assert_allclose(scaled.correlation_, plain.correlation_, atol=1e-9)
    np.testing.assert_allclose(
        scaled.covariance_, plain.covariance_ * np.multiply.outer(units, units)
    )
    unscaled = SpikedCovariance(noise="white").fit(x * units)
    assert np.abs(unscaled.correlation_ - plain.correlation_).max() > 0.1


def test_constant_features_have_no_variance() -> None:
    x, _ = planted(np.random.default_rng(56), 60, 80, FEW)
    whole = np.insert(x, [0, 30], 7.0, axis=1)
    found, inner = SpikedCovariance().fit(whole), SpikedCovariance().fit(x)
    constant = np.ptp(whole, axis=0) == 0
    assert not found.covariance_[constant].any() and not found.precision_[constant].any()
    kept = np.ix_(~constant, ~constant)
    np.testing.assert_allclose(found.covariance_[kept], inner.covariance_, atol=1e-8)
    np.testing.assert_allclose(found.precision_[kept], inner.precision_, atol=1e-8)
    assert np.isnan(found.correlation_[constant]).all()


def test_data_without_noise_keep_their_covariance() -> None:
    rng = np.random.default_rng(57)
    x = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 30))
    found = SpikedCovariance().fit(x)
    np.testing.assert_allclose(found.covariance_, np.cov(x.T), atol=1e-9)
    np.testing.assert_allclose(found.precision_, np.linalg.pinv(np.cov(x.T)), atol=1e-6)


def test_a_wrong_flag_is_refused() -> None:
    with pytest.raises(PasturError, match="`standardize` must be True or False"):
        SpikedCovariance(standardize="yes").fit(np.eye(5, 4))  # type: ignore[arg-type]
