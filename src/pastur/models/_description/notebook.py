"""A model as a notebook shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastur._errors import PasturError
from pastur._format import NOTHING, fraction, number
from pastur._html import Picture, block, note, table
from pastur.measures._contract.curve import density_curve

if TYPE_CHECKING:
    from pastur.models.spiked import SpikedModel

_MOST = 12
# The law of more takes seconds.
_MOST_ATOMS, _MOST_INTERVALS = 10_000, 200
_HEADINGS = ("from", "to", "mass", "a spike leaves below", "a spike leaves above")
_ASSUMPTION = (
    "The law of the {values} as the size grows: noise of independent entries, of σ = {sigma}, and "
    "a signal with the law above. What single spikes become: describe(spikes, size=…)."
)


def model_html(model: SpikedModel) -> str:
    """Return the law of W in its own units, its intervals and the critical spikes."""
    values = "singular values" if model.squared else "eigenvalues"
    assumption = note(_ASSUMPTION.format(values=values, sigma=number(model.sigma)))
    if len(model.signal.atoms) > _MOST_ATOMS:
        return block(repr(model), assumption)
    try:
        return block(repr(model), _picture(model), _intervals(model), assumption)
    except PasturError as error:
        return block(repr(model), note(str(error)), assumption)


def _picture(model: SpikedModel) -> str:
    found = model.describe()
    if len(found.intervals) > _MOST_INTERVALS:
        return ""
    low, high = float(found.intervals[0, 0]), float(found.intervals[-1, 1])
    margin = 0.05 * (high - low)
    picture = Picture(
        f"Density of the law from {low:.3g} to {high:.3g}",
        (0.0 if model.squared else low - margin, high + margin),
        curve=density_curve(model.law, squared=model.squared),
    )
    return picture.svg()


def _intervals(model: SpikedModel) -> str:
    found = model.describe()
    critical = found.edges.critical_spike.reshape(-1, 2)
    rows = [
        (number(low), number(high), fraction(mass), *map(number, spikes))
        for (low, high), mass, spikes in zip(
            found.intervals[:_MOST], found.masses[:_MOST], critical[:_MOST], strict=True
        )
    ]
    more = len(found.intervals) - _MOST
    if more > 0:
        rows.append((f"{more} more", *[NOTHING] * 4))
    return table(_HEADINGS, rows, ())
