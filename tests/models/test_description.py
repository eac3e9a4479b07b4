"""What a model predicts in the units of the matrix: against closed forms, and what it refuses."""

import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur.measures import Atoms, MarchenkoPastur, Semicircle, Uniform
from pastur.models import DeformedWigner, InformationPlusNoise, SpikedModel, law_of_squares

LOW_RANK = DeformedWigner(Atoms([0.0]))
WIDE = InformationPlusNoise(Atoms([0.0]), ratio=0.25)


def test_a_spike_on_the_semicircle() -> None:
    found = LOW_RANK.describe([0.5, 2.0, -3.0], size=1000)
    np.testing.assert_allclose(found.intervals, [[-2, 2]])
    np.testing.assert_allclose(found.masses, [1.0])
    assert (found.model, found.size) == (LOW_RANK, 1000)
    # In the order of the caller: θ + 1/θ, 1 − 1/θ², √(2(1 − 1/θ²)/N).
    spikes = found.spikes
    assert spikes.theta.tolist() == [0.5, 2.0, -3.0]
    assert spikes.detached.tolist() == [False, True, True]
    np.testing.assert_allclose(spikes.position, [2.0, 2.5, -10 / 3])
    np.testing.assert_allclose(spikes.overlaps, [[0.0, 0.75, 8 / 9]])
    expected = [np.nan, np.sqrt(1.5 / 1000), np.sqrt(16 / 9000)]
    np.testing.assert_allclose(spikes.fluctuation, expected)
    assert np.isnan(spikes.level).all()
    # Edges 2 − 1/(2N) ± N^(−2/3), critical spikes ±σ.
    np.testing.assert_allclose(found.edges.critical_spike, [-1, 1])
    np.testing.assert_allclose(found.edges.centring, [-1.9995, 1.9995])
    np.testing.assert_allclose(found.edges.scale, [-0.01, 0.01])


def test_a_rectangular_model_is_in_plain_singular_values() -> None:
    c = 0.25
    found = WIDE.describe([2.0, 0.5], size=1000)
    np.testing.assert_allclose(found.intervals, [[0.5, 1.5]])
    np.testing.assert_allclose(found.edges.critical_spike, [np.nan, c**0.25])
    np.testing.assert_allclose(found.spikes.position, [np.sqrt(5 * 4.25) / 2, 1.5])
    left, right = (16 - c) / (4 * (4 + c)), (16 - c) / (4 * 5)
    np.testing.assert_allclose(found.spikes.overlaps, [[left, 0], [right, 0]])
    assert WIDE.overlap_names == ("overlap_left", "overlap_right")
    # Squared: 1.49 instead of 1.22 for a spike of 1.
    squared = float(np.asarray(WIDE.outlier(1.0)))
    assert WIDE.describe([1.0]).spikes.position[0] == pytest.approx(np.sqrt(squared))
    assert WIDE.describe([1.0]).spikes.position[0] != pytest.approx(squared)


def test_without_a_size_nothing_random_is_given() -> None:
    found = LOW_RANK.describe([2.0])
    for column in (found.edges.centring, found.edges.scale, found.spikes.fluctuation):
        assert np.isnan(column).all()
    assert LOW_RANK.describe().spikes.theta.size == 0


def test_in_a_closed_gap_the_level_is_that_of_the_signal() -> None:
    model = DeformedWigner(Atoms([-1.0, 1.0], [0.7, 0.3]), sigma=1.2)
    spikes = model.describe([0.2]).spikes
    assert spikes.level[0] == pytest.approx(0.7)
    assert not spikes.detached[0]
    assert model.law.cdf(spikes.position[0]) == pytest.approx(0.7, abs=1e-10)


def test_masses_are_those_of_the_atoms() -> None:
    masses = DeformedWigner(Atoms([-2.0, 3.0], [0.25, 0.75]), sigma=0.1).describe().masses
    np.testing.assert_allclose(masses, [0.25, 0.75], atol=1e-14)


@pytest.mark.parametrize("beta", [1, 2])
def test_an_edge_narrower_than_a_spacing_has_no_scale(beta: int) -> None:
    model = DeformedWigner(MarchenkoPastur(2.0), sigma=0.1, beta=beta)
    missing = np.isnan(model.describe(size=1000).edges.scale)
    assert missing.tolist() == [False, False, True, True]
    # With a billion times the rows the square root is seen.
    assert not np.isnan(model.describe(size=10**12).edges.scale).any()


def arrays_of(value: Any) -> list[np.ndarray]:
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, tuple):
        return [array for part in value for array in arrays_of(part)]
    if dataclasses.is_dataclass(value):
        return [array for part in vars(value).values() for array in arrays_of(part)]
    return []


@pytest.mark.parametrize("model", [LOW_RANK, WIDE], ids=["symmetric", "rectangular"])
def test_a_description_is_frozen_and_its_arrays_are_locked(model: SpikedModel) -> None:
    spikes = np.array([2.0, 0.5])
    found = model.describe(spikes, size=100)
    for twin in (found, copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert len(arrays_of(twin)) >= 12
        assert not any(array.flags.writeable for array in arrays_of(twin))
    for part in (found, found.edges, found.spikes, model.in_matrix_units):
        for field in dataclasses.fields(part):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(part, field.name, None)
    units = model.in_matrix_units
    assert not any(a.flags.writeable for a in (units.support, units.critical_spikes))
    # The caller's array is neither kept nor locked.
    spikes[:] = 9.0
    assert found.spikes.theta.tolist() == [2.0, 0.5]


def test_there_and_back() -> None:
    x = np.array([0.0, 0.5, 3.0])
    assert WIDE.to_law(x).tolist() == [0.0, 0.25, 9.0]
    assert WIDE.to_matrix([-1e-18, 0.25, 9.0]).tolist() == x.tolist()
    for convert in (LOW_RANK.to_law, LOW_RANK.to_matrix):
        same = convert(x)
        assert same.tolist() == x.tolist()
        assert not np.shares_memory(same, x)


def test_the_distribution_function_in_matrix_units_is_that_of_the_law() -> None:
    x = np.array([0.3, 0.8, 1.4])
    np.testing.assert_array_equal(WIDE.in_matrix_units.cdf(x), WIDE.law.cdf(x**2))
    np.testing.assert_array_equal(LOW_RANK.in_matrix_units.cdf(x), LOW_RANK.law.cdf(x))


def test_edges_in_matrix_units_scale_like_roots() -> None:
    # d√x = dx/(2√x).
    plain, squared = WIDE.in_matrix_units.edge_scale(500), WIDE.edge_scale(500)
    np.testing.assert_allclose(plain.centring**2, squared.centring)
    np.testing.assert_allclose(2 * plain.centring * plain.scale, squared.scale)


@pytest.mark.parametrize(
    ("model", "spikes", "sentence"),
    [
        (DeformedWigner(Atoms([1.0])), [1.0], "spike 1 lies on the support"),
        (InformationPlusNoise(Atoms([9.0])), [2.0, 3.0], "spike 3 lies on the support"),
        (WIDE, [-2.0], r"singular values here and must not be negative\. Got -2"),
        (LOW_RANK, [1e60], r"of the order 1e\+60.*other units"),
        (DeformedWigner(Atoms([0.0]), sigma=1e-60), [], "of the order 1e-60"),
        (DeformedWigner(Atoms([1.0, 2.0]), sigma=1e-12), [], "lost in the rounding"),
        (InformationPlusNoise(Atoms([1e8]), sigma=1e-6), [], "a signal as large as 10000"),
        (LOW_RANK, [np.nan], "must be finite"),
    ],
)
def test_what_cannot_be_described(model: SpikedModel, spikes: list[float], sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        model.describe(spikes)


def test_misuse_is_a_sentence() -> None:
    with pytest.raises(InvalidInputError, match="`size` must be at least 1"):
        LOW_RANK.describe(size=0)
    with pytest.raises(InvalidTypeError, match="`spikes`"):
        LOW_RANK.describe(["two"])


def test_the_law_of_squares() -> None:
    squares = law_of_squares(Uniform(1.0, 3.0))
    t = np.array([1.0, 1.7, 2.9])
    np.testing.assert_allclose(squares.cdf(t**2), (t - 1) / 2, atol=1e-12)
    assert law_of_squares(Atoms([0.0, 2.0], [0.25, 0.75])).atoms.tolist() == [
        [0.0, 0.25],
        [4.0, 0.75],
    ]
    assert law_of_squares(Atoms([1e-60, 1.0])).support[1, 1] == 1.0


@pytest.mark.parametrize(
    ("law", "sentence"),
    [
        (Semicircle(1.0), r"Got a law on \[-2, 2\]"),
        (Atoms([1e200]), r"of the order 1e\+200"),
        (0.5 * Atoms([1.0]) + 0.5 * Uniform(1.0, 2.0), "has both"),
    ],
)
def test_a_law_without_squares(law: Any, sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        law_of_squares(law)
