"""Matrices of noise of many kinds, wide, their entries of mean variance 1/columns; and spikes.

Some are white noise plus a signal of full rank: the singular values of the whole signal are the
truth then, so that all of it is drawn at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pastur._typing import FloatArray

Rng = np.random.Generator
Shape = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Draw:
    """A matrix, the singular values of its signal, descending, where σ = 1, and the signal."""

    matrix: FloatArray
    signal: FloatArray
    mean: FloatArray


@dataclass(frozen=True, slots=True)
class Noise:
    """A kind of noise; `rest` is the signal that comes with it, by the order of its values."""

    family: str
    entries: Callable[[Rng, Shape], FloatArray]
    rest: Callable[[FloatArray], FloatArray] | None = None


def gaussian(rng: Rng, shape: Shape) -> FloatArray:
    return rng.normal(size=shape)


def haar(rng: Rng, size: int, count: int) -> FloatArray:
    """Orthonormal columns in no special direction."""
    q, r = np.linalg.qr(rng.normal(size=(size, count)))
    return np.asarray(q * np.sign(np.diag(r)))


def _smooth(x: FloatArray, rho: float, axis: int) -> FloatArray:
    """Autoregression along an axis, stationary from its first entry."""
    from scipy.signal import lfilter

    x = np.moveaxis(x * np.sqrt(1 - rho**2), axis, -1).copy()
    x[..., 0] /= np.sqrt(1 - rho**2)
    return np.asarray(np.moveaxis(lfilter([1.0], [1.0, -rho], x, axis=-1), -1, axis))


def _autoregressive(rho: float, *axes: int) -> Callable[[Rng, Shape], FloatArray]:
    def entries(rng: Rng, shape: Shape) -> FloatArray:
        x = gaussian(rng, shape)
        for axis in axes:
            x = _smooth(x, rho, axis)
        return x

    return entries


def _separable(spread: float) -> Callable[[Rng, Shape], FloatArray]:
    """A^½RB^½, the eigenvectors of A and B in no special direction, their values lognormal.

    Gaussian R takes up the inner rotations, so that only the outer ones are drawn.
    """

    def entries(rng: Rng, shape: Shape) -> FloatArray:
        inner = _scaled(rng, shape, lambda size: np.exp(spread * rng.normal(size=size)), "both")
        values = np.linalg.svd(inner, compute_uv=False)
        left, right = (haar(rng, size, values.size) for size in shape)
        return np.asarray((left * values) @ right.T)

    return entries


def _product(rng: Rng, shape: Shape) -> FloatArray:
    n, m = shape
    return np.asarray(gaussian(rng, (n, n)) @ gaussian(rng, (n, m)) / np.sqrt(n))


def _band(width: float, *, periodic: bool) -> Callable[[Rng, Shape], FloatArray]:
    """Entries within `width` of the diagonal, all sides of length 1; 0 elsewhere."""

    def entries(rng: Rng, shape: Shape) -> FloatArray:
        i, j = (np.arange(size) / size for size in shape)
        distance = np.abs(i[:, None] - j)
        if periodic:
            distance = np.minimum(distance, 1 - distance)
        kept = distance < width
        return np.asarray(gaussian(rng, shape) * kept / np.sqrt(kept.mean()))

    return entries


def _scaled(
    rng: Rng, shape: Shape, variances: Callable[[int], FloatArray], axes: str
) -> FloatArray:
    x = gaussian(rng, shape)
    for axis, name in enumerate(("rows", "columns")):
        if axes in (name, "both"):
            of_axis = variances(shape[axis])
            scale = np.sqrt(of_axis / of_axis.mean())
            x *= scale[:, None] if axis == 0 else scale
    return x


def _lognormal(spread: float, axes: str) -> Callable[[Rng, Shape], FloatArray]:
    return lambda rng, shape: _scaled(
        rng, shape, lambda size: np.exp(spread * rng.normal(size=size)), axes
    )


def _some(share: float, times: float, axes: str) -> Callable[[Rng, Shape], FloatArray]:
    def entries(rng: Rng, shape: Shape) -> FloatArray:
        def variances(size: int) -> FloatArray:
            result = np.ones(size)
            result[rng.choice(size, max(round(share * size), 1), replace=False)] = times
            return result

        return _scaled(rng, shape, variances, axes)

    return entries


def _huge(rng: Rng, shape: Shape) -> FloatArray:
    x = gaussian(rng, shape)
    places = rng.choice(x.size, 20, replace=False)
    x.ravel()[places] = 30 * rng.choice([-1.0, 1.0], 20)
    return x


def _zeros(share: float) -> Callable[[Rng, Shape], FloatArray]:
    return lambda rng, shape: (
        gaussian(rng, shape) * (rng.random(shape) >= share) / np.sqrt(1 - share)
    )


def _duplicated(share: float) -> Callable[[Rng, Shape], FloatArray]:
    """A share of the rows are copies of others."""

    def entries(rng: Rng, shape: Shape) -> FloatArray:
        x = gaussian(rng, shape)
        order = rng.permutation(shape[0])
        count = round(share * shape[0] / 2) * 2
        x[order[: count // 2]] = x[order[count // 2 : count]]
        return x

    return entries


def _padded(rng: Rng, shape: Shape) -> FloatArray:
    """A tenth of the rows and of the columns are zeros."""
    x = gaussian(rng, shape)
    for axis, size in enumerate(shape):
        np.moveaxis(x, axis, 0)[rng.choice(size, size // 10, replace=False)] = 0.0
    return x


def _centred(rng: Rng, shape: Shape) -> FloatArray:
    """The means of rows and columns are taken out, as of data before they are analysed."""
    x = gaussian(rng, shape)
    for axis, size in enumerate(shape):
        x = (x - x.mean(axis=axis, keepdims=True)) * np.sqrt(size / (size - 1))
    return np.asarray(x)


def _t3(rng: Rng, shape: Shape) -> FloatArray:
    return np.asarray(rng.standard_t(3, size=shape) / np.sqrt(3))


def _kinds() -> dict[str, Noise]:
    kinds = {"white": Noise("white", gaussian)}
    ways: dict[str, tuple[int, ...]] = {"rows": (1,), "columns": (0,), "both": (1, 0)}
    for way, axes in ways.items():
        for rho in (0.1, 0.2, 0.3, 0.4, 0.6):
            kinds[f"AR {rho} along {way}"] = Noise("AR", _autoregressive(rho, *axes))
    for spread in (0.3, 0.6, 1.0):
        kinds[f"separable {spread}"] = Noise("separable", _separable(spread))
    kinds["product"] = Noise("product", _product)
    for width in (0.05, 0.15, 0.3):
        for periodic in (False, True):
            name = f"band {width}{' periodic' if periodic else ''}"
            kinds[name] = Noise("band", _band(width, periodic=periodic))
    powers: dict[str, Callable[[FloatArray], FloatArray]] = {
        "10k^-1/2": lambda k: 10 / np.sqrt(k),
        "100/k": lambda k: 100 / k,
        "10/k": lambda k: 10 / k,
    }
    for name, power in powers.items():
        kinds[f"signal {name}"] = Noise("power-law signal", gaussian, power)
    for axis in ("rows", "columns"):
        for share, times in ((0.03, 9.0), (0.1, 4.0), (0.25, 2.0), (0.5, 3.0)):
            name = f"{100 * share:.0f} % of {axis} × {times:.0f}"
            kinds[name] = Noise("profile of some", _some(share, times, axis))
    for sides in ("rows", "columns", "both"):
        for spread in (0.1, 0.3, 0.5, 0.7):
            name = f"lognormal {spread} {sides}"
            kinds[name] = Noise("lognormal profile", _lognormal(spread, sides))
    kinds["20 huge entries"] = Noise("entries", _huge)
    kinds["t3"] = Noise("entries", _t3)
    for share in (0.5, 0.8, 0.9):
        kinds[f"{100 * share:.0f} % zeros"] = Noise("entries", _zeros(share))
    for share in (0.1, 0.5):
        kinds[f"{100 * share:.0f} % duplicated rows"] = Noise("rows", _duplicated(share))
    kinds["zero rows and columns"] = Noise("rows", _padded)
    # The draws of a kind follow from its place: a new one comes last.
    kinds["rows and columns centred"] = Noise("rows", _centred)
    return kinds


KINDS = _kinds()


def draw(kind: str, shape: Shape, spikes: int, rng: Rng) -> Draw:
    """Return noise of a kind with spikes on [1.5, 4] times the critical value."""
    noise, (n, m) = KINDS[kind], shape
    x = noise.entries(rng, shape) / np.sqrt(m)
    theta = (n / m) ** 0.25 * rng.uniform(1.5, 4, spikes)
    if noise.rest is not None:
        theta = np.sort(np.append(theta, noise.rest(np.arange(1.0, n - spikes + 1))))
    theta, mean = np.sort(theta)[::-1], np.zeros(shape)
    if theta.size:
        # Rows and columns of zeros hold no signal.
        kept = np.ix_(x.any(axis=1), x.any(axis=0))
        left, right = (haar(rng, size, theta.size) for size in x[kept].shape)
        mean[kept] = (left * theta) @ right.T
    return Draw(x + mean, theta, mean)
