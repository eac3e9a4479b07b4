"""Figures of a matrix that people quote, from its singular values alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from pastur._numerics.power_law import fit_power_law, power_law_p_value
from pastur._stored import check, decoded
from pastur._typing import FloatArray
from pastur.estimation import Fit

# A tail of fewer values has no exponent worth the name.
_FEWEST = 8
# Tails drawn for its p-value, whose standard error is then at most 0.035.
_TAILS = 200


@dataclass(frozen=True)
class Metrics:
    """Norms, ranks and the tail of a spectrum; λ = s² are the eigenvalues of WᵀW.

    The tail's figures, those of Martin and Mahoney (2021), are None where fewer than eight singular
    values differ from zero. They say how heavy a tail is, not where noise ends: see
    ``docs/metrics.md``.

    Attributes
    ----------
    frobenius_norm, spectral_norm : float
        √Σs² and s₁.
    noise_energy : float or None
        Share of Σs² that noise of the fitted σ has on average, at most 1; None where no law of
        noise is claimed.
    stable_rank : float
        Σs²/s₁².
    effective_rank : float
        exp of the entropy of s/Σs (Roy and Vetterli 2007).
    entropy : float
        That of λ/Σλ, over the log of the number of λ: 0 to 1.
    matrix_rank : int
        Singular values that are not zero to the rounding of W's entries; see `fit_rectangular`.
    log_norm, log_spectral_norm : float
        log₁₀ Σs² and log₁₀ s₁².
    mp_soft_rank : float or None
        Edge of the noise over s₁, squared, at most 1, both of the scaled matrix where rows and
        columns have variances of their own; None without noise, and where no law of it is claimed.
    alpha, alpha_error : float or None
        Exponent of the density of λ in the tail, ∝ λ^(−alpha), and its standard error
        (alpha − 1)/√tail_count.
    alpha_distance : float or None
        Kolmogorov–Smirnov distance of the tail from that law.
    tail_start : float or None
        Smallest λ of the tail.
    tail_count : int or None
    alpha_hat : float or None
        alpha·log₁₀ λ₁.
    log_alpha_norm : float or None
        log₁₀ Σ λ^alpha.
    alpha_p_value : float or None
        Chance that a tail drawn from that law lies as far from its own best law; None unless
        `analyze` is called with ``randomize``.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> rng = np.random.default_rng(0)
    >>> matrix = pastur.analyze({"a": np.diag([2.0] * 30 + [1.0] * 30)})["a"]
    >>> matrix.metrics.spectral_norm, round(matrix.metrics.stable_rank, 1)
    (2.0, 37.5)
    """

    frobenius_norm: float
    spectral_norm: float
    noise_energy: float | None
    stable_rank: float
    effective_rank: float
    entropy: float
    matrix_rank: int
    log_norm: float
    log_spectral_norm: float
    mp_soft_rank: float | None
    alpha: float | None = None
    alpha_error: float | None = None
    alpha_distance: float | None = None
    tail_start: float | None = None
    tail_count: int | None = None
    alpha_hat: float | None = None
    log_alpha_norm: float | None = None
    alpha_p_value: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def with_noise(self, reach: float | None, noise_norm: float | None) -> Metrics:
        """Return the metrics with those that follow from a law of noise; None for no law.

        Parameters
        ----------
        reach, noise_norm : float or None
            End of the noise over the largest singular value of the matrix that has that noise, and
            Frobenius norm of the noise.
        """
        energy = mp_soft_rank = None
        if noise_norm is not None:
            energy = min(1.0, (noise_norm / self.spectral_norm) ** 2 / self.stable_rank)
        if noise_norm and reach:
            mp_soft_rank = min(1.0, reach**2)
        return replace(self, noise_energy=energy, mp_soft_rank=mp_soft_rank)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Metrics:
        """Return the metrics that `to_dict` described; what has no name here is passed over."""
        found: Metrics = decoded(cls, values)
        for name in ("frobenius_norm", "spectral_norm"):
            check(getattr(found, name) > 0, name, "must be positive")
        for name in ("noise_energy", "entropy"):
            share = getattr(found, name)
            check(share is None or 0 <= share <= 1 + 1e-9, name, "must lie between 0 and 1")
        return found


def metrics(
    singular_values: FloatArray,
    *,
    rank: int,
    reach: float | None,
    noise_norm: float | None,
    rng: np.random.Generator | None = None,
) -> Metrics:
    """Return the metrics of a matrix that is not zero.

    Parameters
    ----------
    singular_values : array, descending
    rank : int
        How many of them are not zero to rounding.
    reach, noise_norm : float or None
        Those of its fit; see `Metrics.with_noise`.
    rng : Generator, optional
        For the p-value of the tail, which is left out without it.
    """
    top = float(singular_values[0])
    # Everything relative to the largest one: squares of values near 1e±200 leave the doubles.
    s = singular_values / top
    positive = s[:rank]
    energy = float(s @ s)
    share, power = positive / positive.sum(), positive**2 / energy
    spread = -float(power @ np.log(power)) / np.log(s.size) if s.size > 1 else 0.0
    log_top = 2 * float(np.log10(top))
    logarithms = 2 * np.log(positive[::-1])
    tail = fit_power_law(logarithms) if positive.size >= _FEWEST else None
    found: dict[str, Any] = {}
    if tail is not None:
        count = positive.size - tail.start
        with np.errstate(under="ignore"):
            sum_of_powers = float((positive ** (2 * tail.alpha)).sum())
        found = {
            "alpha": tail.alpha,
            "alpha_error": (tail.alpha - 1) / count**0.5,
            "alpha_distance": tail.distance,
            "tail_start": _square(float(positive[::-1][tail.start]) * top),
            "tail_count": int(count),
            "alpha_hat": tail.alpha * log_top,
            "log_alpha_norm": tail.alpha * log_top + float(np.log10(sum_of_powers)),
        }
        if rng is not None:
            chance = power_law_p_value(logarithms, tail, rng, draws=_TAILS)
            found["alpha_p_value"] = chance
    return Metrics(
        frobenius_norm=energy**0.5 * top,
        spectral_norm=top,
        noise_energy=None,
        stable_rank=energy,
        effective_rank=float(np.exp(-(share @ np.log(share)))),
        entropy=max(0.0, spread),
        matrix_rank=int(positive.size),
        log_norm=log_top + float(np.log10(energy)),
        log_spectral_norm=log_top,
        mp_soft_rank=None,
        **found,
    ).with_noise(reach, noise_norm)


def noise_reach(fit: Fit, singular_values: FloatArray) -> float | None:
    """Return the end of the noise over the largest value of the matrix that has that noise.

    With a profile that is the matrix which it scales to one variance.
    """
    values = singular_values if fit.profile is None else fit.profile.values
    return None if fit.edge is None else float(fit.edge / values[0])


def _square(value: float) -> float | None:
    """Return the square of a singular value; None where it is beyond the doubles."""
    square = value * value
    return square if 0 < square < float("inf") else None
