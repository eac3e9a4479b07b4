"""Tables of counts: the rates behind them, and counts that are not Poisson's."""

import numpy as np
import pytest
from scipy import sparse

import pastur
from pastur import PasturError
from pastur._typing import FloatArray


def rates(rng: np.random.Generator, mean: float) -> FloatArray:
    """Three components, with totals of rows and columns that spread."""
    found = rng.gamma(1.0, size=(150, 3)) @ rng.gamma(1.0, size=(3, 250))
    found *= np.exp(0.4 * rng.normal(size=(150, 1))) * np.exp(0.4 * rng.normal(size=250))
    return np.asarray(found * mean / found.mean())


@pytest.mark.parametrize("mean", [0.5, 4.0])
def test_components_and_rates_of_poisson_counts(mean: float) -> None:
    for seed in range(4):
        rng = np.random.default_rng([60, seed])
        truth = rates(rng, mean)
        counts = rng.poisson(truth)
        found = pastur.fit_counts(counts)
        low, high = found.fit.sigma_interval
        assert found.rank == 3 and low <= 1 <= high and not found.remark
        assert found.dispersion == pytest.approx(1.0, abs=0.03)
        denoised = found.denoise()
        assert denoised.min() >= 0
        assert np.linalg.norm(denoised - truth) < np.linalg.norm(counts - truth) / 3
    assert repr(found).startswith("CountFit(150 × 250, kept 150 × 250, rank=3, dispersion=")


def test_counts_that_vary_more_are_noticed() -> None:
    for seed in range(4):
        rng = np.random.default_rng([61, seed])
        # Negative binomial, of dispersion 1/2.
        counts = rng.poisson(rates(rng, 0.5) * rng.gamma(2.0, 0.5, size=(150, 250)))
        assert pastur.fit_counts(counts).remark


def test_a_sparse_matrix_is_taken() -> None:
    counts = np.random.default_rng(62).poisson(rates(np.random.default_rng(62), 0.5))
    found = pastur.fit_counts(sparse.csr_array(counts))
    assert found.fit == pastur.fit_counts(counts).fit


def test_rows_of_few_counts_are_left_out() -> None:
    rng = np.random.default_rng(63)
    counts = np.zeros((153, 251))
    counts[:150, :250] = rng.poisson(rates(rng, 2.0))
    counts[150, :2] = 1
    found = pastur.fit_counts(counts)
    assert np.flatnonzero(~found.rows).tolist() == [150, 151, 152]
    assert np.flatnonzero(~found.columns).tolist() == [250]
    denoised = found.denoise()
    assert np.isnan(denoised[150:]).all() and np.isnan(denoised[:, 250]).all()
    assert np.isfinite(denoised[:150, :250]).all()


@pytest.mark.parametrize("wrong", [[[0.5, 1], [1, 2]], [[-1, 1], [1, 2]]])
def test_what_are_no_counts_is_refused(wrong: list[list[float]]) -> None:
    with pytest.raises(PasturError, match=r"must hold counts.*give the counts themselves"):
        pastur.fit_counts(wrong)


def test_too_few_counts_are_refused() -> None:
    with pytest.raises(PasturError, match="Too few rows and columns"):
        pastur.fit_counts(np.eye(30))
