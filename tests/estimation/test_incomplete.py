"""Missing entries: intervals of the complete signal, and the way in which gaps are filled."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import pastur
from pastur import PasturError
from pastur._typing import FloatArray
from pastur.estimation.incomplete import _solved

N, M = 80, 160
STRENGTHS = np.array([8.0, 5.0, 3.0])


def planted(rng: np.random.Generator, missing: float) -> tuple[FloatArray, FloatArray]:
    """A matrix with gaps, at rates of rows and columns that differ, and its signal."""
    left, right = (np.linalg.qr(rng.normal(size=(side, 3)))[0] for side in (N, M))
    signal = (left * STRENGTHS) @ right.T
    w = signal + rng.normal(size=(N, M)) / np.sqrt(M)
    rows, columns = rng.uniform(0.7, 1, size=(N, 1)), rng.uniform(0.7, 1, size=M)
    kept = rows * columns
    w[rng.random((N, M)) > np.minimum(kept * (1 - missing) / kept.mean(), 1)] = np.nan
    return w, signal


def held(fit: pastur.Fit) -> list[bool]:
    """Whether each interval holds the strength that is nearest."""
    nearest = [STRENGTHS[np.argmin(abs(STRENGTHS - row["theta"]))] for row in fit.spikes]
    return [
        bool(row["low"] <= true <= row["high"])
        for row, true in zip(fit.spikes, nearest, strict=True)
    ]


@pytest.mark.lengthy
def test_intervals_hold() -> None:
    # Of 24 intervals of level 0.95 at least 20 hold, but for a chance of 0.006.
    own, zeros, plain = [], [], []
    for seed in range(8):
        w, signal = planted(np.random.default_rng([70, seed]), 0.4)
        found = pastur.fit_incomplete(w)
        assert found.fit.rank == 3
        own += held(found.fit)
        values = np.linalg.svd(np.nan_to_num(w), compute_uv=False)
        zeros += held(pastur.fit_rectangular(singular_values=values, shape=w.shape))
        plain.append(np.linalg.norm(np.nan_to_num(w) / found.observed - signal))
        assert np.linalg.norm(found.denoise() - signal) < plain[-1] / 2
        assert found.entry_sd * np.sqrt(M) == pytest.approx(1.0, abs=0.06)
    assert sum(own) >= 20
    # With zeros in the gaps they do not.
    assert sum(zeros) < 0.5 * len(zeros)


def test_a_complete_matrix_has_the_usual_fit() -> None:
    rng = np.random.default_rng(71)
    w = rng.normal(size=(40, 60)) + 3 * np.outer(rng.normal(size=40), rng.normal(size=60))
    found, plain = pastur.fit_incomplete(w), pastur.fit_rectangular(w)
    np.testing.assert_allclose(found.filled, w)
    assert found.observed == 1 and found.fit.rank == plain.rank == 1
    assert found.fit.sigma == pytest.approx(plain.sigma)
    np.testing.assert_allclose(found.fit.spikes["theta"], plain.spikes["theta"], rtol=1e-3)
    np.testing.assert_allclose(found.denoise(), plain.denoise(w), atol=0.02)


def test_loadings_are_those_of_a_regression_for_each_row() -> None:
    rng = np.random.default_rng(72)
    mask = (rng.random((12, 30)) < 0.5).astype(np.float64)
    w, v, ridge = rng.normal(size=(12, 30)) * mask, rng.normal(size=(30, 3)), np.array([1.0, 2, 3])
    found = _solved(w, mask, v, ridge)
    for row, seen, loadings in zip(w, mask > 0, found, strict=True):
        # The ridge as three more observations of 0.
        design = np.vstack([v[seen], np.diag(np.sqrt(ridge))])
        target = np.append(row[seen], np.zeros(3))
        np.testing.assert_allclose(loadings, np.linalg.lstsq(design, target, rcond=None)[0])


def test_it_says_what_it_is() -> None:
    w, _ = planted(np.random.default_rng(73), 0.3)
    found = pastur.fit_incomplete(w)
    assert repr(found).startswith("IncompleteFit(80 × 160, ")
    assert "does not depend on their values" in found.assumption
    assert found.fit.noise == "profile" and found.fit.profile is not None
    assert found.fit.profile.given


@pytest.mark.lengthy
def test_the_level_of_the_noise_is_that_of_an_entry() -> None:
    """Of four draws: standard error 0.0014, 4.3 of which pass in all but 2e-5 of cases."""
    levels = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        w = rng.normal(size=(200, 400))
        w[rng.random(w.shape) < 0.2] = np.nan
        levels.append(pastur.fit_incomplete(w).entry_sd)
    assert np.mean(levels) == pytest.approx(1.0, abs=0.006)


def test_gaps_without_noise_are_filled() -> None:
    rng = np.random.default_rng(74)
    signal = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 40))
    for whole in (signal, np.ones((30, 40))):
        w = np.where(rng.random(whole.shape) < 0.2, np.nan, whole)
        found = pastur.fit_incomplete(w)
        np.testing.assert_allclose(found.denoise(), whole, atol=1e-3)
        assert found.entry_sd < 1e-3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([[1.0, np.nan], [np.nan, np.nan]], "Row 1 has no entry: leave it out"),
        ([[1.0, np.inf], [2.0, 3.0]], "must be finite, or NaN"),
        ([1.0, np.nan], "must be a matrix of two rows"),
        ([[1j, 2], [3, 4]], "must be real"),
        ([["a", None], [1, 2]], "must hold numbers"),
        (
            np.ma.array([["1", "2"], ["3", "4"]], mask=[[True, False], [False, False]]),
            "must hold numbers",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(PasturError, match=message):
        pastur.fit_incomplete(wrong)


def with_gaps(w: FloatArray) -> Iterator[tuple[str, Any]]:
    """The same matrix in the forms in which entries are missing elsewhere."""
    gaps = np.isnan(w)
    # What lies under a mask is never read.
    yield "masked", np.ma.array(np.where(gaps, 1e9, w), mask=gaps)
    yield (
        "masked rows",
        [np.ma.array(np.where(g, 1e9, row), mask=g) for row, g in zip(w, gaps, strict=True)],
    )
    yield (
        "None",
        [
            [None if gap else x for x, gap in zip(*row, strict=True)]
            for row in zip(w, gaps, strict=True)
        ],
    )
    yield "masked objects", np.ma.array(w.astype(object), mask=gaps)


def test_a_mask_is_a_gap() -> None:
    w, _ = planted(np.random.default_rng(12), 0.3)
    plain = pastur.fit_incomplete(w)
    for form, given in with_gaps(w):
        found = pastur.fit_incomplete(given)
        np.testing.assert_array_equal(found.filled, plain.filled, err_msg=form)
    whole = np.ma.array(np.where(np.isnan(w), 0.5, w), mask=np.zeros(w.shape, bool))
    assert pastur.fit_incomplete(whole).observed == 1
    counts = np.ma.array(np.random.default_rng(1).poisson(5, (20, 30)), mask=False)
    counts[2, 3] = np.ma.masked
    assert pastur.fit_incomplete(counts).observed == pytest.approx(1 - 1 / 600)


def test_na_of_pandas_is_a_gap() -> None:
    pd = pytest.importorskip("pandas")
    w, _ = planted(np.random.default_rng(12), 0.3)
    plain = pastur.fit_incomplete(w)
    frame = pd.DataFrame(w)
    missing = frame.astype("Float64")
    assert missing.isna().to_numpy().sum() == np.isnan(w).sum()
    for form in (frame, missing, missing.astype(object), missing.astype({0: object, 1: "float64"})):
        np.testing.assert_array_equal(pastur.fit_incomplete(form).filled, plain.filled)
    with pytest.raises(PasturError, match="must hold numbers"):
        pastur.fit_incomplete(missing.assign(name="gene"))
    # Elsewhere a gap is no number.
    with pytest.raises(PasturError, match="missing values"):
        pastur.fit_rectangular(missing)
