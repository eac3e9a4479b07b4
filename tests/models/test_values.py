"""Models as values: nothing changes them, `replace` makes another, their arrays are locked."""

import copy
import dataclasses
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import AnyArray
from pastur.ensembles import sample_spiked_outliers
from pastur.measures import Atoms, Empirical, MarchenkoPastur, Semicircle, Uniform
from pastur.models import DeformedWigner, InformationPlusNoise, SpikedModel

Model = DeformedWigner | InformationPlusNoise
TABLE: dict[str, Callable[[], Model]] = {
    "one atom": lambda: DeformedWigner(Atoms([0.0])),
    "two atoms": lambda: DeformedWigner(Atoms([-1.5, 1.5]), sigma=0.8, beta=2),
    "semicircle": lambda: DeformedWigner(Semicircle(0.5)),
    "uniform": lambda: DeformedWigner(Uniform(-1.0, 1.0), sigma=0.5),
    "empirical": lambda: DeformedWigner(Empirical([3, 1, 1, 0.0]), sigma=0.3),
    "low rank": lambda: InformationPlusNoise(Atoms([0.0]), ratio=0.25),
    "singular values": lambda: InformationPlusNoise(Atoms([0.0, 4.0]), sigma=0.4, ratio=1.0),
    "noise on noise": lambda: InformationPlusNoise(MarchenkoPastur(0.5), ratio=0.5, beta=2),
}


@pytest.fixture(params=list(TABLE.values()), ids=list(TABLE))
def model(request: pytest.FixtureRequest) -> Model:
    result: Model = request.param()
    return result


def arrays_of(model: Model) -> dict[str, AnyArray]:
    """All arrays that a model holds or hands out without an array, its law and μ₁ included."""
    model.law.stieltjes(1j)
    model.law.quantile([1e-9, 0.3, 1 - 1e-9])
    top = float(model.signal.support[-1, 1]) + 100.0
    change = model.outlier_measure(Atoms([top]) - Atoms([model.signal.support[0, 0]]))
    change.integrate(abs)
    found = {"critical_spikes": model.critical_spikes, "law.support": model.law.support}
    found |= model.edge_scale(100)._asdict()
    found |= {"change.support": change.support, "change.atoms": change.atoms}
    holders = {"": model, "map.": model._map, "law.": model.law, "change.": change}
    for prefix, holder in holders.items():
        for name, part in vars(holder).items():
            parts = part if isinstance(part, tuple) else (part,)
            found |= {f"{prefix}{name} {i}": inner for i, inner in enumerate(parts)}
    return {name: part for name, part in found.items() if isinstance(part, np.ndarray)}


def test_every_array_is_locked(model: Model) -> None:
    for twin in (model, copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        found = arrays_of(twin)
        assert len(found) > 6
        assert [name for name, array in found.items() if array.flags.writeable] == []


def test_the_check_finds_an_array_that_is_not_locked(model: Model) -> None:
    vars(model)["table"] = np.zeros(3)
    assert [n for n, array in arrays_of(model).items() if array.flags.writeable] == ["table 0"]


def test_nothing_can_be_set_or_deleted(model: Model) -> None:
    before = model.law.cdf(0.3)
    for name in (*model._names, "law", "critical_spikes", "signal", "squared", "colour"):
        with pytest.raises(dataclasses.FrozenInstanceError, match=r"call `replace\(\w+=…\)`"):
            setattr(model, name, 2.0)
        with pytest.raises(AttributeError, match="cannot be set or deleted"):
            delattr(model, name)
    assert model.law.cdf(0.3) == before
    with pytest.raises(ValueError, match="read-only"):
        model.critical_spikes[:] = 0.0


def test_a_parameter_is_named_in_the_sentence(model: Model) -> None:
    with pytest.raises(AttributeError, match=r"its `sigma` cannot .* call `replace\(sigma=…\)`"):
        model.sigma = 2.0


def test_a_model_replaced_is_one_made_anew(model: Model) -> None:
    model.law.cdf(0.3)
    other = model.replace(sigma=0.7)
    assert (type(other), other.sigma, other.beta) == (type(model), 0.7, model.beta)
    assert model.sigma != 0.7
    # The law is of the new σ: Φ and the law's transform agree only for one and the same.
    z = other.law.support[-1, 1] + 1.0
    assert other.phi(other.omega(z)) == pytest.approx(z, abs=1e-11)
    assert other.law.cdf(z - 1.1) != model.law.cdf(z - 1.1)
    assert model.replace() == model
    assert model.replace() is not model


def test_a_replaced_parameter_is_checked(model: Model) -> None:
    with pytest.raises(InvalidInputError, match="`sigma` must be positive"):
        model.replace(sigma=-1.0)
    with pytest.raises(InvalidTypeError, match=r"has no parameter `theta`\. It has (nu0|h), sigma"):
        model.replace(theta=1.0)


def test_equality_is_by_parameters() -> None:
    first, second = (DeformedWigner(Semicircle(0.5), sigma=2) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert first != second.replace(beta=2)
    assert first != InformationPlusNoise(MarchenkoPastur(0.5))
    # Atoms are equal where they are one object, as before.
    assert DeformedWigner(Atoms([0.0])) != DeformedWigner(Atoms([0.0]))


def test_copies_and_pickles_are_the_same_model(model: Model) -> None:
    x = np.linspace(-3, 3, 7)
    for twin in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert type(twin) is type(model)
        assert repr(twin) == repr(model)
        np.testing.assert_array_equal(twin.law.cdf(x), model.law.cdf(x))
        with pytest.raises(AttributeError, match="replace"):
            twin.sigma = 2.0


def test_representation() -> None:
    symmetric = DeformedWigner(Atoms([-1.5, 1.5]), sigma=0.8)
    assert repr(symmetric) == "DeformedWigner(Atoms([-1.5, 1.5], [0.5, 0.5]), sigma=0.8, beta=1)"
    rectangular = InformationPlusNoise(Atoms([0.0]), ratio=0.25)
    expected = "InformationPlusNoise(Atoms([0.0], [1.0]), sigma=1, ratio=0.25, beta=1)"
    assert repr(rectangular) == expected


def test_a_model_says_what_it_is(model: Model) -> None:
    assert isinstance(model, SpikedModel)
    assert model.squared is isinstance(model, InformationPlusNoise)
    assert model.signal is (model.h if isinstance(model, InformationPlusNoise) else model.nu0)
    assert (model.ratio is None) is not model.squared


def test_a_model_does_not_follow_the_array_of_its_signal() -> None:
    points = np.array([-1.0, 1.0])
    model = DeformedWigner(Atoms(points), sigma=0.5)
    points[:] = 9.0
    assert model.signal.support.tolist() == [[-1.0, -1.0], [1.0, 1.0]]


def test_a_sample_of_outliers_is_locked() -> None:
    sample = sample_spiked_outliers(50, [3.0, 2.0], rng=1)
    for twin in (sample, pickle.loads(pickle.dumps(sample))):
        with pytest.raises(ValueError, match="read-only"):
            twin.outliers[0] = 0.0
