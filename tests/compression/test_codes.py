"""Rounding to few bits: packing, the published constants, and the error to expect."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import pastur
from pastur._errors import FileFormatError, InvalidInputError
from pastur._typing import AnyArray
from pastur.compression import read_compressed
from pastur.compression._matrix.codes import (
    BITS,
    GROUP,
    best_step,
    gaussian_error,
    rounded,
    split_rounded,
    unpacked,
)
from pastur.compression._matrix.lies import Orientation
from pastur.compression._matrix.parts import code_parts, factor_parts, joined
from pastur.weights import open_weights


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("columns", [1, 7, 32, 45])
def test_codes_are_unpacked_as_they_were(bits: int, columns: int) -> None:
    w = np.random.default_rng(bits).normal(size=(5, columns))
    codes = rounded(w, bits)
    packed = codes.packed()
    assert packed.shape == (5, -(-columns * bits // 8))
    assert (unpacked(packed, columns, bits) == codes.codes).all()


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_rounding_is_to_the_nearest_level(bits: int) -> None:
    w = np.random.default_rng(1).normal(size=(6, 70))
    found = rounded(w, bits).dense()
    for row, out in zip(w, found, strict=True):
        for start in range(0, 70, GROUP):
            part = row[start : start + GROUP]
            step = np.abs(part).max() / (2 ** (bits - 1) - 1)
            # The step is one of float16.
            off = np.abs(out[start : start + GROUP] - part)
            assert off.max() <= step / 2 * (1 + 2.0**-9)


def test_rows_of_zeros_stay_zero() -> None:
    w = np.zeros((3, 40))
    w[1] = 1e-30
    assert (rounded(w, 4).dense()[[0, 2]] == 0).all()
    assert rounded(w, 4).dense()[1] == pytest.approx(1e-30, rel=1e-3)
    assert (rounded(np.zeros((3, 40)), 4).dense() == 0).all()
    assert split_rounded(np.zeros((3, 40)), 2).dense() == pytest.approx(0)


# J. Max, IRE Trans. Inform. Theory 6 (1960), table II: step and mean squared error.
MAX = {2: (0.9957, 0.1188), 3: (0.5860, 0.03744), 4: (0.3352, 0.01154), 5: (0.1881, 0.003495)}


@pytest.mark.parametrize("bits", MAX)
def test_steps_and_errors_are_those_of_max(bits: int) -> None:
    step, error = MAX[bits]
    assert best_step(bits) == pytest.approx(step, abs=6e-5)
    assert gaussian_error(bits)[0] == pytest.approx(error, rel=5e-4)


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_moments_of_the_error_are_those_of_an_integral(bits: int) -> None:
    """By a sum over a fine grid."""
    x = np.linspace(-9, 9, 400_001)
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    top = (2**bits - 1) / 2
    step = best_step(bits)
    levels = np.clip(np.floor(x / step) + 0.5, -top, top) * step
    mean = np.trapezoid((x - levels) ** 2 * density, x) if hasattr(np, "trapezoid") else None
    if mean is None:
        mean = float(np.sum((x - levels) ** 2 * density) * (x[1] - x[0]))
    fourth = float(np.sum((x - levels) ** 4 * density) * (x[1] - x[0]))
    found = gaussian_error(bits)
    assert found[0] == pytest.approx(mean, rel=1e-4)
    assert found[1] == pytest.approx(fourth - mean**2, rel=1e-3)


def expected_interval_holds(entries: np.ndarray, bits: int) -> bool:
    """Whether the mean squared error lies within five standard deviations: 1 in 1.7 million."""
    lost = np.sum((entries - split_rounded(entries, bits).dense()) ** 2) / np.sum(entries**2)
    mean, variance = gaussian_error(bits)
    return bool(abs(lost - mean) < 5 * np.sqrt(variance / entries.size) + 2e-3 * mean)


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_the_error_of_gaussian_entries_is_the_expected_one(bits: int) -> None:
    rng = np.random.default_rng(bits)
    rows = rng.uniform(0.5, 2, size=(200, 1))
    assert expected_interval_holds(rows * rng.normal(size=(200, 400)), bits)


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_that_of_heavy_tails_is_not(bits: int) -> None:
    """The sibling that must be rejected."""
    rng = np.random.default_rng(bits)
    assert not expected_interval_holds(rng.standard_t(4, size=(200, 400)), bits)


SOUND: dict[str, AnyArray] = {
    "_codes": np.zeros((4, 2), np.uint8),
    "_steps": np.ones((4, 1), np.float16),
    "_unit": np.ones(1, np.float32),
    "_layout": np.array([4, 8, 0, 0, 4, 4] + 6 * [0], np.int32),
}


def layout(*numbers: int) -> AnyArray:
    return np.array([*numbers, *(12 - len(numbers)) * [0]], np.int32)


DAMAGED = [
    ("_layout", layout(4, 8, 0, 0)),
    ("_layout", layout(4, 8, 0, 1)),
    ("_layout", layout(4, 8, 0, 0, -4, 4)),
    ("_layout", layout(4, 8, 0, 1, 4, 4, 1)),
    ("_layout", layout(4, 8, 0, 0, 4, 5)),
    ("_layout", layout(4, 0, 0, 0, 4, 4)),
    ("_layout", layout(99, 8, 0, 0, 4, 4)),
    ("_layout", layout(4, 8, 0, 0, 4, 4).astype(np.int64)),
    ("_layout", np.zeros(3, np.int32)),
    ("_codes", np.zeros((4, 3), np.uint8)),
    ("_codes", np.zeros(8, np.uint8)),
    ("_codes", np.zeros((4, 2), np.int8)),
    ("_steps", np.full((4, 1), np.nan, np.float16)),
    ("_steps", np.ones((4, 2), np.float16)),
    ("_steps", np.ones((4, 1), np.int16)),
    ("_unit", np.full(1, np.inf, np.float32)),
    ("_unit", np.ones(2, np.float32)),
]


@pytest.mark.parametrize(("part", "damaged"), DAMAGED)
def test_damaged_parts_are_refused(part: str, damaged: AnyArray, tmp_path: Path) -> None:
    """Without one of the checks: an IndexError for sides of 0, or a matrix of NaN."""
    path = tmp_path / "model.safetensors"
    save_file({f"w{ending}": array for ending, array in SOUND.items()}, path)
    assert read_compressed(path)["w"].shape == (4, 4)
    save_file({f"w{ending}": array for ending, array in (SOUND | {part: damaged}).items()}, path)
    with pytest.raises(FileFormatError, match="The parts of tensor 'w' do not go together"):
        read_compressed(path)


def test_groups_longer_than_rows_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    parts = SOUND | {"_layout": layout(4, 10**6, 0, 0, 4, 4)}
    save_file({f"w{ending}": array for ending, array in parts.items()}, path)
    read_compressed(path)
    tracemalloc.start()
    found = read_compressed(path)["w"]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A step for each entry of such groups would be 4 million numbers.
    assert most < 10**6
    assert np.unique(found).size == 1


def in_parts(
    shape: tuple[int, ...], lies: Orientation, bits: int, rank: int
) -> dict[str, AnyArray]:
    """Return a tensor of this shape as codes, with factors of a rank where that is not 0."""
    rng = np.random.default_rng(bits)
    sides = shape[::-1] if lies == Orientation.TURNED else (shape[0], int(np.prod(shape[1:])))
    matrix = rng.normal(size=sides)
    coded = split_rounded(matrix, bits) if rank else rounded(matrix, bits)
    parts = code_parts("w", coded, shape, lies)
    if rank:
        left, right = rng.normal(size=(sides[0], rank)), rng.normal(size=(rank, sides[1]))
        left, right = left.astype(np.float16), right.astype(np.float16)
        parts |= factor_parts("w", left, right, shape, lies)
    return parts


@pytest.mark.parametrize("rank", [0, 3])
@pytest.mark.parametrize("bits", [2, 5, 8])
@pytest.mark.parametrize(
    ("shape", "lies"),
    [
        ((9, 40), Orientation.STRAIGHT),
        ((9, 40), Orientation.TURNED),
        ((6, 5, 3, 3), Orientation.STRAIGHT),
    ],
)
def test_a_model_with_codes_is_read_as_the_model_that_they_make(
    shape: tuple[int, ...], lies: Orientation, bits: int, rank: int
) -> None:
    parts = in_parts(shape, lies, bits, rank)
    weights = open_weights(parts)
    (entry,) = (one for one in weights.entries if not one.aside)
    assert (entry.name, entry.shape, entry.quantised) == ("w", shape, f"pastur int{bits}")
    endings = [name.removeprefix("w") for name in parts]
    expected = joined("w", endings, lambda name: parts[name])
    np.testing.assert_allclose(weights.read("w"), expected, rtol=0, atol=2e-6)
    assert weights.steps is not None
    variances = weights.steps("w")
    if rank:
        assert variances is None
    else:
        # The entries are whole numbers of steps, which an odd number of levels has around 0.
        assert variances is not None
        whole = expected / np.sqrt(12 * variances)
        np.testing.assert_allclose(whole, np.rint(whole), rtol=0, atol=1e-4)


@pytest.mark.parametrize(("part", "damaged"), DAMAGED)
def test_of_damaged_codes_nothing_is_analysed(part: str, damaged: AnyArray) -> None:
    parts = {f"w{ending}": array for ending, array in (SOUND | {part: damaged}).items()}
    with pytest.raises(InvalidInputError, match="Nothing to analyse"):
        pastur.analyze(parts)


def test_factors_that_do_not_fit_the_codes_are_refused() -> None:
    parts = in_parts((9, 40), Orientation.STRAIGHT, 4, 3)
    parts["w_right"] = parts["w_right"][:, :-1].copy()
    with pytest.raises(InvalidInputError, match=r"'w' .* pastur wrote, whose parts do not"):
        pastur.analyze(parts)
