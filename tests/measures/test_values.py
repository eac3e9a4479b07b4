"""Measures as values: what they print, that nothing changes them, how they combine."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pastur._typing import AnyArray
from pastur.measures import (
    Atoms,
    Density,
    Empirical,
    GridDensity,
    MarchenkoPastur,
    Measure,
    ProbabilityMeasure,
    Semicircle,
    Uniform,
)
from pastur.measures._contract.combination import Mixture, SignedSum

if TYPE_CHECKING:
    from tests.measures.conftest import Example


def test_every_measure_of_the_table_prints_itself(example: Example) -> None:
    text = repr(example.measure)
    assert text.startswith(type(example.measure).__name__ + "(")
    assert len(text) < 500


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        (Semicircle(2.0), "Semicircle(sigma=2.0, center=0.0)"),
        (Semicircle(2, 1), "Semicircle(sigma=2.0, center=1.0)"),
        (Uniform(0, 1), "Uniform(low=0.0, high=1.0)"),
        (MarchenkoPastur(1, 2), "MarchenkoPastur(ratio=1.0, sigma=2.0)"),
        (Atoms([3, 1], [0.25, 0.75]), "Atoms([1.0, 3.0], [0.75, 0.25])"),
        (Empirical(np.arange(9)), "Empirical(9 points on [0, 8])"),
    ],
)
def test_representation(measure: Any, text: str) -> None:
    assert repr(measure) == text


def test_nothing_can_be_set(example: Example) -> None:
    fields: Any = example.measure
    for field in dataclasses.fields(fields):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(example.measure, field.name, 1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        example.measure.colour = "red"  # type: ignore[attr-defined]


def arrays_of(value: Measure) -> dict[str, AnyArray]:
    """All arrays that a measure holds or hands out without an argument, by name."""
    value.stieltjes(1j)
    found = {name: getattr(value, name) for name in ("support", "atoms")}
    for name, part in vars(value).items():
        if dataclasses.is_dataclass(part) and not isinstance(part, Measure):
            found |= {f"{name}.{f.name}": getattr(part, f.name) for f in dataclasses.fields(part)}
        found[name] = part
    return {name: part for name, part in found.items() if isinstance(part, np.ndarray)}


def test_every_array_is_locked(example: Example) -> None:
    for twin in (example.measure, copy.copy(example.measure), copy.deepcopy(example.measure)):
        for name, array in arrays_of(twin).items():
            assert not array.flags.writeable, name
    with pytest.raises(ValueError, match="read-only"):
        example.measure.support[:] = 0.0


def test_the_check_finds_an_array_that_is_not_locked() -> None:
    measure = Atoms([0.0, 1.0])
    vars(measure)["_more"] = np.zeros(2)
    assert [n for n, array in arrays_of(measure).items() if array.flags.writeable] == ["_more"]


def test_a_density_does_not_follow_the_arrays_it_was_made_from() -> None:
    x, density = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0])
    measure, intervals = GridDensity(x, density), np.array([[0.0, 1.0]])
    smooth = Density(lambda t: 6 * t * (1 - t), intervals)
    x += 5.0
    density[:], intervals[:] = 3.0, 7.0
    assert measure.support.tolist() == [[0.0, 2.0]]
    assert measure.density(1.0) == 1.0
    assert smooth.support.tolist() == [[0.0, 1.0]]


def test_atoms_do_not_follow_the_array_they_were_made_from() -> None:
    points, weights = np.array([0.0, 1.0]), np.array([0.5, 0.5])
    measure = Atoms(points, weights)
    points[:], weights[:] = 7.0, 0.1
    assert measure.atoms.tolist() == [[0.0, 0.5], [1.0, 0.5]]


def test_copies_and_pickles_are_the_same_measure(example: Example) -> None:
    z = example.plane()
    for twin in (copy.deepcopy(example.measure), pickle.loads(pickle.dumps(example.measure))):
        assert type(twin) is type(example.measure)
        assert not any(array.flags.writeable for array in arrays_of(twin).values())
        np.testing.assert_array_equal(twin.stieltjes(z), example.measure.stieltjes(z))


def test_equal_parameters_make_equal_laws() -> None:
    assert Semicircle(1.0) == Semicircle(1, 0)
    assert hash(Uniform(0, 1)) == hash(Uniform(0.0, 1.0))
    assert MarchenkoPastur(0.5) == MarchenkoPastur(0.5, 1.0) != MarchenkoPastur(0.6)


def test_equal_points_are_joined_and_sorted() -> None:
    measure = Atoms([2.0, 1.0, 2.0], [0.25, 0.5, 0.25])
    assert measure.atoms.tolist() == [[1.0, 0.5], [2.0, 0.5]]
    assert measure.support.tolist() == [[1.0, 1.0], [2.0, 2.0]]


def test_a_convex_combination_is_a_probability_measure() -> None:
    mixture = 0.25 * Atoms([0.0]) + 0.75 * Semicircle(1.0)
    assert isinstance(mixture, ProbabilityMeasure)
    assert isinstance((Semicircle(1.0) + Uniform(0, 1)) / 2, ProbabilityMeasure)
    assert isinstance(mixture - 0.25 * Atoms([0.0]) + 0.25 * Atoms([1.0]), Measure)
    # A type checker accepts it where a law is asked for.
    accepted: ProbabilityMeasure = 0.5 * Atoms([0.0]) + 0.5 * Uniform(1, 2)
    assert accepted.quantile(0.75) == pytest.approx(1.5)
    assert not isinstance(2 * mixture, ProbabilityMeasure)
    assert not isinstance(mixture - mixture, ProbabilityMeasure)


def test_images_of_probability_measures_are_probability_measures(law: Example) -> None:
    assert isinstance(law.measure.scale(-2).shift(1), ProbabilityMeasure)


@pytest.mark.parametrize("two", [2, 2.0, np.float64(2), np.float32(2), np.int64(2)])
def test_factors_of_every_numeric_type(two: float) -> None:
    for doubled in (two * Semicircle(1.0), Semicircle(1.0) * two, Semicircle(1.0) / (1 / two)):
        assert isinstance(doubled, Measure)
        assert doubled.mass == 2.0
    assert (-Semicircle(1.0)).mass == -1.0


def test_combinations_are_flat() -> None:
    nested = ((Semicircle(1.0) + Uniform(0, 1)) / 2 - Atoms([3.0])) * 2
    assert isinstance(nested, SignedSum | Mixture)
    assert len(nested.terms) == 3
    assert nested.mass == 0


def test_cancelled_atoms_are_not_listed() -> None:
    difference = Atoms([0.0, 1.0]) - 0.5 * Atoms([0.0])
    assert difference.atoms.tolist() == [[1.0, 0.5]]


def test_supports_are_merged_where_they_touch() -> None:
    mixture = (Uniform(0, 1) + Uniform(1, 2) + Atoms([0.5]) + Atoms([5.0])) / 4
    assert mixture.support.tolist() == [[0.0, 2.0], [5.0, 5.0]]


def test_support_of_marchenko_pastur() -> None:
    assert MarchenkoPastur(0.25, 2.0).support == pytest.approx(np.array([[1.0, 9.0]]))
    assert MarchenkoPastur(1.0, 1.0).support.tolist() == [[0.0, 4.0]]
    assert MarchenkoPastur(4.0, 1.0).support == pytest.approx(np.array([[0.0, 0.0], [1.0, 9.0]]))


def test_marchenko_pastur_is_the_law_of_squared_singular_values() -> None:
    # n × m noise: the trace has a relative standard deviation of √(2/(nm)), a k-th moment about k
    # times that. Five of them: a false alarm has probability 1e-6.
    n, m, sigma = 800, 200, 1.5
    noise = np.random.default_rng(3).normal(scale=sigma / np.sqrt(m), size=(n, m))
    eigenvalues = np.linalg.eigvalsh(noise @ noise.T)
    law, swapped = MarchenkoPastur(n / m, sigma), MarchenkoPastur(m / n, sigma)
    assert law.atoms.tolist() == [[0.0, 0.75]]
    for k in (1, 2, 3):
        tolerance = 5 * k * np.sqrt(2 / (n * m))
        measured = np.mean(eigenvalues**k)
        assert measured == pytest.approx(law.moment(k), rel=tolerance)
        if k > 1:  # the mean is σ² whatever the ratio
            assert measured != pytest.approx(swapped.moment(k), rel=tolerance)


def test_numbers_come_back_for_numbers() -> None:
    law = Semicircle(1.0)
    for value in (law.cdf(0), law.sf(0), law.quantile(0.5), law.density(0), law.stieltjes(3)):
        assert isinstance(value, float)
    assert isinstance(law.stieltjes(3 + 0j), complex)
    assert isinstance(law.log_potential(3), complex)
    assert law.density([[0, 1], [2, 3]]).shape == (2, 2)
