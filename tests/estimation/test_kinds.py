"""The kinds as maps: derivatives by differences, sums of spikes by contour integrals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from pastur._errors import InvalidInputError
from pastur._typing import ComplexArray, FloatArray
from pastur.estimation._kinds.contract import Curve, Noise
from pastur.estimation._kinds.masses import Masses, base_transforms
from pastur.estimation._kinds.noise_law import NoiseLaw
from pastur.estimation._kinds.rectangular import RectangularKind
from pastur.estimation._kinds.symmetric import SymmetricKind
from pastur.estimation._low_rank.edge import noise_edges
from pastur.estimation._low_rank.split import split_spectrum
from pastur.measures import ProbabilityMeasure, Semicircle, Uniform

SIGNAL = Masses(np.array([1.4, 2.5, 2.6]), np.array([0.1, 0.05, 0.02]))
SYMMETRIC, WIDE = SymmetricKind(100), RectangularKind(40, 100)
Kind = SymmetricKind | RectangularKind
KINDS: dict[str, Kind] = {"symmetric": SYMMETRIC, "rectangular": WIDE}
VARIANCE = 0.7
W = np.array([0.3 + 0.5j, 1.5 + 0.2j, 2.2 + 0.9j, -0.4 + 0.3j])


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = KINDS[request.param]
    return found


def difference(function: Callable[[float], Any], step: float = 1e-5) -> Any:
    return (function(step) - function(-step)) / (2 * step)


def shifted(function: Callable[[ComplexArray], Sequence[Any]], which: int, h: float) -> Any:
    return function(W + np.complex128(h))[which]


def test_each_derivative_is_that_of_the_one_before(kind: Kind) -> None:
    def at(w: ComplexArray) -> Curve:
        return kind.curve(w, SIGNAL.transforms(w), VARIANCE)

    for k in range(3):
        slope = difference(partial(shifted, at, k))
        np.testing.assert_allclose(at(W)[k + 1], slope, rtol=1e-7)


@pytest.mark.parametrize("base", [None, Uniform(-1.0, 0.5), Semicircle(0.8)])
def test_transforms_are_derivatives_of_each_other(base: ProbabilityMeasure | None) -> None:
    signal = Masses(SIGNAL.points, SIGNAL.weights, base)
    for transforms in (signal.transforms, lambda w: base_transforms(base, w)):
        for k in range(3):
            slope = difference(partial(shifted, transforms, k))
            # Derivatives from 8 points on a circle are good to 2^−8, higher ones less.
            np.testing.assert_allclose(transforms(W)[k + 1], slope, rtol=1e-6 if k == 0 else 3e-2)


def test_omega_inverts_phi_and_the_transform_is_that_of_the_signal(kind: Kind) -> None:
    # m from f and Φ by the definition of each model, 1/m = (1/f − σ²c) in the rectangular one.
    transforms = SIGNAL.transforms(W)
    phi = kind.curve(W, transforms, VARIANCE).phi
    shared = 0.0 if kind.sides == 2 else VARIANCE * WIDE.ratio
    m = transforms.value / (1 - shared * transforms.value)
    observed = kind.observe(phi, m, VARIANCE)
    np.testing.assert_allclose(observed.omega, W, rtol=1e-12)
    np.testing.assert_allclose(observed.transform, transforms.value, rtol=1e-12)
    slopes = difference(lambda h: np.array(kind.observe(phi, m, VARIANCE + h)[:2]))
    np.testing.assert_allclose(observed.omega_by_variance, slopes[0], rtol=1e-8)
    np.testing.assert_allclose(observed.transform_by_variance, slopes[1], rtol=1e-8, atol=1e-12)


def test_the_cumulant_moves_along_the_derivative_of_its_action(kind: Kind) -> None:
    def action(w: ComplexArray) -> ComplexArray:
        transforms = SIGNAL.transforms(w)
        f, phi = transforms.value, kind.curve(w, transforms, VARIANCE).phi
        if kind.sides == 2:
            return np.asarray(f**4)
        m = f / (1 - VARIANCE * WIDE.ratio * f)
        return (phi * m * (WIDE.ratio * m - (1 - WIDE.ratio) / phi)) ** 2

    transforms = SIGNAL.transforms(W)
    curve = kind.curve(W, transforms, VARIANCE)
    found = kind.cumulant_shift(transforms, curve, VARIANCE)
    np.testing.assert_allclose(found, difference(lambda h: action(W + np.complex128(h))), rtol=1e-7)


OTHERS = np.random.default_rng(0).uniform(0.2, 2.0, 56)
GROUP = np.array([3.0, 3.1, 3.1, 3.5])


def sums(y: FloatArray) -> tuple[FloatArray, FloatArray]:
    apart = OTHERS - np.asarray(y)[..., None]
    size = OTHERS.size + GROUP.size
    return (1 / apart).sum(axis=-1) / size, (1 / apart**2).sum(axis=-1) / size


def test_the_spikes_of_a_group_add_up_to_the_contour_integral(kind: Kind) -> None:
    # −(n/2πi)∮ ω f dω around the group, trapezoidal rule on a circle.
    size, nodes = OTHERS.size + GROUP.size, 2000
    turn = np.exp(2j * np.pi * (np.arange(nodes) + 0.5) / nodes)
    z, dz = 3.25 + 0.8 * turn, 0.8j * turn * 2 * np.pi / nodes
    everything = np.concatenate([OTHERS, GROUP])
    m = (1 / (everything - z[:, None])).mean(axis=1)
    observed = kind.observe(z, m, VARIANCE)
    slope = difference(
        lambda h: (
            kind.observe(z + h, (1 / (everything - z[:, None] - h)).mean(axis=1), VARIANCE).omega
        )
    )
    integral = -size / (2j * np.pi) * np.sum(observed.omega * observed.transform * slope * dz)
    found = kind.pole_sum(GROUP, *sums(GROUP), VARIANCE, size)
    assert found == pytest.approx(integral.real, rel=1e-7)
    # Each by itself, the others of the group among the rest, is another sum.
    m_of_others, slopes = (part.astype(np.complex128) for part in sums(GROUP))
    alone = kind.outliers(GROUP.astype(np.complex128), m_of_others, slopes, VARIANCE).spike
    assert kind.sides == 2 or abs(alone.real.sum() / found - 1) > 1e-4


def test_overlaps_of_low_rank() -> None:
    # Noise alone at σ = 1: θ = 2 in closed form (THEORY of both models), m from the law.
    theta = 2.0
    y = np.array([theta + 1 / theta])
    m = -1 / theta + 0j
    slope = 1 / (theta**2 - 1) + 0j
    found = SymmetricKind(100).outliers(y, np.array([m]), np.array([slope]), 1.0)
    assert found.spike[0] == pytest.approx(theta)
    assert found.overlaps[0][0] == pytest.approx(1 - 1 / theta**2)
    c, t = 0.4, 1.7
    kind = RectangularKind(40, 100)
    w = t**2

    def transform(at: float) -> float:
        return -1 / (at * (1 + c / at))

    def phi(at: float) -> float:
        return (at + 1) * (at + c) / at

    y = np.array([phi(w)])
    slope = difference(lambda h: transform(w + h)) / difference(lambda h: phi(w + h))
    found = kind.outliers(y, np.array([transform(w) + 0j]), np.array([slope + 0j]), 1.0)
    assert found.spike[0] == pytest.approx(w)
    assert found.overlaps[0][0] == pytest.approx((t**4 - c) / (t**2 * (t**2 + c)), rel=1e-8)
    assert found.overlaps[1][0] == pytest.approx((t**4 - c) / (t**2 * (t**2 + 1)), rel=1e-8)


def test_the_law_has_squares_and_the_matrix_their_roots() -> None:
    values = np.array([0.3, 1.0, 2.5])
    wide = WIDE
    np.testing.assert_array_equal(wide.to_law(values), [0.09, 1.0, 6.25])
    np.testing.assert_array_equal(wide.to_matrix(np.array([-1e-20, 4.0])), [0.0, 2.0])
    assert SYMMETRIC.to_law(-3.0) == SYMMETRIC.to_matrix(-3.0) == -3.0


def test_a_value_goes_to_the_law_and_back(kind: Kind) -> None:
    values = np.array([0.0, 0.3, 1.7])
    np.testing.assert_allclose(kind.to_matrix(kind.to_law(values)), values, rtol=1e-15)
    # A relative change h of a value is one of about `relative_to_matrix` of its image's.
    change = kind.to_law(1.7 * (1 + 1e-6)) / kind.to_law(1.7) - 1
    assert kind.relative_to_matrix(change) == pytest.approx(1e-6, rel=1e-5)


def test_overlaps_have_names_in_the_table(kind: Kind) -> None:
    assert set(kind.overlap_names) < set(kind.fields.names)
    observed = kind.outliers(np.array([9.0 + 0j]), np.array([-0.2 + 0j]), np.array([0.1 + 0j]), 1.0)
    assert len(observed.overlaps) == len(kind.overlap_names)


def test_a_tall_matrix_has_left_and_right_the_other_way_round() -> None:
    wide, tall = RectangularKind(40, 100), RectangularKind(40, 100, tall=True)
    assert tall.overlap_names == wide.overlap_names[::-1]
    assert tall.fields == wide.fields


def test_doubles_that_cannot_hold_a_square_are_refused() -> None:
    wide = WIDE
    for far in (1e200, 1e-160):
        with pytest.raises(InvalidInputError, match="squares of singular values"):
            wide.masses(np.array([far]), np.array([0.5]), None)
    assert wide.masses(np.array([0.0, 3.0]), np.full(2, 0.5), None).points.tolist() == [0.0, 9.0]


@dataclass(frozen=True)
class HalvedNoise:
    """Any noise with a law, an edge and modes: here the white one of half the level."""

    white: Noise

    @property
    def size(self) -> int:
        return self.white.size

    @property
    def sides(self) -> int:
        return self.white.sides

    @property
    def level_mode(self) -> int:
        return self.white.level_mode

    def law(self, removed: int) -> NoiseLaw:
        law = self.white.law(removed)
        # Half of σ is a quarter of the law of squares.
        share = 0.5 if self.sides == 2 else 0.25
        return replace(law, center=share * law.center, half_width=share * law.half_width)

    def edge_scale(self, removed: FloatArray) -> tuple[FloatArray, FloatArray]:
        centring, scale = self.white.edge_scale(removed)
        return 0.5 * centring, 0.5 * scale


def test_the_noise_is_a_value_next_to_the_kind(kind: Kind) -> None:
    """Noise of half the level, to which σ = 1 belongs, gives twice the σ and the same spikes."""
    rng = np.random.default_rng(7)
    w = rng.normal(size=(40, 100)) / 10
    values = np.asarray(np.linalg.svd(w, compute_uv=False), dtype=np.float64)
    if kind.sides == 2:
        square = rng.normal(size=(100, 100)) / np.sqrt(200)
        values = np.linalg.eigvalsh(square + square.T)
        values = values[np.argsort(-np.abs(values))]
    found = []
    for noise in (kind.noise, HalvedNoise(kind.noise)):
        split, status = split_spectrum(values, kind, noise, noise_edges(noise, 0.05), sigma=None)
        assert status.converged
        found.append(split)
    assert found[1].sigma == pytest.approx(2 * found[0].sigma, rel=1e-9)
    assert found[1].spikes.tolist() == found[0].spikes.tolist()
    assert found[0].sigma == pytest.approx(1.0, abs=0.1)
