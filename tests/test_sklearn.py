"""The scikit-learn estimators: the library's own checks, and what they find."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from pastur._typing import FloatArray

sklearn = pytest.importorskip("sklearn")

from sklearn.decomposition import PCA  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from pastur.sklearn import SpikedPCA  # noqa: E402


@parametrize_with_checks([SpikedPCA()])  # type: ignore[untyped-decorator]
def test_the_estimator_passes_the_checks_of_scikit_learn(
    estimator: SpikedPCA, check: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # One of the checks is skipped without it.
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    check(estimator)


def data(
    rng: np.random.Generator, shape: tuple[int, int], strengths: Sequence[float], mean: float = 5.0
) -> tuple[FloatArray, FloatArray]:
    """Noise of variance 1 about a mean, and components of given standard deviations."""
    n, p = shape
    directions = np.linalg.qr(rng.normal(size=(p, max(len(strengths), 1))))[0][:, : len(strengths)]
    scores = rng.normal(size=(n, len(strengths))) * np.asarray(strengths)
    return mean + scores @ directions.T + rng.normal(size=shape), directions


@pytest.mark.parametrize("shape", [(200, 80), (80, 200)])
def test_components_and_noise_are_found(shape: tuple[int, int]) -> None:
    x, directions = data(np.random.default_rng(0), shape, [6.0, 4.0])
    found = SpikedPCA().fit(x)
    assert found.n_components_ == 2
    assert found.noise_variance_ == pytest.approx(1.0, abs=0.03)
    cosines = np.sum((found.components_ @ directions) ** 2, axis=1)
    np.testing.assert_allclose(cosines, found.component_overlap_, atol=0.06)
    np.testing.assert_allclose(found.mean_, x.mean(axis=0))
    np.testing.assert_allclose(
        found.explained_variance_, PCA(2).fit(x).explained_variance_, rtol=1e-10
    )


def test_the_signal_is_debiased() -> None:
    # With p = n the first eigenvalue of the covariance is far above the variance of the signal.
    draws = [data(np.random.default_rng(seed), (150, 150), [3.0])[0] for seed in range(20)]
    fits = [SpikedPCA().fit(x) for x in draws]
    debiased = np.mean([f.signal_variance_[0] for f in fits])
    observed = np.mean([f.explained_variance_[0] for f in fits])
    # The scores' own variance has the standard deviation 9·√(2/149·20) = 0.23.
    assert abs(debiased - 9.0) < 1.0
    assert observed > 10.5


@pytest.mark.parametrize("shape", [(60, 120), (120, 60)])
def test_centring_costs_one_degree_of_freedom(shape: tuple[int, int]) -> None:
    # σ² is that of n − 1 rows: over 60 draws the mean is 1 within 4 standard errors.
    rng = np.random.default_rng(1)
    found = np.array([SpikedPCA().fit(data(rng, shape, [])[0]).noise_variance_ for _ in range(60)])
    error = found.std() / np.sqrt(len(found))
    assert abs(found.mean() - 1) < 4 * error
    n = shape[0]
    assert abs(found.mean() * (n - 1) / n - 1) > 4 * error


def test_noise_gives_no_components_and_empty_coordinates() -> None:
    x, _ = data(np.random.default_rng(2), (100, 50), [])
    found = SpikedPCA(alpha=1e-4).fit(x)
    assert found.n_components_ == 0
    assert found.transform(x).shape == (100, 0)
    np.testing.assert_allclose(found.inverse_transform(found.transform(x))[0], found.mean_)
    assert found.get_feature_names_out().size == 0


def test_there_and_back_is_the_projection() -> None:
    x, _ = data(np.random.default_rng(3), (120, 60), [8.0, 5.0])
    pipeline = make_pipeline(StandardScaler(with_std=False), SpikedPCA())
    scores = pipeline.fit_transform(x)
    pca = pipeline[-1]
    assert scores.shape == (120, 2)
    assert pca.get_feature_names_out().tolist() == ["spikedpca0", "spikedpca1"]
    back = pca.inverse_transform(scores)
    np.testing.assert_allclose(pca.transform(back), scores, atol=1e-10)


def test_pastur_does_not_load_scikit_learn() -> None:
    code = "import sys, pastur; sys.exit(bool({'sklearn', 'pastur.sklearn'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("constant", [0.0, 1.0, 0.1, 1e9 / 3, 1e17 / 3])
@pytest.mark.parametrize("shape", [(80, 400), (300, 100)])
def test_constant_features_are_no_noise(constant: float, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(20)
    inner, *_ = data(rng, shape, [4.0, 2.5])
    whole = np.full((shape[0], 2 * shape[1] + 3), constant)
    kept = np.sort(rng.permutation(whole.shape[1])[: shape[1]])
    whole[:, kept] = inner
    found, cut = SpikedPCA().fit(whole), SpikedPCA().fit(inner)
    assert found.n_components_ == cut.n_components_ == 2
    assert found.noise_variance_ == pytest.approx(cut.noise_variance_)
    np.testing.assert_allclose(found.signal_variance_, cut.signal_variance_)
    assert found.components_.shape == (2, whole.shape[1])
    assert found.inverse_transform(found.transform(whole)).shape == whole.shape
    assert f"{shape[1] + 3} columns of zeros" in found.goodness_.reason
    assert found.goodness_.verdict == "noise bulk"


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("count", [1, 30, 70])
def test_the_type_of_the_data_does_not_change_the_count(kind: type, count: int) -> None:
    rng = np.random.default_rng(21)
    noise = rng.normal(size=(220, 150))
    confounds = np.linalg.qr(rng.normal(size=(150, count)))[0]
    x = noise - (noise @ confounds) @ confounds.T
    found, exact = SpikedPCA().fit(x.astype(kind)), SpikedPCA().fit(x)
    assert found.n_components_ == exact.n_components_ == 0
    assert found.noise_variance_ == pytest.approx(exact.noise_variance_, rel=2e-3)
    assert found.goodness_.verdict == "noise bulk"


def test_few_varying_features() -> None:
    rng = np.random.default_rng(22)
    for varying in (1, 2, 3):
        x = np.ones((60, 10))
        x[:, :varying] = rng.normal(size=(60, varying))
        found = SpikedPCA().fit(x)
        assert np.isfinite(found.transform(x)).all()
    with pytest.raises(ValueError, match="zero"):
        SpikedPCA().fit(np.ones((20, 5)))
