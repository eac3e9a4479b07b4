"""A model, and what it predicts for given spikes, as a notebook shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastur._errors import PasturError
from pastur._format import NOTHING, fraction, number
from pastur._html import Picture, block, note, table
from pastur.measures._contract.curve import density_curve

if TYPE_CHECKING:
    from pastur.models._description.description import Description
    from pastur.models.spiked import SpikedModel

_MOST = 12
# The law of more takes seconds.
_MOST_ATOMS, _MOST_INTERVALS = 10_000, 200
_INTERVALS = ("from", "to", "mass", "a spike leaves below", "a spike leaves above")
_ASSUMPTION = (
    "The law of the {values} as the size grows: noise of independent entries, of σ = {sigma}, and "
    "a signal with the law above."
)
_SPIKES_BY = "What single spikes become: describe(spikes, size=…)."


def model_html(model: SpikedModel) -> str:
    """Return the law of W in its own units, its intervals and the critical spikes."""
    assumption = note(f"{_assumption(model)} {_SPIKES_BY}")
    if len(model.signal.atoms) > _MOST_ATOMS:
        return block(repr(model), assumption)
    try:
        return block(repr(model), *_law(model.describe()), assumption)
    except PasturError as error:
        return block(repr(model), note(str(error)), assumption)


def description_html(found: Description) -> str:
    """Return the same with what becomes of the spikes."""
    try:
        law = _law(found)
    except PasturError as error:
        law = [note(str(error))]
    size = "" if found.size is None else f" Deviations are those at {found.size} rows."
    return block(repr(found.model), *law, _spikes(found), note(_assumption(found.model) + size))


def _assumption(model: SpikedModel) -> str:
    values = "singular values" if model.squared else "eigenvalues"
    return _ASSUMPTION.format(values=values, sigma=number(model.sigma))


def _law(found: Description) -> list[str]:
    return [_picture(found), _intervals(found)]


def _picture(found: Description) -> str:
    if len(found.intervals) > _MOST_INTERVALS:
        return ""
    model, outliers = found.model, found.spikes.position[found.spikes.detached]
    low = min([float(found.intervals[0, 0]), *outliers])
    high = max([float(found.intervals[-1, 1]), *outliers])
    margin = 0.05 * (high - low)
    picture = Picture(
        f"Density of the law from {low:.3g} to {high:.3g}, {outliers.size} outliers",
        (0.0 if model.squared else low - margin, high + margin),
        curve=density_curve(model.law, squared=model.squared),
        marks=outliers.tolist(),
    )
    return picture.svg()


def _intervals(found: Description) -> str:
    critical = found.edges.critical_spike.reshape(-1, 2)
    rows = [
        (number(low), number(high), fraction(mass), *map(number, spikes))
        for (low, high), mass, spikes in zip(
            found.intervals[:_MOST], found.masses[:_MOST], critical[:_MOST], strict=True
        )
    ]
    return table(_INTERVALS, _cut(rows, len(found.intervals)), ())


def _spikes(found: Description) -> str:
    """Return what becomes of each spike; nothing where there are none."""
    spikes = found.spikes
    if not spikes.theta.size:
        return ""
    heads = ("spike θ", "outcome", "goes to", "deviation", *found.model.overlap_names)
    rows = [
        (
            number(spikes.theta[i]),
            "outlier" if spikes.detached[i] else "subcritical",
            number(spikes.position[i]),
            number(spikes.fluctuation[i]),
            *(number(overlap[i]) for overlap in spikes.overlaps),
        )
        for i in range(min(_MOST, spikes.theta.size))
    ]
    return table([head.replace("_", " ") for head in heads], _cut(rows, spikes.theta.size), ())


def _cut(rows: list[tuple[str, ...]], total: int) -> list[tuple[str, ...]]:
    """Return the rows with a last one that says how many more there are."""
    more = total - _MOST
    return rows if more <= 0 else [*rows, (f"{more} more", *[NOTHING] * (len(rows[0]) - 1))]
