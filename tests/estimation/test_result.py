"""The result as a value: its properties, and its plain form there and back."""

import json
import pickle
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from inspect import cleandoc

import numpy as np
import pytest

from pastur._typing import FloatArray
from pastur.estimation import (
    Fit,
    Goodness,
    RectangularFit,
    Status,
    SymmetricFit,
    fit_rectangular,
    fit_symmetric,
)
from pastur.estimation._kinds.contract import in_unit
from pastur.estimation._result.signal import Signal
from pastur.measures import MarchenkoPastur, Semicircle


@pytest.fixture(scope="module")
def rectangular(make: dict[str, Callable[..., FloatArray]]) -> RectangularFit:
    rng = np.random.default_rng(80)
    return fit_rectangular(make["plant"](make["rectangular"]((120, 80), rng), [3.0, 2.0]))


@pytest.fixture(scope="module")
def symmetric(make: dict[str, Callable[..., FloatArray]]) -> SymmetricFit:
    rng = np.random.default_rng(84)
    return fit_symmetric(make["plant"](make["symmetric"](100, rng), [3.0, -2.0]))


@pytest.fixture(scope="module")
def fits(
    rectangular: RectangularFit, symmetric: SymmetricFit
) -> list[RectangularFit | SymmetricFit]:
    degenerate: list[RectangularFit | SymmetricFit]
    degenerate = [fit_rectangular(np.ones((4, 5))), fit_symmetric(np.ones((4, 4)))]
    small = fit_rectangular(np.random.default_rng(82).normal(size=(3, 9)))
    return [rectangular, symmetric, *degenerate, small]


def test_the_plain_form_survives_json_exactly(fits: list[RectangularFit | SymmetricFit]) -> None:
    for fit in fits:
        text = json.dumps(fit.to_dict(), allow_nan=False)
        again = type(fit).from_dict(json.loads(text))
        assert again == fit
        assert hash(again) == hash(fit)
        assert json.dumps(again.to_dict()) == text
        assert again.spikes.dtype == fit.spikes.dtype
        assert again.spikes.tobytes() == fit.spikes.tobytes()


def test_fits_differ_where_they_should(
    rectangular: RectangularFit, symmetric: SymmetricFit
) -> None:
    assert rectangular != symmetric
    other = RectangularFit.from_dict({**rectangular.to_dict(), "sigma": 2.0})
    assert other != rectangular


def test_a_fit_is_frozen(fits: list[RectangularFit | SymmetricFit]) -> None:
    for fit in fits:
        with pytest.raises(FrozenInstanceError):
            fit.sigma = 3.0  # type: ignore[misc]
        with pytest.raises(ValueError, match="read-only"):
            fit.spikes["theta"] = 0.0


def test_the_parts_have_their_types(rectangular: RectangularFit, symmetric: SymmetricFit) -> None:
    assert isinstance(rectangular, RectangularFit) and isinstance(symmetric, SymmetricFit)
    for fit in (rectangular, symmetric):
        assert isinstance(fit.goodness, Goodness) and isinstance(fit.status, Status)
        assert fit.status.converged
        assert fit.status.residual < 1e-8
        assert fit.status.iterations >= 1
        assert type(fit.sigma) is float and type(fit.edge) is float


def test_units(rectangular: RectangularFit, symmetric: SymmetricFit) -> None:
    # σ belongs to the longer side.
    assert rectangular.entry_sd == pytest.approx(rectangular.sigma / np.sqrt(120))
    assert symmetric.entry_sd == pytest.approx(symmetric.sigma / 10)


def test_spikes_are_descending_and_beyond_the_edge(
    rectangular: RectangularFit, symmetric: SymmetricFit
) -> None:
    assert (np.diff(rectangular.spikes["observed"]) < 0).all()
    assert (rectangular.spikes["observed"] > rectangular.edge).all()
    assert (np.diff(symmetric.spikes["observed"]) < 0).all()
    assert (np.abs(symmetric.spikes["observed"]) > symmetric.edge).all()
    assert rectangular.rank == symmetric.rank == 2


def test_the_law_is_that_of_the_noise_left_over(
    rectangular: RectangularFit, symmetric: SymmetricFit
) -> None:
    expected = MarchenkoPastur(78 / 118, rectangular.sigma * float(np.sqrt(118 / 120)))
    np.testing.assert_allclose(rectangular.law.support, expected.support)
    np.testing.assert_allclose(
        symmetric.law.support, Semicircle(symmetric.sigma * float(np.sqrt(0.98))).support
    )


def test_the_signal_measure_holds_the_spikes(
    rectangular: RectangularFit, symmetric: SymmetricFit
) -> None:
    # Squared singular values in the rectangular model, as its law.
    atoms = rectangular.signal_measure.atoms
    np.testing.assert_allclose(atoms[:, 0], [0.0, *np.sort(rectangular.spikes["theta"] ** 2)])
    np.testing.assert_allclose(atoms[:, 1], [78 / 80, 1 / 80, 1 / 80])
    atoms = symmetric.signal_measure.atoms
    low, high = symmetric.spikes["theta"][::-1]
    np.testing.assert_allclose(atoms[:, 0], [low, 0.0, high])
    assert symmetric.signal_rank == rectangular.signal_rank == 2.0


def test_the_name_of_a_fit_tells_the_finding(rectangular: RectangularFit) -> None:
    assert repr(rectangular).startswith("RectangularFit(120 × 80, sigma=")
    assert "rank=2, 'noise bulk'" in repr(rectangular)


def test_every_array_of_a_fit_is_locked(fits: list[RectangularFit | SymmetricFit]) -> None:
    read = [type(fit).from_dict(fit.to_dict()) for fit in fits]
    pickled = [pickle.loads(pickle.dumps(fit)) for fit in fits]
    assert pickled == fits
    for fit in [*fits, *read, *pickled]:
        for array in (fit.spikes, fit.signal.points, fit.signal.weights):
            assert not array.flags.writeable
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


def test_a_table_in_other_units_is_another_table(rectangular: RectangularFit) -> None:
    before = rectangular.spikes.copy()
    doubled = in_unit(rectangular.spikes, 2.0)
    assert rectangular.spikes.tobytes() == before.tobytes()
    for name in ("observed", "theta", "low", "high"):
        np.testing.assert_array_equal(doubled[name], 2 * before[name])
    for name in ("overlap_left", "overlap_right", "p_value", "isolated", "group"):
        np.testing.assert_array_equal(doubled[name], before[name])


def test_fits_of_both_kinds_are_fits(fits: list[RectangularFit | SymmetricFit]) -> None:
    assert all(isinstance(fit, Fit) for fit in fits)


@pytest.mark.parametrize("kind", [Fit, SymmetricFit, RectangularFit])
def test_every_field_of_a_fit_is_documented_and_stored(
    kind: type[Fit], fits: list[RectangularFit | SymmetricFit]
) -> None:
    own = {field.name for field in fields(kind)}
    common = "" if kind is Fit else cleandoc(str(Fit.__doc__))
    text = f"{cleandoc(str(kind.__doc__))}\n{common}"
    documented = set(re.findall(r"^(\w+(?:, \w+)*) : ", text, re.M))
    assert own <= {name for names in documented for name in names.split(", ")}
    for fit in fits:
        if isinstance(fit, kind):
            # Written only where the spectrum is known in part.
            assert own - {"partial"} <= set(fit.to_dict())


def test_what_a_fit_is_made_from_stays_free(rectangular: RectangularFit) -> None:
    """Locked are copies: the caller's own arrays can still be changed."""
    points, weights = np.array([2.0]), np.array([0.5])
    signal = Signal(points, weights)
    points[0] = 3.0
    assert signal.points.tolist() == [2.0]
