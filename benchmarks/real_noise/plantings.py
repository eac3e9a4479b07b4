"""One direction more in a matrix whose spectrum is known, without a decomposition of the matrix.

W + θuvᵀ in the singular vectors of W is diag(s) + θab′ᵀ with a and b the coordinates of u and v: a
problem of the short side alone. Likewise for eigenvalues. Nothing here is shared with the readings
on trial.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pastur._typing import FloatArray

# A value this share of the others exceeds is where the tail of a layer begins.
TAIL = 0.05
# Where the new direction is to appear, from the values of the layer.
PLACES: dict[str, Callable[[FloatArray], float]] = {
    "1.15 × s(5 %)": lambda s: 1.15 * float(np.quantile(s, 1 - TAIL)),
    "1.5 × s(5 %)": lambda s: 1.5 * float(np.quantile(s, 1 - TAIL)),
    "1.3 × the largest": lambda s: 1.3 * float(s.max()),
}


@dataclass(frozen=True, slots=True)
class Planting:
    """A matrix with one direction more.

    Attributes
    ----------
    theta : float
        Its strength, fixed before the draw.
    values : array
        Singular values or eigenvalues of the sum, descending.
    match : int
        The value whose vectors have the largest product of cosines with u and v.
    overlaps : tuple of float
        The squared cosines of these vectors with u and v; with u alone where both are one.
    """

    theta: float
    values: FloatArray
    match: int
    overlaps: tuple[float, ...]


def theta_at(place: float, values: FloatArray, longer: int) -> float:
    """Return the θ that appears at `place` on average, against the values below it."""
    below = values[values < place]
    kernel = float((place / (place**2 - below**2)).sum())
    rest = longer - values.size
    return float(((kernel / below.size) * (kernel + rest / place) / (below.size + rest)) ** -0.5)


def symmetric_theta_at(place: float, values: FloatArray) -> float:
    """Return the θ of a symmetric matrix that appears at `place` on average."""
    below = values[values < place]
    return float(1 / (1 / (place - below)).mean())


def plant(
    values: FloatArray, longer: int, theta: float, rng: np.random.Generator, *, along: bool
) -> Planting:
    """Plant u and v of any direction, or `along` the matrix's own rows and columns.

    Along, u is W times a Gaussian vector and v is Wᵀ times one, normalised.
    """
    n = values.size
    a, b = rng.normal(size=n), rng.normal(size=n)
    outside = np.sqrt(rng.chisquare(longer - n)) if longer > n else 0.0
    if along:
        a, b, outside = values * a, values * b, 0.0
    a /= np.linalg.norm(a)
    b /= np.hypot(np.linalg.norm(b), outside)
    image = values * b
    square = np.diag(values**2) + theta**2 * np.outer(a, a)
    square += theta * (np.outer(image, a) + np.outer(a, image))
    found, vectors = np.linalg.eigh(square)
    y = np.sqrt(np.maximum(found[::-1], np.finfo(float).tiny))
    left = vectors.T[::-1] @ a
    right = (vectors.T[::-1] @ image + theta * left) / y
    match = int(np.argmax(np.abs(left * right)))
    return Planting(theta, y, match, (float(left[match] ** 2), float(right[match] ** 2)))


def plant_symmetric(values: FloatArray, theta: float, rng: np.random.Generator) -> Planting:
    """Plant θuuᵀ, u of any direction."""
    a = rng.normal(size=values.size)
    a /= np.linalg.norm(a)
    found, vectors = np.linalg.eigh(np.diag(values) + theta * np.outer(a, a))
    overlaps = (vectors.T[::-1] @ a) ** 2
    match = int(np.argmax(overlaps))
    return Planting(theta, found[::-1], match, (float(overlaps[match]),))


def held_plainly(planting: Planting, longer: int) -> bool:
    """Whether θ is in the 95 % interval of a reading against the other values as they are."""
    y, others = planting.values[planting.match], np.delete(planting.values, planting.match)
    poles, rest = y / (y**2 - others**2), longer - planting.values.size
    n, m = others.size, others.size + rest
    a, b = float(poles.sum()) / n, float(poles.sum() + rest / y) / m
    if min(a, b) <= 0:
        return False
    variance = b / a / (2 * n) * (float((poles**2).sum()) / n - a**2)
    variance += a / b / (2 * m) * (float((poles**2).sum() + rest / y**2) / m - b**2)
    variance += float(((others * poles / y) ** 2).sum()) / (n * m)
    return bool(abs(np.sqrt(a * b) - 1 / planting.theta) <= 1.96 * np.sqrt(variance))


def held_plainly_symmetric(planting: Planting) -> bool:
    """Whether it is there for a symmetric matrix."""
    y, others = planting.values[planting.match], np.delete(planting.values, planting.match)
    poles = 1 / (y - others)
    deviation = np.sqrt(2 / others.size) * poles.std()
    return bool(abs(poles.mean() - 1 / planting.theta) <= 1.96 * deviation)
