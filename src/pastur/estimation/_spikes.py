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
    unit = split.sigma * np.sqrt(columns / noise.columns)
    critical = float(model.critical_spikes[1])
    squared = np.full(k, critical)
    reduced = (split.spikes / unit) ** 2
    beyond = reduced > model.law.support[-1, 1]
    squared[beyond] = np.maximum(model.spike(reduced[beyond]), critical)
    left, right = model.overlap(squared)
    # Within the critical window no estimate resolves the overlap, and 1/0 would be no width.
    resolved = np.maximum(squared, critical * (1 + rows ** (-1 / 3)) ** 2)
    widths = [1 / overlap for overlap in model.overlap(resolved)]
    deviation = unit * np.sqrt(np.sum(widths, axis=0) / (2 * columns))
    table = np.zeros(k, dtype=RECTANGULAR_FIELDS)
    table["overlap_left"], table["overlap_right"] = left, right
    theta = unit * np.sqrt(squared)
    _fill(table, split.spikes, theta, z * deviation, unit * np.sqrt(critical))
    table["p_value"] = spike_p_values(split.spikes, split.sigma, edges)
    fluctuation = unit * np.nan_to_num(model.fluctuation(squared, rows))
    bulk_edge = unit * np.sqrt(model.law.support[-1, 1])
    table["isolated"] = _isolated(split.spikes, fluctuation, np.array([bulk_edge]))
    return table


def symmetric_spikes(split: Split, noise: SymmetricNoise, edges: Edges, *, z: float) -> AnyArray:
    """Return the spikes of a symmetric matrix, descending from the largest to the most negative.

    As `rectangular_spikes`, with ``Var θ̂ = 2σ²/(NΦ′(θ))``.
    """
    k = split.spikes.size
    rows = noise.size - k
    model = _symmetric_model()
    unit = split.sigma * float(np.sqrt(rows / noise.size))
    reduced, sign = np.abs(split.spikes) / unit, np.sign(split.spikes)
    theta = np.ones(k)
    beyond = reduced > model.law.support[-1, 1]
    theta[beyond] = np.maximum(model.spike(reduced[beyond]), 1.0)
    resolved = model.overlap(np.maximum(theta, 1 + rows ** (-1 / 3)))
    deviation = unit * np.sqrt(2 / (rows * resolved))
    table = np.zeros(k, dtype=SYMMETRIC_FIELDS)
    table["overlap"] = model.overlap(theta)
    _fill(table, np.abs(split.spikes), unit * theta, z * deviation, unit)
    table["p_value"] = spike_p_values(np.abs(split.spikes), split.sigma, edges)
    fluctuation = unit * np.nan_to_num(model.fluctuation(theta, rows))
    bulk_edge = unit * model.law.support[-1, 1]
    table["isolated"] = _isolated(split.spikes, fluctuation, np.array([-bulk_edge, bulk_edge]))
    return _mirrored(table, sign)


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


def _fill(
    table: AnyArray,
    observed: FloatArray,
    theta: FloatArray,
    half_width: FloatArray,
    critical: float,
) -> None:
    table["observed"], table["theta"] = observed, theta
    table["low"] = np.maximum(theta - half_width, critical)
    table["high"] = theta + half_width


def _isolated(observed: FloatArray, fluctuation: FloatArray, edges: FloatArray) -> AnyArray:
    """Return where neighbours and edges are farther than 4 standard deviations of an outlier."""
    others = np.concatenate([observed, edges])
    distance = np.abs(observed[:, None] - others)
    np.fill_diagonal(distance, np.inf)
    return np.asarray(distance.min(axis=1, initial=np.inf) > _ISOLATION * fluctuation) & (
        fluctuation > 0
    )


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
