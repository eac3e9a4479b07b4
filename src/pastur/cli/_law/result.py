"""What `law` finds, in the units of the matrix: singular values are not squared."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pastur._typing import FloatArray
from pastur.cli._law.model import Model, Question
from pastur.models import InformationPlusNoise

SCHEMA = 1
_CURVE_POINTS = 1001
OUTLIER, EDGE, QUANTILE = "outlier", "edge", "quantile"


@dataclass(frozen=True, eq=False)
class Edges:
    """All edges of the law, two for each interval, ascending; NaN for what there is not."""

    position: FloatArray
    critical: FloatArray
    centring: FloatArray
    scale: FloatArray


@dataclass(frozen=True, eq=False)
class Fates:
    """What becomes of the spikes, as they come: one entry for each."""

    theta: FloatArray
    fate: tuple[str, ...]
    position: FloatArray
    level: FloatArray
    overlaps: dict[str, FloatArray]
    fluctuation: FloatArray


@dataclass(frozen=True, eq=False)
class LawResult:
    """The law of W, its edges and what becomes of the spikes; at `size` rows, where given."""

    question: Question
    size: int | None
    intervals: FloatArray
    masses: FloatArray
    edges: Edges
    spikes: Fates

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values: the JSON document."""
        from pastur._versions import package_versions

        model, spikes = self.question.model, self.spikes
        ratio = model.ratio if isinstance(model, InformationPlusNoise) else None
        return {
            "schema": SCHEMA,
            "source": self.question.signal,
            "versions": package_versions(),
            "seed": None,
            "model": {
                "kind": "rectangular" if self.question.rectangular else "symmetric",
                "signal": repr(model.h if isinstance(model, InformationPlusNoise) else model.nu0),
                "sigma": model.sigma,
                "ratio": ratio,
                "beta": model.beta,
            },
            "size": self.size,
            "intervals": _records(
                low=self.intervals[:, 0], high=self.intervals[:, 1], mass=self.masses
            ),
            "edges": _records(
                position=self.edges.position,
                critical_spike=self.edges.critical,
                centring=self.edges.centring,
                scale=self.edges.scale,
            ),
            "spikes": _records(
                theta=spikes.theta,
                fate=spikes.fate,
                position=spikes.position,
                level=spikes.level,
                **spikes.overlaps,
                fluctuation=spikes.fluctuation,
            ),
        }

    def to_csv(self) -> str:
        """Return density and distribution function of the law on a grid."""
        from pastur.figures import density_curve

        law, squared = self.question.model.law, self.question.rectangular
        x, density = density_curve(law, squared=squared, points=_CURVE_POINTS)
        on = np.isfinite(x)
        cdf = law.cdf(x[on] ** 2 if squared else x[on])
        rows = zip(x[on].tolist(), density[on].tolist(), cdf.tolist(), strict=True)
        return "x,density,cdf\n" + "".join(f"{a!r},{b!r},{c!r}\n" for a, b, c in rows)


def law_result(question: Question, size: int | None) -> LawResult:
    """Work out the law, its edges and what becomes of the spikes."""
    edges = question.model.law.support
    return LawResult(
        question=question,
        size=size,
        intervals=_seen(question, edges),
        masses=_masses(question),
        edges=_edges(question, size),
        spikes=_fates(question, size),
    )


def _seen(question: Question, values: Any) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    return np.sqrt(np.maximum(array, 0.0)) if question.rectangular else array


def _signal(question: Question) -> Any:
    model = question.model
    return model.h if isinstance(model, InformationPlusNoise) else model.nu0


def _masses(question: Question) -> FloatArray:
    """An interval of the law has the mass that the signal has between its critical spikes."""
    critical = question.model.critical_spikes
    # Below a lowest edge that no spike can pass there is no signal either.
    levels = np.where(np.isnan(critical), 0.0, _signal(question).cdf(np.nan_to_num(critical)))
    return np.diff(levels.reshape(-1, 2), axis=1)[:, 0]


def _edges(question: Question, size: int | None) -> Edges:
    model = question.model
    position = _seen(question, model.law.support.ravel())
    critical = _seen(question, model.critical_spikes)
    none = np.full(position.shape, np.nan)
    if size is None:
        return Edges(position, critical, none, none)
    centring, scale = model.edge_scale(size)
    good = _settled(model, size, centring=centring, scale=scale)
    if question.rectangular:
        centring, scale = _plain_scale(centring, scale)
    return Edges(position, critical, np.where(good, centring, none), np.where(good, scale, none))


def _plain_scale(centring: FloatArray, scale: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return centring and scale of the roots."""
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(centring)
        return root, scale / (2 * root)


def _settled(model: Model, size: int, *, centring: FloatArray, scale: FloatArray) -> Any:
    """Whether the density looks like a square root on the scale of single eigenvalues already.

    The first correction to an edge, which real noise shows in its centring, must be below a third
    of the scale: there samples follow the Tracy–Widom law to a tenth in mean and deviation, at two
    thirds to a fifth.
    """
    if model.beta != 1:
        centring = model.replace(beta=1).edge_scale(size).centring
    return np.abs(centring - model.law.support.ravel()) < np.abs(scale) / 3


def _fates(question: Question, size: int | None) -> Fates:
    model, theta = question.model, question.spikes
    stored = theta**2 if question.rectangular else theta
    position = np.asarray(model.outlier(stored))
    detached = np.asarray(model.is_supercritical(stored))
    at_edge = np.isin(position, model.law.support)
    fate = np.where(detached, OUTLIER, np.where(at_edge, EDGE, QUANTILE))
    none = np.full(theta.shape, np.nan)
    return Fates(
        theta=theta,
        fate=tuple(fate.tolist()),
        position=_seen(question, position),
        level=np.where(fate == QUANTILE, _signal(question).cdf(stored), none),
        overlaps=_overlaps(question, stored),
        fluctuation=none if size is None else np.asarray(model.fluctuation(stored, size)),
    )


def _overlaps(question: Question, stored: FloatArray) -> dict[str, FloatArray]:
    found = question.model.overlap(stored)
    if isinstance(found, tuple):
        return dict(zip(("overlap_left", "overlap_right"), found, strict=True))
    return {"overlap": np.asarray(found)}


def _records(**columns: Any) -> list[dict[str, Any]]:
    """Return one dictionary for each row; None, which JSON has, for a number that is none."""
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, map(_plain, row), strict=True)) for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    return float(value) if np.isfinite(value) else None
