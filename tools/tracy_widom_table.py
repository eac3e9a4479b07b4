"""Writes src/pastur/_numerics/tracy_widom.npz, the table behind `TracyWidom`.

    python tools/tracy_widom_table.py [output.npz]

Needs mpmath; about four minutes on one core; the result is the same on every machine. Slow and
unclever on purpose: every number comes from a determinant or a closed form in 45 digits or more.

Definitions
-----------
Let B_s be the integral operator on L²(0, ∞) with kernel Ai(s + u + v), which is the kernel
½ Ai((x + y)/2) of Ferrari and Spohn (2005) on L²(s, ∞) in other coordinates. B_s² is the Airy
kernel. With D₋ = det(I − B_s) and D₊ = det(I + B_s),

    F₁ = D₋,    F₂ = D₋ D₊,    F₄ = (D₋ + D₊)/2 = (F₁ + F₂/F₁)/2

(Ferrari and Spohn 2005, J. Phys. A 38; Bornemann 2010, Markov Processes Relat. Fields 16). The
table has this s for all three; that `TracyWidom(4)` is rescaled by √2 is the reader's business.

Three ranges
------------
- LOW ≤ s < HIGH: panels of equal width. Bornemann's method: Gauss–Legendre quadrature turns the
  operator determinants into matrix determinants. Each panel has a polynomial in t ∈ [−1, 1] for
  log F below the joint and for log(1 − F) above it, so that both tails keep their digits.
- s ≥ HIGH: D∓ = 1 ∓ e₁ + e₂ ∓ e₃ + …, with e_k the elementary symmetric functions of the
  eigenvalues of B_s: e₁ = tr B_s = ½ ∫_s^∞ Ai and
  e₁² − 2e₂ = tr B_s² = (2s²Ai² − 2s Ai′² − Ai Ai′)/3. The terms from e₃ on are below 1e-20 of the
  whole. A Chebyshev series in s^(−3/2) for log(1 − F) less its leading growth.
- s < LOW: the expansion that follows from Painlevé II, q″ = sq + 2q³, with (log F₂)″ = −q² and
  D₊/D₋ = exp ∫_s^∞ q; its constants are those of Baik, Buckingham and DiFranco (2008, Commun. Math.
  Phys. 280), and determinants at LOW confirm them to 1e-15 of log F.
"""

import sys
from collections.abc import Sequence
from decimal import Decimal, getcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import numpy.typing as npt

DIGITS = 70
getcontext().prec = DIGITS
mp.mp.dps = DIGITS + 5

LOW, HIGH, WIDTH, DEGREE = -18, 10, Fraction(1, 2), 12
# Near the medians −1.27, −1.80, −3.29: on each side the smaller of F and 1 − F is tabulated.
JOINTS = (Fraction(-3, 2), Fraction(-2), Fraction(-7, 2))
RIGHT_DEGREE = 20
# log(1 − F) ≈ −γ s^(3/2) − p log s, for β = 1, 2, 4.
RIGHT_GROWTH = (
    (Fraction(2, 3), Fraction(3, 4)),
    (Fraction(4, 3), Fraction(3, 2)),
    (Fraction(4, 3), Fraction(3)),
)
LEFT_TERMS = 8

# Ai(36) is 1e-63: the kernel is cut off where its arguments add up to this.
AIRY_END = 36
AIRY_TERMS = 50

AnyArray = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]
Rule = tuple[AnyArray, AnyArray]  # nodes and weights, of Decimal


def decimal(value: Any) -> Decimal:
    return Decimal(mp.nstr(value, DIGITS + 3))


def gauss_legendre(size: int) -> Rule:
    """Nodes and weights on [−1, 1]: double-precision nodes improved by Newton's method."""
    nodes, weights = [], []
    for guess in np.polynomial.legendre.leggauss(size)[0]:
        x = mp.mpf(float(guess))
        for _ in range(5):
            before, value = mp.mpf(1), x
            for k in range(2, size + 1):
                before, value = value, ((2 * k - 1) * x * value - (k - 1) * before) / k
            slope = size * (x * value - before) / (x * x - 1)
            x -= value / slope
        nodes.append(decimal(x))
        weights.append(decimal(2 / ((1 - x * x) * slope * slope)))
    return np.array(nodes), np.array(weights)


class Airy:
    """Ai on [LOW, AIRY_END] for arrays of Decimal: Taylor series about multiples of 1/4."""

    def __init__(self) -> None:
        self.first = 4 * LOW - 1
        series = [self._series(mp.mpf(j) / 4) for j in range(self.first, 4 * AIRY_END + 2)]
        self.coefficients = np.array(series).T

    @staticmethod
    def _series(c: Any) -> list[Decimal]:
        a = [mp.airyai(c), mp.airyai(c, derivative=1), c * mp.airyai(c) / 2]
        for n in range(1, AIRY_TERMS - 2):
            a.append((c * a[n] + a[n - 1]) / ((n + 1) * (n + 2)))
        return [decimal(v) for v in a]

    def __call__(self, x: AnyArray) -> AnyArray:
        nearest = np.rint(4 * x.astype(float)).astype(int)
        h = x - np.array([Decimal(int(j)) / 4 for j in nearest])
        result: AnyArray = self.coefficients[-1][nearest - self.first]
        for row in self.coefficients[-2::-1]:
            result = result * h + row[nearest - self.first]
        return result


def determinant(matrix: AnyArray) -> Decimal:
    """Gaussian elimination without pivoting: the matrices are positive definite."""
    a = matrix.copy()
    product = Decimal(1)
    for k in range(len(a)):
        product *= a[k, k]
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k] / a[k, k], a[k, k + 1 :])
    return product


def determinants(s: Decimal, airy: Airy, rule: Rule) -> tuple[Decimal, Decimal]:
    """Return D₋ and D₊ at s."""
    length = Decimal(AIRY_END) - s
    u, root = (rule[0] + 1) * length / 2, np.array([w.sqrt() for w in rule[1] * length / 2])
    i, j = np.triu_indices(len(u))
    kernel = np.empty((len(u), len(u)), dtype=object)
    # Beyond AIRY_END the kernel is below 1e-63, and its value there stands for it.
    end = np.array(Decimal(AIRY_END))
    argument = np.minimum(s + u[i] + u[j], end)
    kernel[i, j] = kernel[j, i] = airy(argument) * root[i] * root[j]
    zero_one = np.array([Decimal(0), Decimal(1)])
    identity = zero_one[np.eye(len(u), dtype=int)]
    return determinant(identity - kernel), determinant(identity + kernel)


def three_cdfs(minus: Decimal, plus: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    return minus, minus * plus, (minus + plus) / 2


def chebyshev_points(count: int) -> list[Any]:
    return [mp.cos(mp.pi * (j + mp.mpf(1) / 2) / count) for j in range(count)]


def chebyshev_series(values: Sequence[Any]) -> list[Any]:
    """Coefficients of the interpolant through `values` at the Chebyshev points."""
    n = len(values)
    cosines = [[mp.cos(mp.pi * k * (2 * j + 1) / (2 * n)) for j in range(n)] for k in range(n)]
    series = [2 * mp.fsum(c * v for c, v in zip(row, values, strict=True)) / n for row in cosines]
    return [series[0] / 2, *series[1:]]


def powers(series: Sequence[Any]) -> list[Any]:
    """Turn a Chebyshev series into coefficients of 1, t, t², …"""
    before, current = [mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]
    result = [mp.mpf(0)] * len(series)
    for c in series:
        for i, b in enumerate(before):
            result[i] += c * b
        twice = [mp.mpf(0)] + [2 * b for b in current]
        following = [t - (before[i] if i < len(before) else 0) for i, t in enumerate(twice)]
        before, current = current, following
    return result


def panel_table(airy: Airy) -> FloatArray:
    """Coefficients of shape (β, panel, power)."""
    count = int((HIGH - LOW) / WIDTH)
    rules = {size: gauss_legendre(size) for size in (80, 100, 120, 140)}
    table = np.empty((3, count, DEGREE + 1))
    points = chebyshev_points(DEGREE + 1)
    for panel in range(count):
        start = LOW + panel * WIDTH
        size = 80 if start >= -5 else 100 if start >= -10 else 120 if start >= -14 else 140
        half, centre = mp.mpf(float(WIDTH)) / 2, mp.mpf(float(start + WIDTH / 2))
        pairs = [determinants(decimal(centre + half * t), airy, rules[size]) for t in points]
        for row, joint in enumerate(JOINTS):
            cdfs = [three_cdfs(*pair)[row] for pair in pairs]
            sides = cdfs if start < joint else [1 - f for f in cdfs]
            series = chebyshev_series([mp.mpf(str(f.ln())) for f in sides])
            assert abs(series[-1]) < mp.mpf("4e-17"), (panel, series[-1])
            table[row, panel] = [float(c) for c in powers(series)]
        print(f"s = {float(start):6.1f}", flush=True)
    return table


def right_tail(s: Any, rule: Sequence[Sequence[Any]]) -> tuple[Any, Any, Any]:
    """Return 1 − F for the three laws, s ≥ HIGH."""
    ai, slope = mp.airyai(s), mp.airyai(s, derivative=1)
    # Ai falls by e^(-12) over each step of 12/√s, or faster; nine steps reach 47 digits.
    step = 12 / mp.sqrt(s)
    integral = mp.mpf(0)
    for k in range(9):
        for node, weight in zip(*rule, strict=True):
            integral += weight * step / 2 * mp.airyai(s + step * (k + (1 + node) / 2))
    e1 = integral / 2
    e2 = (e1**2 - (2 * s**2 * ai**2 - 2 * s * slope**2 - ai * slope) / 3) / 2
    return e1 - e2, e1**2 - 2 * e2 - e2**2, -e2


def right_table(rule: Rule) -> FloatArray:
    """Chebyshev coefficients in v = s^(−3/2), mapped from [0, HIGH^(−3/2)] to [−1, 1]."""
    exact_rule = [[mp.mpf(str(v)) for v in part] for part in rule]
    end = mp.mpf(HIGH) ** (-mp.mpf(3) / 2)
    columns = []
    for t in chebyshev_points(RIGHT_DEGREE + 1):
        s = (end * (1 + t) / 2) ** (-mp.mpf(2) / 3)
        columns.append(
            [
                mp.log(f) + exact(g) * s * mp.sqrt(s) + exact(p) * mp.log(s)
                for f, (g, p) in zip(right_tail(s, exact_rule), RIGHT_GROWTH, strict=True)
            ]
        )
    rows = [chebyshev_series(values) for values in zip(*columns, strict=True)]
    for row in rows:
        print("right tail, last coefficients:", [mp.nstr(c, 2) for c in row[-4:]])
        assert max(abs(c) for c in row[-3:]) < mp.mpf("2e-17")
    return np.array([[float(c) for c in row] for row in rows])


def painleve_series() -> list[Fraction]:
    """Rational a_k of q(−t) = √(t/2) Σ a_k t^(−3k), Hastings and McLeod's solution."""
    a = [Fraction(1)]
    for k in range(1, LEFT_TERMS + 1):
        known = [*a, Fraction(0)]
        cube = sum(
            known[i] * known[j] * known[k - i - j] for i in range(k + 1) for j in range(k + 1 - i)
        )
        power = Fraction(1, 2) - 3 * (k - 1)
        a.append((power * (power - 1) * a[k - 1] - cube) / 2)
    return a


def left_table() -> FloatArray:
    """log F ≈ a t³ + b t^(3/2) + c log t + Σ d_j t^(−3j/2), t = −s: rows a, b, c, d₀, d₁, …

    For β = 4 a factor 1 + exp(−∫_s^∞ q) is left out: it is 1 + 2e-16 at s = LOW.
    """
    a = painleve_series()
    square = [sum((a[i] * a[k - i] for i in range(k + 1)), Fraction(0)) for k in range(len(a))]
    chi = mp.log(2) / 24 + mp.zeta(-1, derivative=1)
    # Half of log F₂, and half of ∫_s^∞ q, by powers of t^(−3/2).
    half_f2 = {j: mp.mpf(0) for j in range(2 * LEFT_TERMS)}
    half_q = dict(half_f2)
    half_f2[0], half_q[0] = chi / 2, mp.log(2) / 4
    for k in range(2, LEFT_TERMS + 1):
        half_f2[2 * k - 2] = -exact(square[k] / ((2 - 3 * k) * (3 - 3 * k))) / 4
    for k in range(1, LEFT_TERMS + 1):
        half_q[2 * k - 1] = exact(a[k] / (Fraction(3, 2) - 3 * k)) / mp.sqrt(8)
    cube, root, log = -mp.mpf(1) / 24, mp.sqrt(2) / 6, -mp.mpf(1) / 16
    rows = [
        [cube, -root, log, *(half_f2[j] - half_q[j] for j in half_f2)],
        [2 * cube, 0, 2 * log, *(2 * half_f2[j] for j in half_f2)],
        [cube, root, log, *(half_f2[j] + half_q[j] - (j == 0) * mp.log(2) for j in half_f2)],
    ]
    return np.array([[float(c) for c in row] for row in rows])


def check_ends(airy: Airy, right: FloatArray, left: FloatArray) -> None:
    """Compare the tails with determinants at the ends of the panels."""
    rule = gauss_legendre(140)
    cdfs = three_cdfs(*determinants(Decimal(HIGH), airy, rule))
    v = np.atleast_1d(np.polynomial.chebyshev.chebval(1.0, right.T))
    for f, (g, p), rest in zip(cdfs, RIGHT_GROWTH, v, strict=True):
        found = rest - float(exact(g) * mp.mpf(HIGH) ** mp.mpf(1.5) + exact(p) * mp.log(HIGH))
        assert abs(found - float((1 - f).ln())) < 2e-14, (found, (1 - f).ln())
    t = float(-LOW)
    basis = [t**3, t**1.5, np.log(t), *(t ** (-1.5 * j) for j in range(left.shape[1] - 3))]
    for f, row in zip(three_cdfs(*determinants(Decimal(LOW), airy, rule)), left, strict=True):
        assert abs(row @ basis - float(f.ln())) < 4e-13, (row @ basis, f.ln())


def exact(fraction: Fraction) -> Any:
    return mp.mpf(fraction.numerator) / fraction.denominator


def main(path: Path) -> None:
    airy = Airy()
    left = left_table()
    with mp.workdps(45):
        right = right_table(gauss_legendre(40))
    check_ends(airy, right, left)
    np.savez(
        path,
        start=float(LOW),
        stop=float(HIGH),
        width=float(WIDTH),
        joints=np.array([float(j) for j in JOINTS]),
        panels=panel_table(airy),
        right=right,
        right_growth=np.array([[float(v) for v in pair] for pair in RIGHT_GROWTH]),
        left=left,
    )
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    default = Path(__file__).parents[1] / "src/pastur/_numerics/tracy_widom.npz"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
