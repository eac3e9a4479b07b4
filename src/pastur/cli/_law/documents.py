"""The files that `law` writes: its JSON document, and its table of the law as CSV."""

from typing import Any

import numpy as np

from pastur.cli._law.signal_options import LawSettings
from pastur.models import Description

SCHEMA = 1
_CURVE_POINTS = 1001
OUTLIER, EDGE, QUANTILE, INSIDE = "outlier", "edge", "quantile", "inside"


def outcomes(description: Description) -> list[str]:
    """Return what becomes of each spike, in the words of the document."""
    spikes = description.spikes
    subcritical = np.where(np.isnan(spikes.level), EDGE, QUANTILE)
    found: list[str] = np.where(spikes.detached, OUTLIER, subcritical).tolist()
    return found


def law_document(settings: LawSettings, description: Description) -> dict[str, Any]:
    """Return a dictionary of plain values: the JSON document."""
    from pastur._versions import package_versions

    model, edges, spikes = settings.model, description.edges, description.spikes
    return {
        "schema": SCHEMA,
        "source": settings.signal,
        "versions": package_versions(),
        "seed": None,
        "model": {
            "kind": "rectangular" if model.squared else "symmetric",
            "signal": repr(model.signal),
            "sigma": model.sigma,
            "ratio": model.ratio,
            "beta": model.beta,
        },
        "size": description.size,
        "intervals": _records(
            low=description.intervals[:, 0],
            high=description.intervals[:, 1],
            mass=description.masses,
        ),
        "edges": _records(**vars(edges)),
        "spikes": _records(
            theta=spikes.theta,
            fate=outcomes(description),
            position=spikes.position,
            level=spikes.level,
            **dict(zip(model.overlap_names, spikes.overlaps, strict=True)),
            fluctuation=spikes.fluctuation,
        )
        + _inside_records(settings),
    }


def _inside_records(settings: LawSettings) -> list[dict[str, Any]]:
    """Return what was given as a spike and is none: it has no place of its own."""
    nothing = dict.fromkeys(("position", "level", *settings.model.overlap_names, "fluctuation"))
    values = settings.inside.tolist()
    return [{"theta": value, "fate": INSIDE, **nothing} for value in values]


def law_csv(description: Description) -> str:
    """Return density and distribution function of the law on a grid."""
    from pastur.figures import density_curve

    model = description.model
    x, density = density_curve(model.law, squared=model.squared, points=_CURVE_POINTS)
    on = np.isfinite(x)
    cdf = model.in_matrix_units.cdf(x[on])
    rows = zip(x[on].tolist(), density[on].tolist(), cdf.tolist(), strict=True)
    return "x,density,cdf\n" + "".join(f"{a!r},{b!r},{c!r}\n" for a, b, c in rows)


def _records(**columns: Any) -> list[dict[str, Any]]:
    """Return one dictionary for each row; None, which JSON has, for a number that is none."""
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, map(_number, row), strict=True)) for row in rows]


def _number(value: Any) -> Any:
    if isinstance(value, str):
        return value
    return float(value) if np.isfinite(value) else None
