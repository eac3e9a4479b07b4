"""Denoising stacks of images patch by patch: optimal shrinkage, and a map of the noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from pastur._checks import positive_integer, real_array
from pastur._errors import InvalidInputError
from pastur._format import count, fraction, percent
from pastur._typing import ArrayLike, FloatArray
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation.rectangular import fit_rectangular

# A patch with fewer rows or columns is too small for a fit, and stays as it is.
_LEAST = 4
# Correlations of neighbours matter from here on, so many standard deviations from 0: what is left
# of smooth images whose components are too weak to be found has up to half as much.
_LEAST_CORRELATION, _SURE = 0.08, 5.0
# So many patches that do not follow the law are chance.
_MISFITS = 0.1


@dataclass(frozen=True, eq=False, repr=False)
class DenoisedPatches:
    """A stack of images without its noise.

    Attributes
    ----------
    denoised : array, of the shape of the stack
    sigma : array, of the shape of an image
        Standard deviation of the noise in an entry, the mean of the patches over each place; NaN
        where none could be fitted.
    components : array, of the shape of an image
        Number of components kept, the mean of all patches over each place.
    patch : tuple of ints
        Sides of a patch.
    fitted, misfits : int
        Number of patches fitted, and of those whose rest does not follow the law of white noise.
    correlation : float
        Mean correlation of the noise of neighbouring places, `correlation_error` its standard
        deviation where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.estimation import denoise_patches
    >>> noise = np.random.default_rng(0).normal(size=(24, 12, 12))
    >>> found = denoise_patches(noise)
    >>> bool(np.std(found.denoised) < 0.3), round(float(found.sigma.mean()), 1)
    (True, 1.0)
    """

    denoised: FloatArray
    sigma: FloatArray
    components: FloatArray
    patch: tuple[int, ...]
    fitted: int
    misfits: int
    correlation: float
    correlation_error: float

    @property
    def remark(self) -> str:
        """What contradicts white noise in the patches, in a sentence; empty where nothing does."""
        surely = abs(self.correlation) > _SURE * self.correlation_error
        if surely and abs(self.correlation) > _LEAST_CORRELATION:
            return (
                f"Noise of neighbouring places is correlated, {fraction(self.correlation)} ± "
                f"{fraction(self.correlation_error)}, as after interpolation: components may be "
                "such noise, and the noise is underestimated. Denoise before images are resampled."
            )
        if self.fitted and self.misfits > _MISFITS * self.fitted:
            return (
                f"In {percent(self.misfits / self.fitted)} of the patches the rest does not follow "
                "the law of white noise."
            )
        return ""

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.denoised.shape))
        patch = " × ".join(map(str, self.patch))
        fitted = count(self.fitted, "patch", "patches")
        return f"DenoisedPatches({shape}, {fitted} of {patch}, {self.remark!r})"


def denoise_patches(
    stack: ArrayLike, *, patch: int | Sequence[int] | None = None, alpha: float = 0.05
) -> DenoisedPatches:
    """Denoise a stack of images patch by patch.

    Each patch is a matrix, its places by its images. `fit_rectangular` finds the level of the noise
    in patches that overlap by half, which gives a map of it. Then every patch is denoised: its
    singular values are shrunk optimally for the level that the map has there, and the estimates of
    all patches over a place are averaged, those of fewer components with more weight.

    Parameters
    ----------
    stack : array_like, shape (…, k)
        k images of one, two or three dimensions, such as the volumes of a diffusion measurement.
        A matrix is k images of one dimension, and taken only with a `patch` of one side: one image
        of two dimensions is not a stack.
    patch : int or sequence of ints, optional
        Sides of a patch. Default: the smallest cube of as many places as there are images.
    alpha : float, between 0 and 1
        Probability that pure noise gives a patch a component. Default 0.05.

    Returns
    -------
    DenoisedPatches

    Raises
    ------
    InvalidInputError
        Where there are fewer than four images, the stack may be a single image, or a patch exceeds
        an image.

    Notes
    -----
    A fit takes about ten milliseconds, shrinking one patch less than one. The noise of a magnitude
    image is not Gaussian where the signal is below twice its level, and its mean there is not 0:
    denoising does not remove that.

    References
    ----------
    J. Veraart et al., NeuroImage 142 (2016) (the patches, and another estimate of the noise).
    J. V. Manjón et al., PLoS ONE 8 (2013) (the weights of overlapping patches).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> clean = np.sin(np.arange(24) / 4)[:, None, None] * np.linspace(1, 3, 20)
    >>> clean = clean + np.zeros((24, 16, 20))
    >>> noisy = clean + 0.5 * rng.normal(size=clean.shape)
    >>> found = denoise_patches(noisy)
    >>> found.patch, round(float(found.sigma.mean()), 1)
    ((5, 5), 0.5)
    >>> bool(np.std(found.denoised - clean) < np.std(noisy - clean) / 3)
    True
    """
    images = np.asarray(real_array("stack", stack), dtype=np.float64)
    if images.ndim < 2 or images.shape[-1] < _LEAST:
        raise InvalidInputError(
            f"`stack` must have the shape (…, k) with k ≥ {_LEAST} images along its last axis. "
            f"Got shape {images.shape}."
        )
    if images.ndim == 2 and not isinstance(patch, Sequence):
        places, number = images.shape
        raise InvalidInputError(
            f"`stack` has two dimensions, {places} × {number}: one image, which shows nothing of "
            "its noise without others of the same places, which go along a last axis. If it is "
            f"{number} images of one dimension, of {places} places each, name the side of a patch, "
            f"such as patch=({min(places, number)},)."
        )
    space = images.shape[:-1]
    sides = _sides(patch, space, images.shape[-1])
    found = [_noise_of(images[place], alpha) for place in _places(space, sides, overlap=2)]
    fitted = [one for one in found if one is not None]
    sigma = _level_map(space, _places(space, sides, overlap=2), found)
    total, weight, ranks = np.zeros_like(images), np.zeros(space), np.zeros(space)
    counts = np.zeros(space)
    for place in _places(space, sides, overlap=max(sides)):
        signal, rank = _shrunk(images[place], sigma[place])
        own = 1 / (1 + rank)
        total[place] += own * signal
        weight[place] += own
        ranks[place] += rank
        counts[place] += 1
    mean, error = _pooled(fitted)
    return DenoisedPatches(
        denoised=total / weight[..., None],
        sigma=sigma,
        components=ranks / counts,
        patch=sides,
        fitted=len(fitted),
        misfits=sum(not one.fits for one in fitted),
        correlation=mean,
        correlation_error=error,
    )


class _PatchNoise(NamedTuple):
    """The noise of a patch: its level, whether it is white, and the correlation of neighbours."""

    level: float
    fits: bool
    correlation: float
    error: float


def _noise_of(part: FloatArray, alpha: float) -> _PatchNoise | None:
    """Return the noise of a patch, None where it is too small once zeros are left out."""
    w = part.reshape(-1, part.shape[-1])
    filled = w.any(axis=1), w.any(axis=0)
    if min(map(np.count_nonzero, filled)) < _LEAST:
        return None
    inner = w[np.ix_(*filled)]
    left, values, right = np.linalg.svd(inner, full_matrices=False)
    fit = fit_rectangular(singular_values=values, shape=inner.shape, alpha=alpha)
    rest, basis = np.zeros_like(w), np.zeros((len(w), len(fit.spikes)))
    kept = slice(len(fit.spikes))
    rest[np.ix_(*filled)] = inner - (left[:, kept] * values[kept]) @ right[kept]
    basis[filled[0]] = left[:, kept]
    fits = fit.goodness.fits or not fit.goodness.verdict.contradiction
    if not fit.entry_sd:
        # What is left is rounding.
        return _PatchNoise(0.0, fits, 0.0, 0.0)
    return _PatchNoise(float(fit.entry_sd), fits, *_correlation(rest, basis, part.shape[:-1]))


def _correlation(
    rest: FloatArray, basis: FloatArray, shape: tuple[int, ...]
) -> tuple[float, float]:
    """Return the mean cosine between neighbouring places of the rest, and its error if it is 0.

    Without its part within `basis` independent noise has a small one, which is corrected.
    """
    squares = np.sum(rest**2, axis=1)
    variance = squares.sum() / max(np.count_nonzero(squares) - basis.shape[1], 1)
    index, cosines = np.arange(len(rest)).reshape(shape), [np.empty(0)]
    for axis in range(index.ndim):
        ahead = np.moveaxis(index, axis, 0)
        first, second = ahead[:-1].ravel(), ahead[1:].ravel()
        products = np.sum(rest[first] * rest[second], axis=1)
        products += variance * np.sum(basis[first] * basis[second], axis=1)
        sizes = np.sqrt(squares[first] * squares[second])
        cosines.append(products[sizes > 0] / sizes[sizes > 0])
    found = np.concatenate(cosines)
    if not found.size:
        return 0.0, 0.0
    return float(found.mean()), float(np.sqrt(found @ found) / found.size)


def _level_map(
    space: tuple[int, ...],
    places: Iterator[tuple[slice, ...]],
    found: Sequence[_PatchNoise | None],
) -> FloatArray:
    """Return the mean level of the patches over each place, NaN where there is none."""
    total, seen = np.zeros(space), np.zeros(space)
    for place, one in zip(places, found, strict=True):
        if one is not None:
            total[place] += one.level
            seen[place] += 1
    return np.asarray(np.divide(total, seen, out=np.full(space, np.nan), where=seen > 0))


def _shrunk(part: FloatArray, sigma: FloatArray) -> tuple[FloatArray, int]:
    """Return a patch without noise of the level that its places have in the mean."""
    w = part.reshape(-1, part.shape[-1])
    filled = w.any(axis=1)
    rows = int(np.count_nonzero(filled))
    level = float(np.nanmean(sigma)) if np.isfinite(sigma).any() else 0.0
    if level == 0.0 or rows < _LEAST:
        return part, 0
    left, values, right = np.linalg.svd(w[filled], full_matrices=False)
    kind = RectangularKind(min(w.shape[1], rows), max(w.shape[1], rows))
    end = level * (np.sqrt(rows) + np.sqrt(w.shape[1]))
    rank = min(int(np.count_nonzero(values > end)), kind.size - 1)
    # Without the components, noise has so many rows and columns less.
    inner = kind.without(rank)
    kept = inner.shrink(values[:rank], level * np.sqrt(inner.side))
    signal = np.zeros_like(w)
    signal[filled] = (left[:, :rank] * kept) @ right[:rank]
    return signal.reshape(part.shape), rank


def _pooled(found: Sequence[_PatchNoise]) -> tuple[float, float]:
    """Return the mean correlation and its error, of patches that share half of their places."""
    if not found:
        return 0.0, 0.0
    means, errors = (
        np.array([getattr(one, name) for one in found]) for name in ("correlation", "error")
    )
    return float(means.mean()), float(2 * np.sqrt(np.mean(errors**2) / means.size))


def _sides(given: int | Sequence[int] | None, space: Sequence[int], images: int) -> tuple[int, ...]:
    if given is None:
        side = int(np.ceil(images ** (1 / len(space)) - 1e-9))
        return tuple(min(side, one) for one in space)
    listed = [given] * len(space) if isinstance(given, (int, np.integer)) else list(given)
    sides = tuple(positive_integer("patch", one) for one in listed)
    if len(sides) != len(space) or any(s > one for s, one in zip(sides, space, strict=True)):
        raise InvalidInputError(
            f"`patch` must have one side for each axis of an image, {tuple(space)}, and none that "
            f"is longer. Got {sides}."
        )
    return sides


def _places(
    space: Sequence[int], sides: Sequence[int], *, overlap: int
) -> Iterator[tuple[slice, ...]]:
    """Yield patches of which `overlap` cover each place along an axis, the last at its end."""
    starts = []
    for length, side in zip(space, sides, strict=True):
        steps = list(range(0, length - side + 1, -(-side // overlap)))
        starts.append(steps if steps[-1] == length - side else [*steps, length - side])
    for corner in product(*starts):
        yield tuple(slice(s, s + side) for s, side in zip(corner, sides, strict=True))
