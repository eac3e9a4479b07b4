"""The most that σ can be: bounds that hold whatever the signal, and what they say at the ends."""

import numpy as np
import pytest

from pastur import Verdict, fit_rectangular, fit_symmetric
from pastur._typing import FloatArray
from pastur.estimation._bounds.guarantee import sigma_guarantee
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._kinds.symmetric import SymmetricKind


def orthonormal(n: int, r: int, rng: np.random.Generator) -> FloatArray:
    return np.asarray(np.linalg.qr(rng.normal(size=(n, r)))[0])


def signal(n: int, m: int, sizes: FloatArray, rng: np.random.Generator) -> FloatArray:
    r = sizes.size
    return np.asarray((orthonormal(n, r, rng) * sizes) @ orthonormal(m, r, rng).T)


# Signals of every direction: none, falling as a power, all alike.
SIGNALS = {
    "none": lambda k: 0.0 * k,
    "1/k": lambda k: 30 / k,
    "k^-1/2": lambda k: 5 / np.sqrt(k),
    "flat": lambda k: 0 * k + 1.5,
}


@pytest.mark.parametrize("shape", [(50, 50), (50, 120), (40, 400)])
@pytest.mark.parametrize("name", SIGNALS)
def test_sigma_does_not_exceed_its_guarantee(name: str, shape: tuple[int, int]) -> None:
    # A bound at 0.95 fails in 13 or more of 100 draws with a chance of 2e-3.
    n, m = shape
    failed = 0
    for seed in range(100):
        rng = np.random.default_rng([seed, n, m])
        w = rng.normal(size=shape) / np.sqrt(m)
        w += signal(n, m, SIGNALS[name](np.arange(1.0, n + 1)), rng)
        values = np.linalg.svd(w, compute_uv=False)
        failed += sigma_guarantee(RectangularKind(n, m), values, 0.05) < 1
    assert failed <= 12


@pytest.mark.parametrize("name", SIGNALS)
def test_sigma_of_a_symmetric_matrix_does_not_either(name: str) -> None:
    n, failed = 60, 0
    for seed in range(100):
        rng = np.random.default_rng([seed, n])
        a, q = rng.normal(size=(n, n)), orthonormal(n, n, rng)
        sizes = SIGNALS[name](np.arange(1.0, n + 1)) * rng.choice([-1, 1], n)
        values = np.linalg.eigvalsh((a + a.T) / np.sqrt(2 * n) + (q * sizes) @ q.T)
        failed += sigma_guarantee(SymmetricKind(n), values, 0.05) < 1
    assert failed <= 12


def test_the_guarantee_is_close_where_there_is_nothing_else() -> None:
    # Half of the level would fail more often: a bound this close is not true by its size alone.
    bounds = []
    for seed in range(200):
        w = np.random.default_rng(seed).normal(size=(60, 120)) / np.sqrt(120)
        values = np.linalg.svd(w, compute_uv=False)
        bounds.append(sigma_guarantee(RectangularKind(60, 120), values, 0.05))
    assert 1.0 < np.median(bounds) < 1.03
    assert np.mean(np.array(bounds) / 1.03 < 1) > 0.5


@pytest.mark.parametrize("scale", [1.0, 1e150, 1e-150])
def test_bounds_scale_with_the_matrix(scale: float) -> None:
    w = np.random.default_rng(0).normal(size=(50, 80))
    one, other = fit_rectangular(w).sigma_bounds, fit_rectangular(scale * w).sigma_bounds
    assert one is not None and other is not None
    assert other.guaranteed == pytest.approx(scale * one.guaranteed, rel=1e-9)
    assert other.rms == pytest.approx(scale * np.sqrt(80 / 50) * np.linalg.norm(w) / 80**0.5)
    assert other.white_share == pytest.approx(one.white_share)


def test_the_white_share_is_that_of_the_energy() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(200, 400)) / 20
    s = signal(200, 400, 6 / np.sqrt(np.arange(1.0, 201)), rng)
    for noise_norm, fit in (
        (np.linalg.norm(noise), fit_rectangular(noise + s, noise="free")),
        (np.linalg.norm(noise), fit_rectangular(noise + s)),
    ):
        share = noise_norm**2 / np.linalg.norm(noise + s) ** 2
        assert fit.white_share is not None and share < fit.white_share < 2 * share


def test_noise_alone_ends_before_noise_and_signal_together() -> None:
    # Forty far spikes and a hundred that never left the noise.
    rng = np.random.default_rng(4)
    sizes = np.concatenate([np.linspace(6, 12, 40), np.full(60, 1.2)])
    w = rng.normal(size=(400, 400)) / 20 + signal(400, 400, sizes, rng)
    fit = fit_rectangular(w)
    assert fit.growing and fit.sigma_interval[0] == 0.0
    assert fit.edge == pytest.approx(2 * fit.sigma, rel=0.05)
    assert fit.edge < fit.bulk_edge < 6
    a = rng.normal(size=(200, 200))
    few = fit_symmetric((a + a.T) / 20)
    assert few.edge == few.bulk_edge and few.lower_edge == few.lower_bulk_edge


def full_rank(power: float, top: float, seed: int, *, n: int = 200, m: int = 400) -> FloatArray:
    """White noise of σ = 1 and a signal of every direction, ``top·(critical)·k^(−power)``."""
    rng = np.random.default_rng([seed, n, m])
    sizes = top * (n / m) ** 0.25 * np.arange(1.0, n + 1) ** -power
    return np.asarray(rng.normal(size=(n, m)) / np.sqrt(m) + signal(n, m, sizes, rng))


@pytest.mark.parametrize(("power", "top"), [(0.5, 10), (1.0, 30), (1.0, 100)])
def test_signal_within_the_noise_leaves_no_lower_end(power: float, top: float) -> None:
    for seed in range(3):
        fit = fit_rectangular(full_rank(power, top, seed))
        assert fit.sigma_interval[0] == 0.0 and fit.sigma_interval[1] > 1
        # The first estimate is outside what a two-sided interval of its width would be.
        assert fit.sigma > 1.02
        # Where σ is open from below, a spike may be as strong as what is observed.
        for group in np.unique(fit.spikes["group"]):
            members = fit.spikes[fit.spikes["group"] == group]
            observed = np.sqrt(np.mean(members["observed"] ** 2))
            assert members["high"][0] > 0.99 * observed


def test_few_spikes_in_white_noise_keep_both_ends() -> None:
    rng = np.random.default_rng(5)
    two_sided = []
    for _ in range(10):
        sizes = np.array([4.0, 3.5, 3.0])
        fit = fit_rectangular(rng.normal(size=(200, 400)) / 20 + signal(200, 400, sizes, rng))
        two_sided.append(fit.sigma_interval[0] > 0)
        assert (fit.spikes["high"] < fit.spikes["observed"]).sum() >= 2
    assert sum(two_sided) >= 9


@pytest.mark.parametrize("top", [10.0, 100.0])
def test_eigenvalues_of_one_sign_leave_the_guarantee(top: float) -> None:
    # Weak eigenvalues of one sign shift the bulk, and the deconvolution takes σ for too small.
    n, rng = 200, np.random.default_rng(6)
    a, q = rng.normal(size=(n, n)), orthonormal(n, n, rng)
    w = (a + a.T) / np.sqrt(2 * n) + (q * (top / np.arange(1.0, n + 1))) @ q.T
    fit = fit_symmetric((w + w.T) / 2)
    assert fit.sigma_interval[0] == 0.0
    assert fit.sigma < 1 < fit.sigma_interval[1]


@pytest.mark.parametrize(("power", "top"), [(0.5, 3), (0.5, 10), (1.0, 100)])
def test_at_the_true_sigma_a_signal_of_every_direction_is_not_rejected(
    power: float, top: float
) -> None:
    # False alarm: REJECTION = 0.01 for each of three; at twice σ there is no such signal.
    for seed in range(3):
        w = full_rank(power, top, seed)
        goodness = fit_rectangular(w, sigma=1.0).goodness
        assert goodness.p_value is not None and goodness.p_value >= 0.01
        # With a signal in nine of ten directions it is not called noise all the same.
        assert goodness.verdict in (Verdict.NOISE, Verdict.BROAD)
        assert fit_rectangular(w, sigma=2.0).goodness.verdict != Verdict.NOISE
    fit = fit_rectangular(full_rank(1.0, 100, 0), sigma=1.0)
    assert fit.signal_rank > 0.6 * 200 and fit.sigma_interval == (1.0, 1.0)


@pytest.mark.parametrize("name", ["laplace", "half zeros"])
def test_a_fourth_cumulant_widens_the_interval_of_sigma(name: str) -> None:
    # κ₄ = 3 of both: widths are √2.5 = 1.58 times those of the spectrum alone.
    rng, held, held_before, ratios = np.random.default_rng(8), 0, 0, []
    for _ in range(100):
        w = rng.laplace(size=(50, 100)) / np.sqrt(200)
        if name == "half zeros":
            w = rng.normal(size=(50, 100)) * (rng.random((50, 100)) < 0.5) / np.sqrt(50)
        fit = fit_rectangular(w)
        values = np.linalg.svd(w, compute_uv=False)
        before = fit_rectangular(singular_values=values, shape=w.shape)
        if fit.rank or not fit.sigma_interval[0] or not before.sigma_interval[0]:
            continue
        # By the upper ends: the lower ones also allow for hidden spikes.
        up, up_before = fit.sigma_interval[1] / fit.sigma, before.sigma_interval[1] / before.sigma
        held += fit.sigma / up < 1 < fit.sigma * up
        held_before += before.sigma / up_before < 1 < before.sigma * up_before
        ratios.append(np.log(up) / np.log(up_before))
    assert len(ratios) > 60
    assert np.median(ratios) == pytest.approx(2.5**0.5, rel=0.1)
    # Three standard deviations of the share; the width of Gaussian entries fails.
    assert held > (0.95 - 3 * 0.023) * len(ratios) > held_before


def test_gaussian_entries_keep_the_width_of_the_spectrum() -> None:
    w = np.random.default_rng(9).normal(size=(50, 100)) / 10
    values = np.linalg.svd(w, compute_uv=False)
    found = fit_rectangular(singular_values=values, shape=w.shape)
    assert fit_rectangular(w).sigma_interval == pytest.approx(found.sigma_interval, rel=1e-9)
