"""Counts of other tools, from a matrix alone: their formulas written out, and weightwatcher itself.

D. L. Donoho, M. Gavish, E. Romanov, Ann. Statist. 51 (2023) (ScreeNOT); D. Hong, Y. Sheng,
E. Dobriban, arXiv 2012.02985 (parallel analysis by sign flips); diffract-core 0.3.1.
"""

import json
import subprocess
from pathlib import Path

import numpy as np

from pastur import TracyWidom
from pastur._typing import FloatArray

FLIPS, LEVEL = 19, 0.05
_WATCH = """
import json, sys, logging
import weightwatcher
logging.disable(logging.CRITICAL)
table = weightwatcher.WeightWatcher(model=sys.argv[1]).analyze(mp_fit=True)
rows = table[["longname", "num_spikes", "sigma_mp"]].values.tolist()
print("\\n" + json.dumps({name: [spikes, sigma] for name, spikes, sigma in rows}))
"""


def watched(python: str, folder: Path) -> dict[str, tuple[float, float]]:
    """Return weightwatcher's number of spikes and σ for each layer of a model.

    Its σ is that of entries scaled to mean square 1.
    """
    command = [python, "-c", _WATCH, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, tuple[float, float]] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def diffract(w: FloatArray) -> tuple[int, float]:
    """Return the count beyond the Tracy–Widom bound of chance 0.005, and σ.

    σ is that of all entries, once those of a shuffled matrix that lie beyond its edge are out.
    """
    long, short = max(w.shape), min(w.shape)
    shuffled = np.random.default_rng(42).permutation(w.ravel()).reshape(w.shape)
    spectra = [values_of(a) ** 2 / long for a in (w, shuffled)]
    variance = w.var()
    inside = spectra[1] <= variance * (1 + (short / long) ** 0.5) ** 2
    if not inside.all():
        variance = spectra[1][inside].sum() / short
    a, b = (long - 1) ** 0.5, short**0.5
    scale = variance / long * (a + b)
    bound = scale * (a + b) + TracyWidom(1).quantile(0.995) * scale * (1 / a + 1 / b) ** (1 / 3)
    return int(np.sum(spectra[0] > bound)), float((variance * long) ** 0.5)


def sign_flips(w: FloatArray, values: FloatArray, rng: np.random.Generator) -> int:
    """Return how many values in a row exceed those of the same rank of nearly all flips."""
    flipped = [w * rng.choice((-1.0, 1.0), size=w.shape) for _ in range(FLIPS)]
    for count in (8, 64, values.size):
        tops = np.array([largest(one, count) for one in flipped])
        below = values[:count] <= np.quantile(tops, 1 - LEVEL, axis=0, method="higher")
        if below.any():
            return int(np.argmax(below))
    return values.size


def largest(w: FloatArray, count: int) -> FloatArray:
    """Return the largest singular values, descending."""
    from scipy.sparse.linalg import svds

    if 4 * count > min(w.shape):
        return values_of(w)[:count]
    start = np.ones(min(w.shape))
    return np.sort(svds(w, count, return_singular_vectors=False, v0=start))[::-1]


def screenot(values: FloatArray, long: int, most: int) -> int:
    """Return how many values lie beyond the threshold; `most` bounds the rank."""
    return int(np.count_nonzero(values > screenot_threshold(values, long, most)))


def screenot_threshold(values: FloatArray, long: int, most: int) -> float:
    """Return the threshold that minimises the loss of keeping the values beyond it."""
    noise, short = values.copy(), values.size
    # The first values are replaced by ones that end like a square root.
    step = (values[most] - values[2 * most]) / (2 ** (2 / 3) - 1)
    noise[:most] = values[most] + step * (1 - (np.arange(most) / most) ** (2 / 3))

    def slope(y: float) -> float:
        gap = y**2 - noise**2
        a, b = np.mean(y / gap), (np.sum(y / gap) + (long - short) / y) / long
        a1 = -np.mean((y**2 + noise**2) / gap**2)
        b1 = -(np.sum((y**2 + noise**2) / gap**2) + (long - short) / y**2) / long
        return float(y * (a1 / a + b1 / b))

    # It rises from −∞ at the end of the noise to −2, and is −4 at the threshold.
    low, high = noise[0] * (1 + 1e-9), 10 * noise[0]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < -4 else (low, middle)
    return float(high)


def values_of(w: FloatArray) -> FloatArray:
    """Return the singular values, descending, from the smaller Gram matrix."""
    short = w if w.shape[0] <= w.shape[1] else w.T
    return np.asarray(np.sqrt(np.maximum(np.linalg.eigvalsh(short @ short.T)[::-1], 0.0)))
