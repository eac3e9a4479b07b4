"""How far Gaussian noise can reach: proven tail bounds of the extreme eigenvalue at every size.

Moments give ``P(λ₁ ≥ x) ≤ E Tr Mᵖ / xᵖ`` for the even power p = 2q, or for MM*. For complex noise
they satisfy three-term recursions, from which follows, with the edge E of the spectrum:

- Hermitian n × n (Harer, Zagier 1986): with b_q the q-th even moment over its limit, ``b_q =
  b_{q−1} + q(q − 1)/(4n²) b_{q−2}``, so ``b_q ≤ exp(q³/12n²)``; Catalan numbers are below
  4^q/√(πq³);
- n × m (Haagerup, Thorbjørnsen 2003, Theorem 8.2): with d = |m − n|, s = m + n, the ratio of two
  neighbouring moments of MM* is at most ``s + √(4nm + q²)`` (induction for q ≤ d; for q > d, where
  the ratio before it is at least (2q − 1)s/(q + 1), as long as q⁴(q + 2) ≤ 24 s⁴), so
  ``E Tr(MM*)^q ≤ nm E^{q−1} exp(q³/(12 E √(nm)))``, E = (√n + √m)².

Real noise: the even ones among the eigenvalues of two independent real matrices of sizes n and
n + 1 (n × m and (n + 1) × (m + 1)), taken together, are distributed as those of one complex matrix
(Forrester, Rains 2001). Were both largest ones beyond x, so would be the second of all; the larger
matrix reaches farther than its part; hence ``P_real(λ₁ ≥ x)² ≤ P_complex(λ₁ ≥ x)``. Both bounds
have the exponents of the Tracy–Widom tails.
"""

from __future__ import annotations

import numpy as np

from pastur._typing import AnyArray, FloatArray


def symmetric_noise_bound(size: AnyArray, beta: int, failure: float) -> FloatArray:
    """Return x such that the largest eigenvalue exceeds x with probability at most `failure`.

    `size`: n, of a GOE (β = 1) or GUE (β = 2) matrix with ``E|Mᵢⱼ|² = 1`` off the diagonal.
    """
    n = np.maximum(np.asarray(size, dtype=np.float64), 1)
    chance = failure**2 if beta == 1 else failure
    prefactor = np.log(n / np.sqrt(np.pi)) - np.log(chance)
    q = np.ceil(np.cbrt(6 * n**2 * prefactor))
    excess = (prefactor - 1.5 * np.log(q) + q**3 / (12 * n**2)) / (2 * q)
    return np.where(np.asarray(size) > 0, 2 * np.sqrt(n) * np.exp(excess), 0.0)


def rectangular_noise_bound(
    rows: AnyArray, columns: AnyArray, beta: int, failure: float
) -> FloatArray:
    """Return x such that the largest singular value exceeds x with probability at most `failure`.

    `rows`, `columns`: n and m, of a Gaussian matrix with ``E|Mᵢⱼ|² = 1``, real (β = 1) or complex.
    """
    n = np.maximum(np.asarray(rows, dtype=np.float64), 1)
    m = np.maximum(np.asarray(columns, dtype=np.float64), 1)
    chance = failure**2 if beta == 1 else failure
    edge = (np.sqrt(n) + np.sqrt(m)) ** 2
    prefactor = np.log(n * m / edge) - np.log(chance)
    best = np.ceil(np.cbrt(6 * np.sqrt(n * m) * edge * prefactor))
    # Up to |m − n| the bound on the ratios is proven, and up to (12 s⁴)^(1/5) too.
    proven = np.floor(np.maximum(np.abs(m - n), (12 * (n + m) ** 4) ** 0.2))
    q = np.minimum(best, proven)
    excess = (prefactor + q**3 / (12 * np.sqrt(n * m) * edge)) / q
    inside = (np.asarray(rows) > 0) & (np.asarray(columns) > 0)
    return np.where(inside, np.sqrt(edge * np.exp(excess)), 0.0)
