"""Noise in a published file that is known: the rounding of SmolLM2 to four bits.

Each block of 32 weights of a row is rounded to 16 levels, from its least to its greatest, so that
the variance of rounding is step²/12 on average, and its matrix independent of the weights but for
their range. Two questions. Of the layers as they are: is σ's bound above it? And of what is left of
a layer with its leading directions alone, rounded in the same way, where rounding is all the noise:
is it found, or no law claimed? That is asked by default, and for a profile of variances.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from layers import layers
from parts import Options, Record

from pastur import fit_rectangular
from pastur._typing import FloatArray
from pastur.estimation import RectangularFit

MODEL, BITS, BLOCK = "SmolLM2", 4, 32
# Directions kept, as a share of the smaller side.
KEPT = 0.05
KINDS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


def rounded(w: FloatArray) -> tuple[FloatArray, float]:
    """Return a matrix rounded as the file is, and the mean of step²/12."""
    blocks = w.reshape(-1, BLOCK)
    least = blocks.min(axis=1, keepdims=True)
    step = np.ptp(blocks, axis=1, keepdims=True) / (2**BITS - 1)
    return (least + step * np.round((blocks - least) / step)).reshape(w.shape), mean_of(step)


def mean_of(step: FloatArray) -> float:
    return float(np.mean(step**2) / 12)


def of_layers(folder: Path, number: int, of: int) -> list[Record]:
    """Return the figures of every `of`-th layer."""
    return [
        figures(layer.name, layer.load()) for layer in list(layers(folder, [MODEL]))[number::of]
    ]


def figures(name: str, w: FloatArray) -> Record:
    """Return the figures of a layer, levels over those of the rounding."""
    scale, known = max(w.shape) ** 0.5, rounded(w)[1]
    found = fit_rectangular(w, noise="auto")
    left, sizes, right = np.linalg.svd(w, full_matrices=False)
    count = round(KEPT * min(w.shape))
    kept = (left[:, :count] * sizes[:count]) @ right[:count]
    cut, variance = rounded(kept)
    error = float(np.mean((cut - kept) ** 2))
    assert found.sigma_bound is not None
    return {
        "name": name,
        "noise": str(found.noise.name),
        "share": known / float(np.mean(w**2)),
        "bound": found.sigma_bound / (scale * known**0.5),
        "error": error / variance,
        "cut": {
            noise: reading(fit_rectangular(cut, noise=noise), scale * error**0.5, count)
            for noise in ("auto", "profile")
        },
    }


def reading(fit: RectangularFit, level: float, count: int) -> Record:
    """Return the figures of a fit where the noise and the rank are known; null where none fits."""
    claimed = fit.sigma is not None and fit.goodness.fits
    low, high = fit.sigma_interval if claimed else (0.0, 0.0)
    return {
        "noise": str(fit.noise.name),
        "verdict": str(fit.goodness.verdict),
        "sigma": fit.sigma / level if claimed else None,
        "holds": bool(low <= level <= high) if claimed else None,
        "missed": fit.rank - count if claimed else None,
    }


def run(options: Options) -> Record:
    """Return the figures of every layer of the model."""
    parts = 42 if options.quick else 6
    tasks = [(options.folder, number, parts) for number in range(1 if options.quick else parts)]
    return {"layers": [one for some in options.spread(of_layers, tasks) for one in some]}


def table(record: Record) -> str:
    """Return the figures by kind of matrix in Markdown."""
    claims = "law claimed | σ̂ over rounding | σ holds | count off by"
    lines = [
        "| matrices of SmolLM2 | number | rounding, % of the energy "
        f"| σ's bound over rounding, least | cut, by default: {claims} "
        f"| cut, as a profile: {claims} |",
        f"|{'---|' * 12}",
    ]
    found = record["layers"]
    groups = [(kind, [one for one in found if f".{kind}." in one["name"]]) for kind in KINDS]
    lines += [line(kind, some) for kind, some in (*groups, ("all", found)) if some]
    return "\n".join(lines)


def line(kind: str, found: Sequence[Record]) -> str:
    """Return the row of a kind of matrix."""
    cells = (
        kind,
        len(found),
        spread([100 * one["share"] for one in found]),
        f"{min(one['bound'] for one in found):.1f}",
        *claimed([one["cut"]["auto"] for one in found]),
        *claimed([one["cut"]["profile"] for one in found]),
    )
    return f"| {' | '.join(map(str, cells))} |"


def claimed(readings: Sequence[Record]) -> tuple[str, ...]:
    """Return in how many a law is claimed, and how σ and the counts are there."""
    those = [one for one in readings if one["sigma"] is not None]
    if not those:
        return ("0", "–", "–", "–")
    return (
        str(len(those)),
        spread([one["sigma"] for one in those], digits=3),
        f"{sum(one['holds'] for one in those)} of {len(those)}",
        str(max(abs(one["missed"]) for one in those)),
    )


def spread(values: Sequence[float], digits: int = 2) -> str:
    return f"{min(values):.{digits}f}–{max(values):.{digits}f}"
