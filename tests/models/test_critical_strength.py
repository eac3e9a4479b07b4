"""Where a share of equal singular values or eigenvalues leaves the bulk, and with which power.

Expected values are double critical points of Φ, solved with 40 digits from formulas written out.
"""

import mpmath
import numpy as np
import pytest

from pastur import Atoms, DeformedWigner, InformationPlusNoise


def leading(ratio: float, share: float) -> float:
    """Return θ_c²/(√c σ²) − 1 to first order in α^(1/3)."""
    return float(1.5 * (1 + np.sqrt(ratio)) ** (2 / 3) * np.cbrt(share))


def exact(ratio: float, share: float) -> float:
    """Return θ_c² for σ = 1: Φ′ = Φ″ = 0 between 0 and θ², solved for ω and θ²."""
    with mpmath.workdps(40):
        c, alpha = mpmath.mpf(ratio), mpmath.mpf(share)

        def phi(w: mpmath.mpf, square: mpmath.mpf) -> mpmath.mpf:
            h = 1 - c * (alpha / (square - w) - (1 - alpha) / w)
            return w * h**2 + (1 - c) * h

        def slopes(w: mpmath.mpf, square: mpmath.mpf) -> list[mpmath.mpf]:
            return [mpmath.diff(lambda u: phi(u, square), w, k) for k in (1, 2)]

        start = mpmath.sqrt(c) * (1 + leading(ratio, share) / 3)
        end = mpmath.sqrt(c) * (1 + leading(ratio, share))
        return float(mpmath.findroot(slopes, (start, end))[1])


def parts(ratio: float, share: float, square: float) -> int:
    law = InformationPlusNoise(Atoms([0.0, square], [1 - share, share]), ratio=ratio).law
    return len(law.support)


@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.1])
@pytest.mark.parametrize("share", [0.1, 1e-3, 1e-6])
def test_the_law_falls_into_two_parts_where_phi_has_a_double_critical_point(
    ratio: float, share: float
) -> None:
    square = exact(ratio, share)
    assert parts(ratio, share, square * (1 - 1e-7)) == 1
    assert parts(ratio, share, square * (1 + 1e-7)) == 2


@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.1])
def test_the_distance_from_the_finite_rank_threshold_is_a_cube_root(ratio: float) -> None:
    shares = np.array([1e-12, 1e-10, 1e-8])
    distance = np.array([exact(ratio, share) for share in shares]) / np.sqrt(ratio) - 1
    # What is left is a series in α^(1/3), so that it falls like that as well.
    off = distance / [leading(ratio, share) for share in shares] - 1
    np.testing.assert_allclose(off[1:] / off[:-1], 100 ** (1 / 3), rtol=0.01)
    assert abs(off[0]) < 1e-4
    slope = np.polyfit(np.log(shares), np.log(distance), 1)[0]
    assert abs(slope - 1 / 3) < 1e-3
    # Another power, that of a share of the variance, is far off.
    assert abs(slope - 1 / 2) > 0.1


@pytest.mark.parametrize("share", [0.3, 0.01, 1e-6])
def test_its_symmetric_twin_is_a_closed_form(share: float) -> None:
    strength = (np.cbrt(share) + np.cbrt(1 - share)) ** 1.5
    counts = [
        len(DeformedWigner(Atoms([0.0, strength * s], [1 - share, share])).law.support)
        for s in (1 - 1e-7, 1 + 1e-7)
    ]
    assert counts == [1, 2]
    # 1 + 3/2 α^(1/3) + …
    assert abs(strength - 1 - 1.5 * np.cbrt(share)) < np.cbrt(share) ** 2
