"""What is found in one weight matrix of a network whose start is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pastur._numerics.singular_values import singular_values
from pastur._stored import decoded
from pastur._typing import AnyArray
from pastur.analysis import compare_with_initial
from pastur.estimation import Verdict, fit_rectangular
from pastur.estimation._fitting.noises import AUTO
from pastur.estimation._result.noise_used import NoiseName
from pastur.estimation.baselines import bema
from pastur.experiments._training.network import LAYERS, Parameters

# Largest singular values that a record keeps.
_KEPT = 40


@dataclass(frozen=True)
class LayerFindings:
    """One weight matrix after some epochs.

    Attributes
    ----------
    layer : str
    shape : (int, int)
        Outputs × inputs.
    sigma, sigma_low, sigma_high : float
        Noise level and its 95 % interval.
    edge : float
        Beyond it noise alone goes with chance 5 %.
    rank : int
        Spikes detached from the noise.
    signal_rank, signal_rank_low, signal_rank_high : float
        Spikes, detached or not, and their 95 % interval.
    distance, p_value : float or None
        Kolmogorov distance and p-value of the goodness of fit.
    verdict : Verdict
    reason : str
    fits : bool
        Whether the bulk is noise, so that the counts mean something.
    converged : bool
    bema_rank, bema_sigma : int, float
        By bulk eigenvalue matching (Ke, Ma, Lin 2023).
    coefficient : float
        b of the regression W = b·W_initial + D.
    sigma_initial : float
        σ as estimated from b·W_initial.
    above_critical : int
        Singular values of D above the critical value c^(1/4)σ.
    residual_rank : int
        Those beyond the edge.
    leading : tuple of float
        The 40 largest singular values.
    theta : tuple of float
        Strengths of the detached spikes.
    noise : NoiseName or None
        The noise that `analyze` would rest on: the first that the matrix does not contradict. The
        figures above assume white noise. This and what follows is None in records of 0.1.0.
    standing_out : int or None
        Directions that stand out from the rest, whatever the law of that.
    white_share : float or None
        At most this share of the energy is white noise.
    sigma_bound : float or None
        The most that σ can be, whatever the signal.
    """

    layer: str
    shape: tuple[int, int]
    sigma: float
    sigma_low: float
    sigma_high: float
    edge: float
    rank: int
    signal_rank: float
    signal_rank_low: float
    signal_rank_high: float
    distance: float | None
    p_value: float | None
    verdict: Verdict
    reason: str
    fits: bool
    converged: bool
    bema_rank: int
    bema_sigma: float
    coefficient: float
    sigma_initial: float
    above_critical: int
    residual_rank: int
    leading: tuple[float, ...]
    theta: tuple[float, ...]
    noise: NoiseName | None = None
    standing_out: int | None = None
    white_share: float | None = None
    sigma_bound: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        lists = {name: list(getattr(self, name)) for name in ("shape", "leading", "theta")}
        words = {"verdict": str(self.verdict), "noise": self.noise and str(self.noise)}
        return asdict(self) | lists | words

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LayerFindings:
        """Return the findings that `to_dict` described."""
        found: LayerFindings = decoded(cls, values)
        return found


def find(parameters: Parameters, initial: Parameters) -> tuple[LayerFindings, ...]:
    """Return the findings in every weight matrix of a network."""
    names = (f"{layer}.weight" for layer in LAYERS)
    return tuple(_layer(name, parameters[name], initial[name]) for name in names)


def _layer(name: str, trained: AnyArray, initial: AnyArray) -> LayerFindings:
    w, w0 = np.asarray(trained, dtype=np.float64), np.asarray(initial, dtype=np.float64)
    values = singular_values(w)
    fit = fit_rectangular(w, singular_values=values, noise=NoiseName.WHITE)
    believed = fit_rectangular(w, singular_values=values, noise=AUTO)
    other = bema(values, w.shape)
    start = compare_with_initial(w, w0, name=name, sigma=fit.sigma, edge=fit.edge)
    return LayerFindings(
        layer=name,
        shape=(int(w.shape[0]), int(w.shape[1])),
        sigma=fit.sigma,
        sigma_low=fit.sigma_interval[0],
        sigma_high=fit.sigma_interval[1],
        edge=fit.edge,
        rank=fit.rank,
        signal_rank=fit.signal_rank,
        signal_rank_low=fit.signal_rank_interval[0],
        signal_rank_high=fit.signal_rank_interval[1],
        distance=fit.goodness.statistic,
        p_value=fit.goodness.p_value,
        verdict=fit.goodness.verdict,
        reason=fit.goodness.reason,
        fits=fit.goodness.fits,
        converged=fit.status.converged,
        bema_rank=other.rank,
        bema_sigma=other.sigma,
        coefficient=start.coefficient,
        sigma_initial=start.sigma_initial,
        above_critical=start.above_critical,
        residual_rank=start.residual_rank,
        leading=tuple(values[:_KEPT].tolist()),
        theta=tuple(fit.spikes["theta"].tolist()),
        noise=believed.noise.name,
        standing_out=len(fit.standing_out),
        white_share=fit.white_share,
        sigma_bound=fit.sigma_bound,
    )
