"""What a caller may ask for, and how far it is believed: alpha and a known σ."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from pastur import analyze
from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.estimation import baselines, fit_rectangular, fit_symmetric

NOISE = np.random.default_rng(0).normal(size=(120, 200)) / 200**0.5
SYMMETRIC = (NOISE[:, :120] + NOISE[:, :120].T) * (200 / 240) ** 0.5
VALUES, SHAPE = np.linalg.svd(NOISE, compute_uv=False), NOISE.shape
EIGENVALUES = np.linalg.eigvalsh(SYMMETRIC)

WITH_ALPHA: dict[str, Callable[[float], int]] = {
    "fit_rectangular": lambda a: fit_rectangular(NOISE, alpha=a).rank,
    "fit_symmetric": lambda a: fit_symmetric(SYMMETRIC, alpha=a).rank,
    "analyze": lambda a: analyze({"w": NOISE}, alpha=a).matrices[0].fit.rank,
    "bema": lambda a: baselines.bema(VALUES, SHAPE, alpha=a).rank,
    "kritchman_nadler": lambda a: baselines.kritchman_nadler(VALUES, SHAPE, alpha=a).rank,
    "parallel_analysis": lambda a: baselines.parallel_analysis(VALUES, SHAPE, alpha=a, rng=0).rank,
    "symmetric_bema": lambda a: baselines.symmetric_bema(EIGENVALUES, alpha=a).rank,
    "symmetric_parallel": lambda a: (
        baselines.symmetric_parallel_analysis(EIGENVALUES, alpha=a, rng=0).rank
    ),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", WITH_ALPHA)
def test_alpha_ends_at_a_chance_that_noise_has(name: str) -> None:
    assert WITH_ALPHA[name](1e-15) == 0
    for alpha in (9e-16, 1e-20, 1e-300, 5e-324):
        with pytest.raises(InvalidInputError, match="`alpha` must be at least 1e-15"):
            WITH_ALPHA[name](alpha)


def test_scikit_learn_refuses_it_as_well() -> None:
    pytest.importorskip("sklearn")
    from pastur.sklearn import SpikedPCA

    with pytest.raises(ValueError, match="at least 1e-15"):
        SpikedPCA(alpha=1e-16).fit(NOISE)


@pytest.mark.filterwarnings("error")
def test_edges_move_outwards_with_every_spike_at_the_smallest_alpha(
    make: dict[str, Callable[..., FloatArray]],
) -> None:
    spikes = np.linspace(2.0, 6.0, 45)
    w = make["plant"](NOISE, spikes)
    fit = fit_rectangular(w, alpha=1e-15)
    assert np.isfinite(fit.edge)
    # All of them are far beyond noise of σ = 1.
    assert fit.rank == 45
    assert fit.rank == fit_rectangular(w).rank


@pytest.mark.parametrize("factor", [1e-8, 1e-3, 0.2, 1.4, 3, 30, 1e3, 1e5, 1e8])
@pytest.mark.parametrize("spikes", [[], [3.0], [4.0, 3.0, 2.5, 2.0, 1.9, 1.8, 1.7]])
def test_a_sigma_far_off_is_never_noise(
    make: dict[str, Callable[..., FloatArray]], factor: float, spikes: Sequence[float]
) -> None:
    for fit in (
        fit_rectangular(make["plant"](NOISE, spikes), sigma=factor),
        fit_rectangular(make["plant"](NOISE, spikes).T, sigma=factor),
        fit_symmetric(make["plant"](SYMMETRIC, spikes), sigma=factor),
    ):
        assert not fit.goodness.fits
        # Noise of a smaller σ and a signal in every direction look the same.
        too_small = factor < 1
        assert fit.goodness.verdict in ("not the law", *(["broad spectrum"] if too_small else []))


@pytest.mark.parametrize("spikes", [[], [3.0]])
def test_the_right_sigma_is(
    make: dict[str, Callable[..., FloatArray]], spikes: Sequence[float]
) -> None:
    for fit in (
        fit_rectangular(make["plant"](NOISE, spikes), sigma=1.0),
        fit_symmetric(make["plant"](SYMMETRIC, spikes), sigma=1.0),
    ):
        assert fit.goodness.verdict == "noise bulk" and fit.rank == len(spikes)


@pytest.mark.parametrize("shape", [(2, 9), (19, 400), (300, 12)])
def test_too_small_to_tell_is_not_a_fit(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    for w in (rng.normal(size=shape), np.exp(2 * rng.normal(size=shape))):
        fit = fit_rectangular(w)
        assert fit.goodness.verdict == "too small to tell"
        assert not fit.goodness.fits
        (found,) = analyze({"w": w}).matrices
        assert found.kind == "too small to tell"
