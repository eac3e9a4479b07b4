"""Entries that are no noise are told and named; noise of any kind beside a signal passes."""

import tracemalloc
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.estimation import fit_rectangular, fit_symmetric
from pastur.estimation._observed.entries import EntryDiagnosis, diagnose_entries

SHAPES = {"wide": (300, 500), "symmetric": (400, 400)}
NOISE: dict[str, Callable[[np.random.Generator, tuple[int, int]], FloatArray]] = {
    "gaussian": lambda rng, shape: rng.normal(size=shape),
    "signs": lambda rng, shape: rng.choice([-1.0, 1.0], size=shape),
    "uniform": lambda rng, shape: rng.uniform(-1, 1, size=shape),
    "laplace": lambda rng, shape: rng.laplace(size=shape),
    "t6": lambda rng, shape: rng.standard_t(6, size=shape),
}
DRAWS = 10


@pytest.fixture(params=list(SHAPES))
def shape(request: pytest.FixtureRequest) -> tuple[int, int]:
    return SHAPES[request.param]


def mirrored(x: FloatArray) -> FloatArray:
    return np.triu(x) + np.triu(x, 1).T if x.shape[0] == x.shape[1] else x


def diagnosis(
    x: FloatArray,
    make: Mapping[str, Callable[..., FloatArray]] | None = None,
    spikes: tuple[float, ...] = (),
) -> EntryDiagnosis:
    x = mirrored(x)
    w = x / (np.std(x) * np.sqrt(max(x.shape)))
    if make is not None and len(spikes):
        w = make["plant"](w, spikes)
    symmetric = w.shape[0] == w.shape[1]
    values = (
        np.linalg.eigvalsh(w)
        if symmetric
        else np.linalg.svd(w, compute_uv=False).astype(np.float64, copy=False)
    )
    return diagnose_entries(w, values)


@pytest.mark.parametrize("spikes", [(), (3.0, 2.0, 1.5), tuple(np.linspace(1.2, 4, 60))])
@pytest.mark.parametrize("entries", list(NOISE))
def test_noise_and_signal_in_no_special_direction_pass(
    make: dict[str, Callable[..., FloatArray]],
    shape: tuple[int, int],
    entries: str,
    spikes: tuple[float, ...],
) -> None:
    # Each test of a draw errs with chance 1e-3 at most: false alarm below 0.02 a setting.
    rng = np.random.default_rng(90)
    for _ in range(DRAWS):
        assert diagnosis(NOISE[entries](rng, shape), make, spikes).verdict is None


def test_a_heavy_tail_is_told(
    make: dict[str, Callable[..., FloatArray]], shape: tuple[int, int]
) -> None:
    rng = np.random.default_rng(91)
    for spikes in ((), (3.0, 2.0)):
        found = [diagnosis(rng.standard_t(2.5, size=shape), make, spikes) for _ in range(DRAWS)]
        assert sum(d.verdict == "heavy tail" for d in found) >= DRAWS - 1
    assert "index 2." in found[0].reason or "index 3." in found[0].reason


def test_huge_entries_are_named(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(92)
    for _ in range(DRAWS):
        x = rng.normal(size=shape)
        places = [tuple(sorted(rng.integers(0, min(shape), size=2))) for _ in range(3)]
        for place, value in zip(places, (60.0, -50.0, 40.0), strict=True):
            x[place] = value
        found = diagnosis(x)
        assert found.verdict == "entries with outliers"
        named = {tuple(sorted(place)) for place in found.entries}
        assert named == set(places)
        assert f"Entry {found.entries[0]}" in found.reason.replace("np.int64", "")


def test_an_entry_that_makes_no_spike_is_left_alone(shape: tuple[int, int]) -> None:
    # Critical is (nm)^(1/4) standard deviations, about 20.
    x = np.random.default_rng(93).normal(size=shape)
    x[3, 7] = 12.0
    assert diagnosis(x).verdict is None


def one_row(x: FloatArray, rng: np.random.Generator) -> None:
    # Of a symmetric matrix only the part above the diagonal is used.
    x[rng.integers(len(x) // 2)] *= 5


def uneven_rows(x: FloatArray, rng: np.random.Generator) -> None:
    x *= rng.uniform(1, 3, size=(len(x), 1))


def double_columns(x: FloatArray, rng: np.random.Generator) -> None:
    x[:, : x.shape[1] // 2] *= np.sqrt(2)


@pytest.mark.parametrize("change", [one_row, uneven_rows, double_columns])
def test_uneven_variances_are_told(
    make: dict[str, Callable[..., FloatArray]],
    shape: tuple[int, int],
    change: Callable[[FloatArray, np.random.Generator], None],
) -> None:
    rng = np.random.default_rng(94)
    for spikes in ((), (3.0, 2.0)):
        for _ in range(DRAWS):
            x = rng.normal(size=shape)
            change(x, rng)
            assert diagnosis(x, make, spikes).verdict == "row or column variances differ"


def test_a_row_is_named_in_the_reason() -> None:
    x = np.random.default_rng(95).normal(size=(300, 500))
    x[123] *= 2.5
    assert "row 123 is" in diagnosis(x).reason


def test_rows_of_zeros_do_not_count(shape: tuple[int, int]) -> None:
    x = np.random.default_rng(96).normal(size=shape)
    x[:30] = 0.0
    if shape[0] == shape[1]:
        x[:, :30] = 0.0
    assert diagnosis(x).verdict is None


def test_the_fit_carries_the_verdict(make: dict[str, Callable[..., FloatArray]]) -> None:
    rng = np.random.default_rng(97)
    x = rng.normal(size=(300, 500))
    x[5, 6] = 60.0
    found = fit_rectangular(x).goodness
    assert found.verdict == "entries with outliers" and found.entries == ((5, 6),)
    assert not found.fits
    # From the singular values alone it is a spike like any other.
    values = np.linalg.svd(x, compute_uv=False).astype(np.float64, copy=False)
    blind = fit_rectangular(singular_values=values, shape=x.shape)
    assert blind.goodness.fits and blind.rank >= 1
    again = type(blind).from_dict(fit_rectangular(x).to_dict())
    assert again.goodness.entries == ((5, 6),)


def test_uneven_noise_is_not_deconvolved(make: dict[str, Callable[..., FloatArray]]) -> None:
    x = mirrored(np.random.default_rng(98).normal(size=(400, 400)))
    scale = np.where(np.arange(400) < 200, 1.4, 1.0)
    w = x * scale[:, None] * scale
    found = fit_symmetric(w)
    assert not found.growing and "biwhiten" in found.goodness.reason
    blind = fit_symmetric(eigenvalues=np.linalg.eigvalsh(w))
    assert blind.growing and "From the spectrum alone" in blind.goodness.reason


def test_rows_and_entries_are_named_by_their_places_in_the_matrix_given() -> None:
    x = np.random.default_rng(99).normal(size=(300, 500))
    x[:7], x[:, 2] = 0.0, 0.0
    huge, uneven = x.copy(), x.copy()
    huge[123, 45] = 60.0
    uneven[123] *= 2.5
    found = diagnosis(huge)
    assert found.entries == ((123, 45),) and "Entry (123, 45) is" in found.reason
    assert "row 123 is" in diagnosis(uneven).reason


@pytest.mark.parametrize("exponent", [-1000, -300, 300, 1010])
def test_scaling_by_a_power_of_two_changes_the_units_alone(exponent: int) -> None:
    x = np.random.default_rng(100).normal(size=(100, 150))
    x[3, 4] = 60.0
    values = np.linalg.svd(x, compute_uv=False).astype(np.float64, copy=False)
    found = diagnose_entries(x, values)
    scaled = diagnose_entries(np.ldexp(x, exponent), np.ldexp(values, exponent))
    entry = f"Entry (3, 4) is {np.ldexp(60.0, exponent):#.4g},"
    assert scaled.verdict == found.verdict == "entries with outliers"
    assert scaled.reason == found.reason.replace("Entry (3, 4) is 60.00,", entry)


def test_beside_the_matrix_only_blocks_of_it_are_in_memory() -> None:
    w = np.random.default_rng(101).normal(size=(6000, 1200))
    values = np.linalg.svd(w, compute_uv=False).astype(np.float64, copy=False)
    tracemalloc.start()
    diagnose_entries(w, values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Blocks of 2¹⁶ entries with their temporaries, and a sample of 2¹⁸.
    assert peak < w.nbytes / 4
