"""The goodness of fit: not fooled by spikes or by the kind of the entries, alert to the rest."""

from collections.abc import Callable

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.estimation import RectangularFit, SymmetricFit, fit_rectangular, fit_symmetric

DRAWS = 20
SHAPES: dict[str, tuple[int, int] | int] = {
    "square": (200, 200),
    "wide": (200, 500),
    "symmetric": 250,
}
ENTRIES: dict[str, Callable[[np.random.Generator, tuple[int, int] | int], FloatArray]] = {
    "gaussian": lambda rng, shape: rng.normal(size=shape),
    "signs": lambda rng, shape: rng.choice([-1.0, 1.0], size=shape),
    "uniform": lambda rng, shape: rng.uniform(-1, 1, size=shape) * np.sqrt(3),
    "t5": lambda rng, shape: rng.standard_t(5, size=shape) * np.sqrt(3 / 5),
}


def noise(
    shape: tuple[int, int] | int, rng: np.random.Generator, entries: str = "gaussian"
) -> FloatArray:
    draw = ENTRIES[entries]
    if isinstance(shape, int):
        upper = np.triu(draw(rng, (shape, shape)), 1)
        result = (upper + upper.T + np.diag(draw(rng, shape))) / np.sqrt(shape)
    else:
        result = draw(rng, shape) / np.sqrt(max(shape))
    return np.asarray(result)


def critical(shape: tuple[int, int] | int) -> float:
    return 1.0 if isinstance(shape, int) else (min(shape) / max(shape)) ** 0.25


def fit(matrix: FloatArray, shape: tuple[int, int] | int) -> SymmetricFit | RectangularFit:
    return fit_symmetric(matrix) if isinstance(shape, int) else fit_rectangular(matrix)


def accepted(shape: tuple[int, int] | int, draw: Callable[[], FloatArray]) -> int:
    return sum(fit(draw(), shape).goodness.verdict == "noise bulk" for _ in range(DRAWS))


@pytest.fixture(params=list(SHAPES))
def shape(request: pytest.FixtureRequest) -> tuple[int, int] | int:
    return SHAPES[request.param]


# 20 draws rejected with chance 0.01 each: more than 3 with chance 4e-5.
ENOUGH = DRAWS - 3


@pytest.mark.parametrize("entries", list(ENTRIES))
def test_noise_of_any_entries_stays_noise(shape: tuple[int, int] | int, entries: str) -> None:
    rng = np.random.default_rng(100)
    assert accepted(shape, lambda: noise(shape, rng, entries)) >= ENOUGH


@pytest.mark.parametrize("count, low", [(5, 1.2), pytest.param(10, 1.5, marks=pytest.mark.slow)])
def test_spikes_do_not_spoil_the_bulk(
    make: dict[str, Callable[..., FloatArray]], shape: tuple[int, int] | int, count: int, low: float
) -> None:
    rng = np.random.default_rng(101)
    theta = critical(shape) * np.linspace(low, 4, count)
    assert accepted(shape, lambda: make["plant"](noise(shape, rng, "t5"), theta)) >= ENOUGH


def uneven(shape: tuple[int, int] | int, rng: np.random.Generator) -> FloatArray:
    """Half of the rows (and columns, where symmetric) at double variance."""
    matrix = noise(shape, rng)
    half = np.arange(len(matrix)) < len(matrix) // 2
    scale = np.where(half, np.sqrt(2), 1.0)
    return matrix * scale[:, None] * (scale if isinstance(shape, int) else 1.0)


def heavy(shape: tuple[int, int] | int, rng: np.random.Generator) -> FloatArray:
    """Entries without a variance."""
    matrix = rng.standard_t(1.8, size=(250, 250) if isinstance(shape, int) else shape)
    return matrix + matrix.T if isinstance(shape, int) else matrix


@pytest.mark.parametrize("draw", [uneven, heavy])
def test_what_is_no_noise_is_told(
    shape: tuple[int, int] | int,
    draw: Callable[[tuple[int, int] | int, np.random.Generator], FloatArray],
) -> None:
    rng = np.random.default_rng(102)
    assert accepted(shape, lambda: draw(shape, rng)) <= 2


def test_a_wrong_sigma_is_told(shape: tuple[int, int] | int) -> None:
    matrix = noise(shape, np.random.default_rng(106))
    fit_one = fit_symmetric if isinstance(shape, int) else fit_rectangular
    assert fit_one(matrix, sigma=1.0).goodness.verdict == "noise bulk"
    assert fit_one(matrix, sigma=1.06).goodness.verdict == "not the law"
    # Too small a σ leaves noise over, which can only be a signal of high rank.
    found = fit_one(matrix, sigma=0.94)
    assert found.goodness.verdict == "not the law" or found.signal_rank > 20


def test_the_reason_of_noise_has_the_figures() -> None:
    found = fit_rectangular(noise((200, 300), np.random.default_rng(103))).goodness
    assert "200 values of the bulk follow the law of noise" in found.reason
    assert f"distance {found.statistic:.3f}, p = {found.p_value:.2g}" in found.reason


def test_the_reason_of_a_misfit_says_where_and_how_far_to_trust() -> None:
    rng = np.random.default_rng(104)
    product = rng.normal(size=(200, 150)) @ rng.normal(size=(150, 300))
    far = fit_rectangular(product + 0.1 * rng.normal(size=(200, 300))).goodness
    assert far.verdict == "not the law"
    assert "do not follow the law of noise" in far.reason
    assert "The largest gap is at" in far.reason
    assert far.statistic is not None and f"{100 * far.statistic:.1f} %" in far.reason
    assert "Do not rely on the number of spikes." in far.reason
    near = fit_rectangular(uneven((400, 500), rng)).goodness
    assert near.statistic is not None and near.statistic <= 0.05
    assert "The mean squares of rows spread" in near.reason
    assert "take the noise level and the number of spikes as approximate" in near.reason


def test_the_place_of_the_largest_gap_is_in_the_units_of_the_matrix() -> None:
    # A bulk pushed down: all values a third too small above the median.
    rng = np.random.default_rng(105)
    values = np.linalg.svd(noise((200, 300), rng), compute_uv=False)
    values[:100] = values[100] + (values[:100] - values[100]) / 3
    found = fit_rectangular(singular_values=7e5 * values, shape=(200, 300)).goodness
    place = float(found.reason.split("gap is at ")[1].split(":")[0])
    assert 7e5 * values[-1] <= place <= 7e5 * values[0] * 1.001
