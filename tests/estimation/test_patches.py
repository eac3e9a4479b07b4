"""Stacks of images denoised by patches: the shrinkage, the map of the noise, refusals."""

from typing import Any

import numpy as np
import pytest

import pastur
from pastur import PasturError
from pastur._typing import FloatArray
from pastur.estimation.baselines import shrunk_singular_values
from pastur.estimation.patches import _places, _shrunk


def images(rng: np.random.Generator) -> FloatArray:
    """Two smooth components over 18 × 18 places, in 20 images."""
    x, y = np.meshgrid(np.linspace(0, 3, 18), np.linspace(0, 2, 18))
    maps = np.stack([1 + np.sin(x), np.cos(2 * y) * x], axis=-1)
    return np.asarray(maps @ rng.normal(size=(2, 20)))


def test_noise_is_mapped_and_removed() -> None:
    rng = np.random.default_rng(80)
    clean = images(rng)
    level = np.linspace(0.2, 0.4, 18)[:, None] * np.ones(18)
    noisy = clean + level[..., None] * rng.normal(size=clean.shape)
    found = pastur.denoise_patches(noisy, patch=6)
    assert np.std(found.denoised - clean) < np.std(noisy - clean) / 2.2
    # A patch has one level; the map follows what changes from one to the next.
    np.testing.assert_allclose(found.sigma, level, rtol=0.25)
    assert abs(np.mean(found.sigma / level) - 1) < 0.05
    assert 1 <= found.components.mean() < 3.5
    assert found.denoised.shape == clean.shape and not found.remark
    assert repr(found) == "DenoisedPatches(18 × 18 × 20, 25 patches of 6 × 6, '')"


def test_one_patch_is_shrunk_as_published() -> None:
    rng = np.random.default_rng(81)
    clean = images(rng)
    noisy = clean + 0.3 * rng.normal(size=clean.shape)
    signal, rank = _shrunk(noisy, np.full((18, 18), 0.3))
    left, values, right = np.linalg.svd(noisy.reshape(324, 20), full_matrices=False)
    shrunk = shrunk_singular_values(values, (324, 20), sigma=0.3 * np.sqrt(324))
    expected = ((left * shrunk) @ right).reshape(clean.shape)
    assert rank == np.count_nonzero(shrunk) == 2
    # Two rows and columns of noise less, of 324 and 20.
    assert np.linalg.norm(signal - expected) < 0.03 * np.linalg.norm(noisy - clean)


@pytest.mark.parametrize(
    ("space", "sides"), [((7,), (3,)), ((9, 5), (4, 5)), ((6, 6, 4), (3, 2, 1))]
)
@pytest.mark.parametrize("overlap", [1, 2, 5])
def test_every_place_is_covered(
    space: tuple[int, ...], sides: tuple[int, ...], overlap: int
) -> None:
    seen = np.zeros(space)
    for place in _places(space, sides, overlap=overlap):
        assert seen[place].shape == sides
        seen[place] += 1
    assert seen.min() >= 1


def test_correlated_noise_is_named() -> None:
    rng = np.random.default_rng(82)
    noise = rng.normal(size=(18, 18, 20))
    smooth = noise + 0.5 * (np.roll(noise, 1, axis=0) + np.roll(noise, 1, axis=1))
    for given, named in ((noise, False), (smooth, True)):
        remark = pastur.denoise_patches(images(rng) + 0.3 * given, patch=6).remark
        assert ("neighbouring places is correlated" in remark) is named


def test_an_empty_background_stays_empty() -> None:
    rng = np.random.default_rng(83)
    noisy = images(rng) + 0.3 * rng.normal(size=(18, 18, 20))
    noisy[:9] = 0.0
    found = pastur.denoise_patches(noisy, patch=4)
    assert not found.denoised[:8].any() and np.isnan(found.sigma[:4]).all()
    assert np.isfinite(found.denoised).all()
    assert found.sigma[12:].mean() == pytest.approx(0.3, rel=0.1)


@pytest.mark.lengthy
def test_the_map_of_the_noise_has_its_level() -> None:
    """Of eight stacks: standard error 0.00135, 4 of which pass in all but 6e-5 of cases."""
    levels = [
        pastur.denoise_patches(np.random.default_rng(seed).normal(size=(24, 24, 60))).sigma.mean()
        for seed in range(8)
    ]
    assert np.mean(levels) == pytest.approx(1.0, abs=0.0055)


def test_images_without_noise_stay_as_they_are() -> None:
    clean = images(np.random.default_rng(84))
    found = pastur.denoise_patches(clean, patch=5)
    np.testing.assert_allclose(found.denoised, clean)
    assert not found.sigma.any() and not found.remark


@pytest.mark.parametrize(
    ("stack", "patch", "message"),
    [
        (np.ones((5, 5, 3)), None, "k ≥ 4 images along its last axis"),
        (np.ones(5), None, "must have the shape"),
        (np.ones((64, 64)), None, "two dimensions, 64 × 64: one image, which shows nothing"),
        (np.ones((64, 20)), 5, r"20 images of one dimension, of 64 places each, .* patch=.20,."),
        (np.ones((5, 5, 8)), 6, "one side for each axis"),
        (np.ones((5, 5, 8)), (2, 2, 2), "one side for each axis"),
        (np.ones((5, 5, 8)), 0, "must be at least 1"),
        (np.full((5, 5, 8), "a"), None, r"^`stack` must hold numbers"),
    ],
)
def test_what_cannot_be_denoised_is_refused(stack: FloatArray, patch: Any, message: str) -> None:
    with pytest.raises(PasturError, match=message):
        pastur.denoise_patches(stack, patch=patch)


def test_nothing_comes_of_nothing() -> None:
    found = pastur.denoise_patches(np.zeros((20, 12, 12)))
    assert not found.denoised.any() and not np.nan_to_num(found.sigma).any()
    assert (found.correlation, found.correlation_error, found.remark) == (0.0, 0.0, "")


def test_images_of_one_dimension_are_taken_with_the_side_of_a_patch() -> None:
    """A line of three bends over 48 places, in 30 images of different strength."""
    rng = np.random.default_rng(6)
    clean = np.outer(np.sin(np.arange(48) / 3), rng.normal(size=30))
    noisy = clean + 0.3 * rng.normal(size=clean.shape)
    found = pastur.denoise_patches(noisy, patch=(24,))
    assert found.sigma.shape == (48,) and found.sigma.mean() == pytest.approx(0.3, rel=0.1)
    assert np.std(found.denoised - clean) < 0.6 * np.std(noisy - clean)
    one = pastur.denoise_patches(noisy[:24], patch=(24,))
    assert "30, 1 patch of 24, " in repr(one)
