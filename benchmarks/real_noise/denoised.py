"""Denoising where the noise is not white: the loss over the least that is possible.

The least is that of the best values with the singular vectors of the matrix, known from the signal.
ScreeNOT, the published rule for correlated noise, keeps the values beyond one threshold as they
are, and needs a bound on the rank: a quarter of the values.

D. L. Donoho, M. Gavish, E. Romanov, Ann. Statist. 51 (2023).
"""

import numpy as np
from coloured import Draw, Shape, draw
from other_tools import screenot_threshold
from parts import Options, Record

from pastur import fit_rectangular
from pastur._typing import FloatArray
from pastur.estimation import RectangularFit

SHAPES: tuple[Shape, ...] = ((200, 400), (300, 300))
SPIKES = (0, 3, 5, 40)
DRAWS, QUICK = 6, 1
# Rules were chosen on draws of other seeds.
SEED = 5000
_WAYS = ("rows", "columns", "both")
NOISES = {
    "white": ["white"],
    **{f"AR {rho}": [f"AR {rho} along {way}" for way in _WAYS] for rho in (0.2, 0.4, 0.6)},
    "product": ["product"],
    "profile, lognormal 0.3": ["lognormal 0.3 both"],
    "profile, lognormal 0.5": ["lognormal 0.5 both"],
    "separable, lognormal 0.3": ["separable 0.3"],
    "separable, lognormal 0.6": ["separable 0.6"],
}
READERS = ("auto", "free", "white", "ScreeNOT")
FIGURES = ("least", *READERS)


def run(options: Options) -> Record:
    draws = QUICK if options.quick else DRAWS
    tasks = [
        (noise, kind, shape, spikes, number)
        for noise, kinds in NOISES.items()
        for kind in kinds
        for shape in SHAPES
        for spikes in SPIKES
        for number in range(draws)
    ]
    return {"draws": draws, "cells": cells(options.spread(losses, tasks))}


def cells(found: list[Record]) -> list[Record]:
    """Return the means over the draws of each noise and number of spikes."""
    result = []
    for spikes in SPIKES:
        for noise in NOISES:
            some = [one for one in found if one["noise"] == noise and one["spikes"] == spikes]
            means = {name: sum(one[name] for one in some) / len(some) for name in FIGURES}
            result.append({"noise": noise, "spikes": spikes, **means})
    return result


def losses(noise: str, kind: str, shape: Shape, spikes: int, number: int) -> Record:
    """Return the squared errors of each reader of a draw, and the least, as shares of |W|²."""
    kinds = [one for some in NOISES.values() for one in some]
    rng = np.random.default_rng([SEED + number, kinds.index(kind), *shape, spikes])
    drawn = draw(kind, shape, spikes, rng)
    w, signal = drawn.matrix, drawn.mean
    auto = fit_rectangular(w, noise="auto")
    estimates = {
        "auto": auto.denoise(w),
        "free": fit_rectangular(w, noise="free").denoise(w),
        "white": _white(auto, w).denoise(w),
        "ScreeNOT": screenot(w, shape[0] // 4),
    }
    energy = float(np.sum(w**2))
    found = {name: float(np.sum((one - signal) ** 2)) / energy for name, one in estimates.items()}
    return {"noise": noise, "spikes": spikes, "least": least(drawn) / energy, **found}


def _white(auto: RectangularFit, w: FloatArray) -> RectangularFit:
    """Return the white fit, which `auto` has made already where it claims no law."""
    if auto.noise == "white":
        return auto
    return auto.white if isinstance(auto.white, RectangularFit) else fit_rectangular(w)


def least(drawn: Draw) -> float:
    """Return the least squared error of any values with the singular vectors of the matrix."""
    u, _, vt = np.linalg.svd(drawn.matrix, full_matrices=False)
    best = np.einsum("ia,ij,aj->a", u, drawn.mean, vt, optimize=True)
    return float(np.sum(drawn.mean**2) - np.sum(np.maximum(best, 0) ** 2))


def screenot(w: FloatArray, most: int) -> FloatArray:
    """Return the values beyond the threshold, as they are, with their vectors."""
    u, values, vt = np.linalg.svd(w, full_matrices=False)
    kept = values > screenot_threshold(values, max(w.shape), most)
    return np.asarray((u * np.where(kept, values, 0.0)) @ vt)


def table(record: Record) -> str:
    lines = [
        f"{record['draws']} draws of each noise, shape and (for AR) direction. Without spikes, the "
        "energy kept of the matrix in %; with spikes, loss over the least.",
        "",
        "| spikes | noise | " + " | ".join(READERS) + " |",
        "|---|---|" + "---|" * len(READERS),
    ]
    for cell in record["cells"]:
        shown = " | ".join(_figure(cell, reader) for reader in READERS)
        lines.append(f"| {cell['spikes']} | {cell['noise']} | {shown} |")
    return "\n".join(lines)


def _figure(cell: Record, reader: str) -> str:
    if cell["spikes"] == 0:
        return f"{100 * cell[reader]:.2f}"
    return f"{cell[reader] / cell['least']:.2f}"
