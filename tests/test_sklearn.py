"""The scikit-learn estimators: the library's own checks, and what they find."""

import dataclasses
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from pastur import PasturError, fit_rectangular
from pastur._errors import PasturWarning
from pastur._typing import FloatArray
from pastur.estimation.rectangular import fit_centred

sklearn = pytest.importorskip("sklearn")

from sklearn.decomposition import PCA  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from pastur.sklearn import SpikedCovariance, SpikedPCA  # noqa: E402

# Most of these tests ask for what the warnings are about; those that test them catch them.
pytestmark = pytest.mark.filterwarnings(
    "ignore:No component stands out", "ignore:The data contradict .* noise"
)


@pytest.mark.filterwarnings("ignore:No law of noise")
@parametrize_with_checks([SpikedPCA(), SpikedCovariance()])  # type: ignore[untyped-decorator]
def test_the_estimator_passes_the_checks_of_scikit_learn(
    estimator: SpikedPCA | SpikedCovariance,
    check: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
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


def chequered(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """A product of two matrices of noise: no independent entries are like that."""
    n, p = shape
    return np.asarray(rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) / np.sqrt(p))


CLAIMED = ("noise_variance_", "signal_rank_")


def test_without_a_law_it_claims_nothing_and_warns() -> None:
    x = chequered(np.random.default_rng(30), (200, 120))
    with pytest.warns(PasturWarning, match=r"No law of noise.*`n_components`") as caught:
        found = SpikedPCA().fit(x)
    assert len(caught) == 1 and str(caught[0].message).count(". ") == 0
    assert found.noise_ == "free" and "assumes that" in str(found.noise_)
    assert [getattr(found, name) for name in CLAIMED] == [None, None]
    assert len(found.spikes_) == 0 and found.n_components_ == len(found.standing_out_)
    assert found.transform(x).shape == (200, found.n_components_)


def test_white_noise_is_claimed_without_a_warning() -> None:
    x, _ = data(np.random.default_rng(31), (200, 120), [6.0])
    with warnings.catch_warnings(action="error"):
        found = SpikedPCA().fit(x)
    assert found.noise_ == "white" and found.n_components_ == 1
    assert None not in [getattr(found, name) for name in CLAIMED]
    # Asked for, it is claimed whatever the data are.
    asked = SpikedPCA(noise="white").fit(chequered(np.random.default_rng(30), (200, 120)))
    assert asked.noise_ == "white" and not asked.goodness_.fits
    assert asked.noise_variance_ is not None and asked.noise_variance_ > 0


def test_what_stands_out_need_not_be_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    x, _ = data(np.random.default_rng(32), (100, 60), [9.0, 7.0, 6.0])
    leading = np.zeros(3, dtype=fit_rectangular(x, noise="free").leading.dtype)
    leading["readable"], leading["theta"] = True, [90.0, 70.0, 60.0]
    leading["overlap_right"] = [0.9, 0.4, 0.7]
    for name in ("span_left_low", "span_right_low"):
        leading[name] = [0.8, 0.3, 0.6]

    def read(*args: Any, **options: Any) -> Any:
        return dataclasses.replace(fit_centred(*args, **options), leading=leading)

    monkeypatch.setattr("pastur.sklearn._estimators.centred_fit.fit_centred", read)
    with pytest.warns(PasturWarning, match="keeps 2 components that stand out"):
        found = SpikedPCA(noise="free").fit(x)
    reference = PCA(5).fit(x)
    np.testing.assert_allclose(
        np.abs(found.components_ @ reference.components_.T)[:, :3],
        [[1, 0, 0], [0, 0, 1]],
        atol=1e-9,
    )
    np.testing.assert_allclose(found.explained_variance_, reference.explained_variance_[[0, 2]])
    np.testing.assert_allclose(found.signal_variance_, [90.0**2 / 99, 60.0**2 / 99])
    assert found.component_overlap_.tolist() == [0.9, 0.7]
    five = SpikedPCA(noise="free", n_components=5).fit(x)
    assert five.component_overlap_[:3].tolist() == [0.9, 0.4, 0.7]
    assert np.isnan(five.component_overlap_[3:]).all() and np.isnan(five.signal_variance_[3:]).all()


def test_a_number_of_components_in_the_place_of_alpha_is_understood() -> None:
    with pytest.raises(ValueError, match=r"Got 3\. For a .* write `SpikedPCA\(n_components=3\)`"):
        SpikedPCA(3).fit(np.random.default_rng(0).normal(size=(30, 5)))
    with pytest.raises(ValueError, match=r"strictly between 0 and 1\. Got 1\.5\.$"):
        SpikedPCA(1.5).fit(np.random.default_rng(0).normal(size=(30, 5)))


@pytest.mark.parametrize("noise", ["auto", "white", "free"])
@pytest.mark.parametrize("count", [0, 1, 4, 59])
def test_a_number_of_components_is_kept_whatever_is_claimed(noise: str, count: int) -> None:
    x, _ = data(np.random.default_rng(33), (60, 90), [9.0, 7.0])
    found = SpikedPCA(noise=noise, n_components=count).fit(x)
    assert found.n_components_ == count == found.transform(x).shape[1]
    assert found.signal_variance_.shape == found.component_overlap_.shape == (count,)
    reference = PCA(count).fit(x).components_
    np.testing.assert_allclose(np.abs(found.components_ @ reference.T), np.eye(count), atol=1e-8)
    if noise == "white":
        assert np.isnan(found.signal_variance_).tolist() == [i >= 2 for i in range(count)]


@pytest.mark.parametrize("wrong", [-1, 60, 2.5, 0.0, 1.0, np.nan, True, "mle"])
def test_an_impossible_number_of_components_is_refused(wrong: Any) -> None:
    x, _ = data(np.random.default_rng(34), (60, 90), [])
    with pytest.raises(PasturError, match="`n_components` must be"):
        SpikedPCA(n_components=wrong).fit(x)


def test_an_unknown_noise_is_refused() -> None:
    with pytest.raises(PasturError, match="`noise` must be one of"):
        SpikedPCA(noise="pink").fit(data(np.random.default_rng(35), (60, 90), [])[0])


def test_the_entries_are_checked() -> None:
    # The columns of one half are thirty times as large; the spectrum alone shows signal.
    x, _ = data(np.random.default_rng(36), (200, 80), [])
    assert SpikedPCA(noise="white").fit(x).goodness_.verdict == "noise bulk"
    x[:, ::2] *= 30
    assert SpikedPCA(noise="white").fit(x).goodness_.verdict.of_entries
    # So is a single entry, whatever constant columns there are.
    y = np.ones((200, 90))
    y[:, :80] = data(np.random.default_rng(37), (200, 80), [])[0]
    y[17, 3] += 60
    found = SpikedPCA(noise="white").fit(y)
    assert found.goodness_.entries == ((17, 3),)


def test_features_of_different_variances_have_a_profile() -> None:
    rng = np.random.default_rng(38)
    x, directions = data(rng, (250, 120), [0.0, 0.0])
    # Standard deviations of the features from 1/3 to 3: PCA takes the large ones for components.
    x = (x - 5) * np.exp(0.6 * rng.normal(size=120)) + 5
    x += (rng.normal(size=(250, 2)) * [9.0, 7.0]) @ directions.T
    found = SpikedPCA(noise="profile").fit(x)
    assert found.noise_ == "profile" and found.goodness_.fits
    assert found.n_components_ == 2
    np.testing.assert_allclose(found.components_ @ found.components_.T, np.eye(2), atol=1e-12)
    cosines = np.sum((found.components_ @ directions) ** 2, axis=1)
    np.testing.assert_allclose(cosines, found.component_overlap_, atol=0.02)
    np.testing.assert_allclose(found.signal_variance_, [81.0, 49.0], rtol=0.2)
    lengths = np.var(found.transform(x), axis=0, ddof=1)
    np.testing.assert_allclose(found.explained_variance_, lengths)
    # White noise would take the large features for two dozen components.
    assert SpikedPCA(noise="white").fit(x).n_components_ > 10
    five = SpikedPCA(noise="profile", n_components=5).fit(x)
    np.testing.assert_allclose(five.components_ @ five.components_.T, np.eye(5), atol=1e-12)
    np.testing.assert_allclose(five.components_[:2], found.components_)
    assert np.isnan(five.signal_variance_).tolist() == [False, False, True, True, True]


@pytest.mark.lengthy
@pytest.mark.parametrize(("noise", "spread"), [("white", 0.0), ("profile", 0.4)])
def test_crowded_components_have_spans_and_no_overlap_of_their_own(
    noise: str, spread: float
) -> None:
    # Means over sixty components; of one they spread by .03, of all by .005.
    found, shares, single = [], [], []
    for seed in range(5):
        rng = np.random.default_rng([39, seed])
        x = rng.normal(size=(300, 150)) * np.exp(spread * rng.normal(size=150))
        left, right = (np.linalg.qr(rng.normal(size=(side, 12)))[0] for side in (300, 150))
        signal = (left - left.mean(axis=0)) * np.linspace(60.0, 45.0, 12) @ right.T
        pca = SpikedPCA(noise=noise, n_components=12).fit(x + signal)
        true = np.linalg.svd(signal)[2][:12]
        cosines = (pca.components_ @ true.T) ** 2
        rows = pca.spikes_[np.argsort(-pca.spikes_["theta"], kind="stable")][:12]
        assert (np.isnan(pca.component_overlap_) == ~rows["isolated"]).all()
        found += pca.component_span_.tolist()
        shares += (cosines * (rows["group"][:, None] == rows["group"])).sum(axis=1).tolist()
        single += np.diagonal(cosines)[~rows["isolated"]].tolist()
    assert np.mean(found) == pytest.approx(np.mean(shares), abs=0.02)
    assert np.mean(single) < np.mean(found) - 0.1


def test_no_component_is_said() -> None:
    x, _ = data(np.random.default_rng(2), (100, 50), [])
    with pytest.warns(PasturWarning, match=r"returns 0 columns, and `n_components=1`") as caught:
        SpikedPCA(alpha=1e-4).fit(x)
    assert len(caught) == 1
    with warnings.catch_warnings(action="error"):
        assert SpikedPCA(alpha=1e-4, n_components=0).fit(x).n_components_ == 0
        assert SpikedPCA(alpha=1e-4, n_components=1).fit(x).n_components_ == 1


def correlated(rng: np.random.Generator) -> FloatArray:
    x = rng.normal(size=(200, 120))
    for j in range(1, 120):
        x[:, j] += 0.6 * x[:, j - 1]
    return np.asarray(x)


def test_correlated_neighbours_are_named() -> None:
    x = correlated(np.random.default_rng(40))
    with pytest.warns(PasturWarning, match=r"neighbouring entries are correlated.*keeps 0"):
        SpikedPCA().fit(x)
    with pytest.warns(PasturWarning, match=r"contradict white noise.*\(correlated entries\)"):
        SpikedPCA(noise="white", n_components=3).fit(x)


@pytest.mark.parametrize("noise", ["white", "free", "profile"])
@pytest.mark.parametrize("fraction", [0.02, 0.3, 0.9999])
def test_a_fraction_of_the_variance(noise: str, fraction: float) -> None:
    x, _ = data(np.random.default_rng(41), (60, 90), [9.0, 7.0])
    found = SpikedPCA(noise=noise, n_components=fraction).fit(x)
    shares = found.explained_variance_ratio_
    assert shares.sum() > fraction >= shares[:-1].sum()
    np.testing.assert_allclose(shares, found.explained_variance_ / x.var(axis=0, ddof=1).sum())
    np.testing.assert_allclose(found.singular_values_, np.linalg.norm(found.transform(x), axis=0))
    if noise != "profile":
        reference = PCA(fraction).fit(x)
        assert found.n_components_ == reference.n_components_
        np.testing.assert_allclose(shares, reference.explained_variance_ratio_)


@pytest.mark.parametrize("noise", ["white", "free", "profile"])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_the_score_is_that_of_the_covariance(noise: str, count: int) -> None:
    from scipy.stats import multivariate_normal

    x, _ = data(np.random.default_rng(42), (60, 20), [5.0, 4.0])
    found = SpikedPCA(noise=noise, n_components=count).fit(x)
    covariance = found.get_covariance()
    density = multivariate_normal(found.mean_, covariance).logpdf(x)
    np.testing.assert_allclose(found.score_samples(x), density)
    assert found.score(x) == pytest.approx(density.mean())
    np.testing.assert_allclose(found.get_precision() @ covariance, np.eye(20), atol=1e-9)


def test_the_score_on_new_samples_is_better_than_that_of_plain_components() -> None:
    gained, by_count = [], []
    for seed in range(8):
        rng = np.random.default_rng([43, seed])
        x, directions = data(rng, (80, 100), [6.0, 4.0], mean=0.0)
        new = rng.normal(size=(300, 100)) + rng.normal(size=(300, 2)) * [6.0, 4.0] @ directions.T
        found = SpikedPCA().fit(x)
        gained.append(found.score(new) - PCA(2).fit(x).score(new))
        scores = [SpikedPCA(n_components=k).fit(x).score(new) for k in (0, 1, 2)]
        by_count.append(np.diff(scores).min())
        # Components of noise add nothing.
        assert SpikedPCA(n_components=5).fit(x).score(new) == pytest.approx(scores[-1])
    assert min(gained) > 0.1 and min(by_count) > 0


def test_data_without_noise_have_no_score() -> None:
    rng = np.random.default_rng(44)
    x = rng.normal(size=(40, 2)) @ rng.normal(size=(2, 30))
    found = SpikedPCA().fit(x)
    assert found.n_components_ == 2
    np.testing.assert_allclose(found.get_covariance(), np.cov(x.T), atol=1e-9)
    for method in (found.get_precision, lambda: found.score(x)):
        with pytest.raises(PasturError, match="have no noise"):
            method()


@pytest.mark.parametrize("estimator", [SpikedPCA(), SpikedCovariance()])
def test_a_matrix_of_covariances_is_refused_with_the_way_out(estimator: Any) -> None:
    rng = np.random.default_rng(45)
    x, _ = data(rng, (200, 60), [5.0])
    for table, word in ((np.corrcoef(x.T), "correlations"), (np.cov(x.T), "covariances")):
        with pytest.raises(PasturError, match=f"matrix of {word}.*one row for each sample"):
            estimator.fit(table)
    # What the message says gives the count.
    n, p = x.shape
    values = np.sqrt((n - 1) * np.linalg.eigvalsh(np.cov(x.T)).clip(0))
    fit = fit_rectangular(singular_values=values, shape=(n - 1, p))
    assert fit.rank == 1
    assert fit.entry_sd == pytest.approx(SpikedPCA().fit(x).fit_.entry_sd)
    # Square data, and symmetric data that are no covariances, are data.
    square = rng.normal(size=(60, 60))
    estimator.fit(square)
    estimator.set_params(noise="white").fit(square + square.T)


def test_the_scree_plot_has_its_values() -> None:
    x, _ = data(np.random.default_rng(46), (80, 50), [5.0])
    found = SpikedPCA().fit(x)
    np.testing.assert_allclose(
        found.spectrum_, np.linalg.svd(x - x.mean(axis=0), compute_uv=False), atol=1e-9
    )
    assert found.fit_.rank == found.n_components_ == 1


def test_gaps_are_sent_to_the_fit_that_takes_them() -> None:
    x, _ = data(np.random.default_rng(47), (40, 20), [])
    x[3, 4] = np.nan
    with pytest.raises(PasturError, match=r"contains NaN\. A matrix with gaps.*`fit_incomplete`"):
        SpikedPCA().fit(x)
