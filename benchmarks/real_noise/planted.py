"""Directions of known strength planted in trained matrices, and how well they are read.

u and v have any direction, θ is fixed before the draw, and the direction read is the one whose
vectors have the largest product of cosines with u and v. One that is not read is a miss. The rules
of the reading were chosen on the models of `CHOSEN_ON`; errors are clustered by layer.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from layers import NAMES, Layer, layers
from parts import Options, Record
from plantings import (
    PLACES,
    Planting,
    held_plainly,
    held_plainly_symmetric,
    plant,
    plant_symmetric,
    symmetric_theta_at,
    theta_at,
)

from pastur import fit_rectangular, fit_symmetric
from pastur._typing import AnyArray, FloatArray

SEED = 20261129
CHOSEN_ON = ("MiniLM", "IgLM-S")
ANY, ALONG = "any direction", "along the layer's own rows and columns"
SYMMETRISED, GRAM = "symmetrised, any direction", "W Wᵀ, any direction"
DRAWS = {ANY: 6, ALONG: 2, SYMMETRISED: 2, GRAM: 2}
# Square layers up to this side are made symmetric.
LARGEST_SYMMETRIC = 400


@dataclass(frozen=True, slots=True)
class Outcome:
    """A planting as it was read.

    Attributes
    ----------
    layer, model, verdict : str
        Where it was planted, and the verdict on that matrix as white noise.
    way, place : str
        How it was planted.
    read, alone, stands_out : bool
        Whether the direction is listed with figures, in a group of its own, among
        `fit.standing_out`.
    miss : float
        −1 where θ lies below its interval, 1 above, 0 within; NaN where it is not read.
    is_open : bool
        Whether the interval has no upper end.
    bias : float
        θ̂/θ − 1.
    overlaps : tuple of bool or None
        Whether the interval of each overlap holds. None in a group with a clear gap below it, whose
        overlaps are those with the span of its directions: the layer's own are not known.
    plainly : bool
        Whether θ is in the interval of a reading against the other values as they are.
    """

    layer: str
    model: str
    verdict: str
    way: str
    place: str
    read: bool
    alone: bool
    stands_out: bool
    miss: float
    is_open: bool
    bias: float
    overlaps: tuple[bool, ...] | None
    plainly: bool


def outcome(
    layer: Layer,
    verdict: str,
    way: str,
    place: str,
    leading: AnyArray,
    planting: Planting,
    plainly: bool,
) -> Outcome:
    """Compare a planting with the table of leading directions of its matrix."""
    where = np.isclose(leading["observed"], planting.values[planting.match], rtol=1e-9, atol=0)
    rows = leading[where & leading["readable"]]
    labels = (layer.name, layer.model, verdict, way, place)
    if rows.size == 0:
        misses = (False,) * len(planting.overlaps)
        return Outcome(*labels, False, False, False, np.nan, False, np.nan, misses, plainly)
    (row,) = rows
    names = ("overlap_left", "overlap_right") if len(planting.overlaps) == 2 else ("overlap",)
    lower = [row[f"{name}_low"] for name in names]
    held = (
        bool(low <= true <= row[f"{name}_high"])
        for name, low, true in zip(names, lower, planting.overlaps, strict=True)
    )
    members = int(np.count_nonzero(leading["group"] == row["group"]))
    above_gap = members > 1 and row["group"] != leading["group"][-1]
    return Outcome(
        *labels,
        read=True,
        alone=members == 1,
        stands_out=min(lower) > 0.5,
        miss=float(planting.theta > row["high"]) - float(planting.theta < row["low"]),
        is_open=bool(np.isinf(row["high"])),
        bias=float(row["theta"] / planting.theta - 1),
        overlaps=None if above_gap else tuple(held),
        plainly=plainly,
    )


def of_layer(layer: Layer, share: float) -> Iterator[Outcome]:
    """Yield the plantings of one layer, `share` of the draws."""
    w = layer.load()
    verdict = fit_rectangular(w).goodness.verdict.value
    wide = w if w.shape[0] <= w.shape[1] else w.T
    values = np.asarray(np.linalg.svd(wide, compute_uv=False), np.float64)
    for way, place, rng in draws(layer, (ANY, ALONG), share):
        theta = theta_at(PLACES[place](values), values, wide.shape[1])
        planting = plant(values, wide.shape[1], theta, rng, along=way == ALONG)
        fit = fit_rectangular(singular_values=planting.values, shape=wide.shape, noise="free")
        plainly = held_plainly(planting, wide.shape[1])
        yield outcome(layer, verdict, way, place, fit.leading, planting, plainly)
    for way, eigenvalues in symmetric_twins(w).items():
        for _, place, rng in draws(layer, (way,), share):
            theta = symmetric_theta_at(PLACES[place](eigenvalues), eigenvalues)
            planting = plant_symmetric(eigenvalues, theta, rng)
            twin = fit_symmetric(eigenvalues=planting.values, noise="free")
            plainly = held_plainly_symmetric(planting)
            yield outcome(layer, verdict, way, place, twin.leading, planting, plainly)


def symmetric_twins(w: FloatArray) -> dict[str, FloatArray]:
    """Return eigenvalues of the symmetric matrices made of a layer, if it is square and small."""
    if w.shape[0] != w.shape[1] or w.shape[0] > LARGEST_SYMMETRIC:
        return {}
    twins = {SYMMETRISED: (w + w.T) / np.sqrt(2), GRAM: w @ w.T}
    return {way: np.linalg.eigvalsh(twin)[::-1] for way, twin in twins.items()}


def draws(
    layer: Layer, ways: Sequence[str], share: float
) -> Iterator[tuple[str, str, np.random.Generator]]:
    """Yield how to plant, where, and the generator of each draw."""
    for way in ways:
        for place in PLACES:
            for draw in range(max(round(share * DRAWS[way]), 1)):
                key = zlib.crc32(f"{layer.name} {way} {place}".encode())
                yield way, place, np.random.default_rng([SEED, key, draw])


def of_model(folder: Path, model: str, quick: bool) -> list[Outcome]:
    """Return the plantings of one model; with `quick`, of every sixth layer."""
    taken = list(layers(folder, [model]))[:: 6 if quick else 1]
    return [one for layer in taken for one in of_layer(layer, 0.0 if quick else 1.0)]


def run(options: Options) -> Record:
    """Return the figures of every class of plantings."""
    tasks = [(options.folder, model, options.quick) for model in NAMES]
    outcomes = [one for found in options.spread(of_model, tasks) for one in found]
    reported = [one for one in outcomes if one.model not in CHOSEN_ON]
    return {
        "seed": SEED,
        "chosen_on": list(CHOSEN_ON),
        "models": len({one.model for one in outcomes}),
        "layers": len({one.layer for one in outcomes}),
        "plantings": len(outcomes),
        "chosen": list(figures(outcomes, lambda one: one.model in CHOSEN_ON and one.way == ANY)),
        "reported": list(classes(reported)),
    }


def classes(reported: Sequence[Outcome]) -> Iterator[Record]:
    """Yield the figures of each class."""
    haar = [one for one in reported if one.way == ANY]
    yield from figures(haar, lambda one: True, "all")
    for place in PLACES:
        yield from figures(haar, lambda one, place=place: one.place == place, place)
        for alone, name in ((True, "clear gap"), (False, "in a group")):
            yield from figures(
                haar,
                lambda one, place=place, alone=alone: (
                    one.place == place and one.read and one.alone == alone
                ),
                f"{place}, {name}",
            )
    yield from figures(haar, lambda one: one.stands_out, "among what stands out")
    for verdict in sorted({one.verdict for one in haar}):
        yield from figures(
            haar,
            lambda one, verdict=verdict: one.verdict == verdict and one.alone,
            f"layer: {verdict}; clear gap",
        )
    for model in NAMES:
        yield from figures(haar, lambda one, model=model: one.model == model, model)
    for way in (ALONG, SYMMETRISED, GRAM):
        yield from figures(reported, lambda one, way=way: one.way == way, way)
        yield from figures(
            reported,
            lambda one, way=way: one.way == way and one.stands_out,
            f"{way}, among what stands out",
        )


def figures(
    outcomes: Sequence[Outcome], chosen: Callable[..., bool], name: str = "all"
) -> Iterator[Record]:
    """Yield the figures of the outcomes that are chosen, unless there are none."""
    taken = [one for one in outcomes if chosen(one)]
    if not taken:
        return
    read = [one for one in taken if one.read]
    names = [one.layer for one in taken]
    holds = np.array([one.miss == 0 for one in taken])
    judged = [one for one in taken if one.overlaps is not None]
    sides = [np.array(side) for side in zip(*(one.overlaps or () for one in judged), strict=True)]
    yield {
        "class": name,
        "plantings": len(taken),
        "layers": len(set(names)),
        "read": len(read) / len(taken),
        "grouped": sum(not one.alone for one in read) / max(len(read), 1),
        "open": sum(one.is_open for one in read) / max(len(read), 1),
        "holds": float(holds.mean()),
        "holds_error": clustered(holds, names),
        "holds_plainly": sum(one.plainly for one in taken) / len(taken),
        "below": sum(one.miss < 0 for one in read) / len(taken),
        "above": sum(one.miss > 0 for one in read) / len(taken),
        "bias": float(np.median([one.bias for one in read])) if read else None,
        "overlaps": [float(side.mean()) for side in sides],
        "overlaps_error": [clustered(side, [one.layer for one in judged]) for side in sides],
    }


def clustered(holds: AnyArray, names: Sequence[str]) -> float:
    """Return the standard error of a share, layers being independent of one another."""
    _, layer = np.unique(names, return_inverse=True)
    return float(np.linalg.norm(np.bincount(layer, holds - holds.mean())) / holds.size)


def table(record: Record) -> str:
    """Return the figures in Markdown."""
    lines = [
        f"{record['plantings']} plantings in {record['layers']} layers of {record['models']} "
        f"models. The rules were chosen on {' and '.join(record['chosen_on'])} (first line); all "
        "other lines are of the other models. Errors are standard errors, clustered by layer.",
        "",
        "| class | plantings (layers) | read | in a group | open | θ holds | θ below, above "
        "| plainly | median bias | overlaps hold |",
        f"|{'---|' * 10}",
    ]
    chosen = [one | {"class": " and ".join(record["chosen_on"])} for one in record["chosen"]]
    lines += [line(one) for one in (*chosen, *record["reported"])]
    return "\n".join(lines)


def line(one: Record) -> str:
    """Return the row of a class."""
    overlaps = ", ".join(
        f"{share:.3f} ± {error:.3f}"
        for share, error in zip(one["overlaps"], one["overlaps_error"], strict=True)
    )
    cells = (
        one["class"],
        f"{one['plantings']} ({one['layers']})",
        f"{one['read']:.3f}",
        f"{one['grouped']:.2f}",
        f"{one['open']:.2f}",
        f"{one['holds']:.3f} ± {one['holds_error']:.3f}",
        f"{one['below']:.3f}, {one['above']:.3f}",
        f"{one['holds_plainly']:.3f}",
        "–" if one["bias"] is None else f"{100 * one['bias']:+.1f} %",
        overlaps,
    )
    return f"| {' | '.join(cells)} |"
