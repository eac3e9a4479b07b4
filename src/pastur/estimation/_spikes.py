"""From outliers back to the spikes behind them, with intervals and overlaps."""

from functools import lru_cache

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.estimation._edge import Edges, spike_p_values
from pastur.estimation._noise_models import RectangularNoise, SymmetricNoise
from pastur.estimation._self_consistent import Split
from pastur.measures import Atoms
from pastur.models import DeformedWigner, InformationPlusNoise

# A neighbour at g standard deviations shifts an outlier by 1/(2g) of one: an eighth at 4.
_ISOLATION = 4.0

_COMMON = [("observed", "f8"), ("theta", "f8"), ("low", "f8"), ("high", "f8")]
_LAST = [("p_value", "f8"), ("isolated", "?")]
RECTANGULAR_FIELDS = np.dtype([*_COMMON, ("overlap_left", "f8"), ("overlap_right", "f8"), *_LAST])
SYMMETRIC_FIELDS = np.dtype([*_COMMON, ("overlap", "f8"), *_LAST])


def rectangular_spikes(
    split: Split, noise: RectangularNoise, edges: Edges, *, z: float
) -> AnyArray:
    """Return the spikes of a wide or square matrix, descending, left being its n side.

    Each outlier is mapped back through Φ⁻¹ of the noise that the spikes leave over, (n − k) by
    (m − k). The interval is θ̂ ± z·sd with ``Var θ̂ = (σ²/2m)(1/o_n + 1/o_m)``, cut at the critical
    spike, below which there would be no outlier.
    """
    k = split.spikes.size
    rows, columns = noise.size - k, noise.columns - k
    model = _rectangular_model(rows / columns)
    unit = split.sigma * float(np.sqrt(columns / noise.columns))
    edge, critical = float(model.law.support[-1, 1]), float(model.critical_spikes[1])
    squared = _inverted(model, (split.spikes / unit) ** 2, edge, critical)
    # Within the critical window no estimate resolves the overlap, and 1/0 would be no width.
    left, right = model.overlap(np.maximum(squared, critical * (1 + rows ** (-1 / 3)) ** 2))
    deviation = np.sqrt((1 / left + 1 / right) / (2 * columns))
    table = np.zeros(k, dtype=RECTANGULAR_FIELDS)
    table["overlap_left"], table["overlap_right"] = model.overlap(squared)
    _fill(table, np.sqrt(squared), z * deviation, np.sqrt(critical), unit)
    table["observed"] = split.spikes
    table["p_value"] = spike_p_values(split.spikes, split.sigma, edges)
    fluctuation = unit * model.fluctuation(squared, rows)
    table["isolated"] = _isolated(split.spikes, fluctuation, unit * np.sqrt([edge]))
    return table


def symmetric_spikes(split: Split, noise: SymmetricNoise, edges: Edges, *, z: float) -> AnyArray:
    """Return the spikes of a symmetric matrix, descending from the largest to the most negative.

    As `rectangular_spikes`, with ``Var θ̂ = 2σ²/(NΦ′(θ))``.
    """
    k = split.spikes.size
    rows = noise.size - k
    model = _symmetric_model()
    unit = split.sigma * float(np.sqrt(rows / noise.size))
    edge, critical = float(model.law.support[-1, 1]), float(model.critical_spikes[1])
    outliers = np.abs(split.spikes)
    theta = _inverted(model, outliers / unit, edge, critical)
    resolved = np.maximum(theta, critical * (1 + rows ** (-1 / 3)))
    table = np.zeros(k, dtype=SYMMETRIC_FIELDS)
    table["overlap"] = model.overlap(theta)
    _fill(table, theta, z * np.sqrt(2 / (rows * model.overlap(resolved))), critical, unit)
    table["observed"] = outliers
    table["p_value"] = spike_p_values(outliers, split.sigma, edges)
    fluctuation = unit * model.fluctuation(theta, rows)
    table["isolated"] = _isolated(split.spikes, fluctuation, unit * edge * np.array([-1, 1]))
    return _mirrored(table, np.sign(split.spikes))


def noise_free_spikes(values: FloatArray, fields: np.dtype[np.void]) -> AnyArray:
    """Return the spikes of a matrix without noise: the values themselves, known exactly."""
    table = np.zeros(values.size, dtype=fields)
    for name in ("observed", "theta", "low", "high"):
        table[name] = values
    for name in fields.names or ():
        if name.startswith("overlap"):
            table[name] = 1.0
    table["isolated"] = True
    return table[np.argsort(-table["observed"], kind="stable")]


def _inverted(
    model: InformationPlusNoise | DeformedWigner, outliers: FloatArray, edge: float, critical: float
) -> FloatArray:
    """Return Φ⁻¹ of the outliers, the critical spike for those that are not beyond the edge."""
    spikes = np.full(outliers.shape, critical)
    beyond = outliers > edge
    spikes[beyond] = np.maximum(model.spike(outliers[beyond]), critical)
    return spikes


def _fill(
    table: AnyArray, theta: FloatArray, half_width: FloatArray, critical: float, unit: float
) -> None:
    """Write θ and its interval, cut at the critical spike, from units of the noise."""
    table["theta"] = unit * theta
    table["low"] = unit * np.maximum(theta - half_width, critical)
    table["high"] = unit * (theta + half_width)


def _isolated(observed: FloatArray, fluctuation: FloatArray, edges: FloatArray) -> AnyArray:
    """Return where neighbours and edges are farther than 4 standard deviations of an outlier.

    A spike at criticality, whose fluctuation is NaN, is not isolated.
    """
    distance = np.abs(observed[:, None] - np.concatenate([observed, edges]))
    np.fill_diagonal(distance, np.inf)
    return np.asarray(distance.min(axis=1, initial=np.inf) > _ISOLATION * fluctuation)


def _mirrored(table: AnyArray, sign: FloatArray) -> AnyArray:
    """Return spikes found in absolute value with their signs, descending."""
    negative = sign < 0
    low, high = table["low"].copy(), table["high"].copy()
    table["low"], table["high"] = np.where(negative, -high, low), np.where(negative, -low, high)
    table["observed"] *= sign
    table["theta"] *= sign
    return table[np.argsort(-table["observed"], kind="stable")]


@lru_cache(maxsize=16)
def _rectangular_model(ratio: float) -> InformationPlusNoise:
    return InformationPlusNoise(Atoms([0.0]), sigma=1.0, ratio=ratio)


@lru_cache(maxsize=1)
def _symmetric_model() -> DeformedWigner:
    return DeformedWigner(Atoms([0.0]), sigma=1.0)
