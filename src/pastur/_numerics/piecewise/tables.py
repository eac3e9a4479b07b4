"""Linear maps between the Chebyshev coefficients that a piece of a density needs.

On a piece, brought to [0, 1], the density is τ^e A(τ) with e one of 0, ½, −½ and A a polynomial of
given order, kept by its coefficients in T_k(2τ − 1). All that its transforms need are other
polynomials, linear in A. The Cauchy transform, for one, is

    ∫₀¹ τ^e A(τ)/(τ − ζ) dτ = A(ζ) M(ζ) + B(ζ),    M(ζ) = ∫₀¹ τ^e/(τ − ζ) dτ,

with M = log((ζ − 1)/ζ) for e = 0, Λ/s for e = −½ and 2 + sΛ for e = ½, where s = √ζ and
Λ = log((s − 1)/(s + 1)). B is the polynomial of the second kind. With U_k Chebyshev's second kind,

    (T_k(x) − T_k(y))/(x − y) = 2 Σ_{j<k} U_{k−1−j}(x) T_j(y),    half the term at j = 0,

so its coefficients come from the numbers ∫ τ^e U_k(2τ − 1) dτ.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.polynomial import chebyshev, legendre

from pastur._typing import FloatArray

POWERS = (0.0, 0.5, -0.5)


@dataclass(frozen=True, eq=False)
class Rule:
    """Gauss quadrature of a piece: nodes in (0, 1), weights with τ^e in them, T_k at the nodes."""

    nodes: FloatArray
    weights: FloatArray
    basis: FloatArray


@dataclass(frozen=True, eq=False)
class Table:
    """Maps of A for one power e, matrices that act on coefficients from the left.

    With φ = 1, s or 1/s and Λ = log(ζ − 1) − log ζ or log((s − 1)/(s + 1)), the transforms are

    - Cauchy: ``φΛ A + rest A``, with φ = ζ^e;
    - its derivative: ``φΛ slope A + slope_rest A`` with φ = ζ^e for e ≤ 0, ζ^(−½) for e = ½, up to
      the terms of the ends and, for e = −½, the term of A(0);
    - ∫ log(ζ − τ): ``m log(ζ − 1) − (φΛ primitive A + primitive_rest A)``, φ = 1 or s, m the mass;

    and ∫₀^τ = ``τ^(1 + e) share A``.
    """

    rest: FloatArray
    slope: FloatArray
    slope_rest: FloatArray
    primitive: FloatArray
    primitive_rest: FloatArray
    share: FloatArray


@cache
def table(order: int, power: float) -> Table:
    """Return the maps for polynomials of degree `order` and the weight τ^power."""
    n = order + 1
    share = _share(order, power)
    if power < 0:
        primitive = _padded(share, n + 1)
    else:
        primitive = _times_tau(n) @ share
    derived = _derivative(n)
    if power == 0:
        slope = derived
    elif power > 0:
        slope = (_times_tau(n) @ derived)[:n] + np.eye(n) / 2
    else:
        # τ^(−½) A = A(0) τ^(−½) + τ^½ (A − A(0))/τ, and the first term goes by its own formula.
        divided = _divided_difference(n)
        slope = (_times_tau(n) @ derived @ divided)[:n] + divided / 2
    slope_power = 0.0 if power == 0 else -0.5
    primitive_power = 0.0 if power == 0 else 0.5
    return Table(
        rest=_rest(n, power),
        slope=slope,
        slope_rest=_rest(n, slope_power) @ slope,
        primitive=primitive,
        primitive_rest=_rest(n + 1, primitive_power) @ primitive,
        share=share,
    )


@cache
def rule(order: int, power: float, count: int) -> Rule:
    """Return the Gauss rule of `count` nodes for τ^power on [0, 1]."""
    if power == 0:
        x, w = _gauss(count)
        nodes, weights = (1 + x) / 2, w / 2
    else:
        # With τ = u² the integrand is even in u: half of a rule on [−1, 1].
        x, w = (values[count:] for values in _gauss(2 * count))
        nodes, weights = x**2, 2 * w * x ** (1 + 2 * power)
    return Rule(nodes, weights, basis(nodes, order))


@cache
def _gauss(count: int) -> tuple[FloatArray, FloatArray]:
    """Gauss–Legendre rule, the weights from Christoffel's sum ``1/w = Σ (k + ½) P_k(x)²``.

    A sum of positive terms loses nothing; NumPy's weights are off by 1e-11 next to the ends.
    """
    nodes = legendre.leggauss(count)[0]
    k = np.arange(count)
    return nodes, 1 / (legendre.legvander(nodes, count - 1) ** 2 @ (k + 0.5))


def basis(tau: FloatArray, order: int) -> FloatArray:
    """Return T_k(2τ − 1) for k = 0…order, shape (τ, order + 1)."""
    return np.asarray(chebyshev.chebvander(2 * tau - 1, order))


@cache
def sampling(order: int) -> tuple[FloatArray, FloatArray]:
    """Return order + 1 nodes in (0, 1), and the matrix from values there to coefficients."""
    n = order + 1
    odd = 2 * np.arange(n) + 1
    # sin²(φ/2) = (1 − cos φ)/2 keeps the digits of the nodes next to 0.
    nodes = np.sin(np.pi * odd / (4 * n)) ** 2
    # Angles are multiples of π/2n, taken modulo 2π as integers: so cosines add up to 0 exactly.
    turns = np.outer(np.arange(n), odd[::-1]) % (4 * n)
    transform = np.cos(np.pi * turns / (2 * n)) * 2 / n
    transform[0] /= 2
    return nodes, transform


def _padded(matrix: FloatArray, rows: int) -> FloatArray:
    result = np.zeros((rows, matrix.shape[1]))
    result[: len(matrix)] = matrix
    return result


def _derivative(n: int) -> FloatArray:
    """d/dτ, which is 2 d/dx."""
    return _padded(np.asarray(2 * chebyshev.chebder(np.eye(n), axis=0)), n)


def _times_tau(n: int) -> FloatArray:
    """τ T_k = T_k/2 + (T_{k+1} + T_{|k−1|})/4."""
    result = np.zeros((n + 1, n))
    k = np.arange(n)
    result[k, k] += 0.5
    result[k + 1, k] += 0.25
    result[np.abs(k - 1), k] += 0.25
    return result


def _rest(n: int, power: float) -> FloatArray:
    """The map from A to B, and to B + 2A for e = ½, whose M has the constant term 2."""
    x, weights = _gauss(n + 4)
    u, weights = (1 + x) / 2, weights / 2
    tau = u if power == 0 else u**2
    density = weights if power == 0 else weights * 2 * u ** (1 + 2 * power)
    moments = _second_kind(tau, n) @ density
    result = np.zeros((n, n))
    for j in range(n - 1):
        result[j, j + 1 :] = 4 * moments[: n - 1 - j]
    result[0] /= 2
    return result + 2 * np.eye(n) if power > 0 else result


def _divided_difference(n: int) -> FloatArray:
    """(A(τ) − A(0))/τ, from the same identity at x = −1, where U_k is (−1)^k (k + 1)."""
    k = np.arange(n)
    ends = np.where(k % 2 == 0, 1.0, -1.0) * (k + 1)
    result = np.zeros((n, n))
    for j in range(n - 1):
        result[j, j + 1 :] = 4 * ends[: n - 1 - j]
    result[0] /= 2
    return result


def _second_kind(tau: FloatArray, n: int) -> FloatArray:
    """U_k(2τ − 1) for k < n, shape (n, τ)."""
    x = 2 * tau - 1
    values = np.ones((n, tau.size))
    if n > 1:
        values[1] = 2 * x
    for k in range(2, n):
        values[k] = 2 * x * values[k - 1] - values[k - 2]
    return values


def _share(order: int, power: float) -> FloatArray:
    """A ↦ ∫₀¹ A(τσ) σ^e dσ, which is ∫₀^τ over τ^(1 + e): an average, so it amplifies nothing."""
    nodes, transform = sampling(order)
    inner = rule(order, power, order + 1)
    values = basis((nodes[:, None] * inner.nodes).ravel(), order)
    averages = inner.weights @ values.reshape(nodes.size, inner.nodes.size, order + 1)
    # The degree does not grow; below the diagonal there is only rounding.
    return np.asarray(np.triu(transform @ averages))
