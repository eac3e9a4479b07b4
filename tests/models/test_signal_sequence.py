"""Signals made from ν₀ and ν₁, and the table of their outliers."""

import re

import numpy as np
import pytest

from pastur import InformationPlusNoise, sample_gaussian, sample_goe
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur.measures import Atoms, Measure, TracyWidom, Uniform, parse_measure
from pastur.models import (
    DeformedWigner,
    SignalSequence,
    outlier_table,
    predict_eigenvalues,
    predict_singular_values,
)
from pastur.models.signal_sequence import off_support

ZERO = Atoms([0.0])
PAIR = Atoms([-1.5, 1.5])


def test_spikes_are_quantiles_and_the_rest_is_the_bulk() -> None:
    values = SignalSequence(ZERO, Uniform(2, 3) - ZERO).eigenvalues(50, 8)
    np.testing.assert_allclose(values[:8], 3 - (np.arange(8) + 0.5) / 8, atol=1e-13)
    assert (values[8:] == 0).all() and values.size == 50


def test_a_bulk_that_loses_one_atom_only() -> None:
    """Spikes that replace eigenvalues at 1.5 alone, and one kind of them in the gap."""
    nu1 = 0.5 * Atoms([0.2]) + 0.5 * Atoms([3.0]) - Atoms([1.5])
    values = SignalSequence(PAIR, nu1).eigenvalues(40, 6)
    points, counts = np.unique(values, return_counts=True)
    assert dict(zip(points.tolist(), counts.tolist(), strict=True)) == {
        -1.5: 20,
        0.2: 3,
        1.5: 14,
        3.0: 3,
    }


@pytest.mark.parametrize(
    ("nu0", "nu1"),
    [
        ("atom(0)", "uniform(2, 3) - nu0"),
        ("0.6*semicircle(0.4) + 0.4*uniform(1, 2)", "density(t - 3, 3, 4) - nu0"),
        ("atoms(-1.5, 1.5)", "0.5*triangle(-0.4, 0, 0.4) + 0.5*atom(3) - atom(1.5)"),
        ("uniform(-1, 1)", "0.3*atom(-3) + 0.7*arcsine(2, 3) - uniform(0, 1)"),
    ],
)
def test_it_meets_the_three_assumptions_and_not_those_of_a_neighbour(nu0: str, nu1: str) -> None:
    from pastur.experiments import check_assumptions

    law = parse_measure(nu0)
    assert hasattr(law, "quantile")
    change = parse_measure(nu1, {"nu0": law})
    sequence = SignalSequence(law, change)  # type: ignore[arg-type]
    spectra = [sequence.eigenvalues(n, 2 * round(n**0.5 / 2)) for n in (100, 400, 1600, 6400)]
    report = check_assumptions(spectra, law, nu1=change)  # type: ignore[arg-type]
    assert (report.assumption_1, report.assumption_2, report.assumption_3) == (True,) * 3
    other: Measure = change + 0.1 * Atoms([6.0]) - 0.1 * Atoms([5.0])
    assert not check_assumptions(spectra, law, nu1=other).assumption_3  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("nu1", "sentence"),
    [
        (Uniform(2, 3), "must have the mass 1 off the support of `nu0`, the spikes, and −1 on it"),
        (
            Uniform(2, 3) - 0.5 * ZERO,
            "Got 1 and -0.5. Spikes in place of a share of the whole bulk are: spikes - nu0.",
        ),
        (2 * Uniform(2, 3) - Atoms([4.0]) - ZERO, "`nu1` is negative at 4, off the support"),
        (2 * Uniform(2, 4) - Uniform(3, 4) - ZERO, None),
        (3 * Uniform(2, 4) - 2 * Uniform(3, 4) - ZERO, "`nu1` is negative at 3.0"),
        (TracyWidom(1) - ZERO, "`nu1` must have bounded support"),
    ],
)
def test_what_cannot_be_nu1_is_refused(nu1: Measure, sentence: str | None) -> None:
    if sentence is None:
        SignalSequence(ZERO, nu1)
        return
    with pytest.raises(InvalidInputError, match=re.escape(sentence)):
        SignalSequence(ZERO, nu1)


def test_spikes_on_the_bulk_are_missing_ones() -> None:
    """A fifth of Uniform(0.5, 3) lies on [0, 1]; three of four points are listed."""
    words = "Got 0.8 and -0.8. Spikes of the mass 0.2 are missing: on the support of `nu0`, "
    with pytest.raises(InvalidInputError, match=re.escape(words + "[0, 1], an eigenvalue")):
        SignalSequence(Uniform(0, 1), Uniform(0.5, 3) - Uniform(0, 1))
    points = Atoms([0.0, 1.0, 2.0, 3.0])
    nu1 = 0.5 * points + 0.5 * Uniform(5, 6) - points
    with pytest.raises(InvalidInputError, match=re.escape("0, 1, 2, …, an eigenvalue belongs")):
        SignalSequence(points, nu1)


def test_a_point_that_rounding_left_next_to_an_interval_is_on_it() -> None:
    support = np.array([[0.0, 1.0], [2.0, 3.0], [7.0, 7.0]])
    near = np.array([-1e-9, 1 + 1e-9, 2 - 1e-9, 3 + 1e-9, 7 - 1e-9, 7 + 1e-9, 0.5, 7.0])
    assert not off_support(near, support).any()
    assert off_support(np.array([-0.1, 1.1, 1.9, 3.1, 6.9, 7.1]), support).all()


def test_other_misuse_is_refused() -> None:
    with pytest.raises(InvalidTypeError, match="`nu0` must be a probability measure"):
        SignalSequence(2 * ZERO, ZERO)
    with pytest.raises(InvalidInputError, match="`nu0` must have bounded support"):
        SignalSequence(TracyWidom(1), Atoms([2.0]) - TracyWidom(1))
    sequence = SignalSequence(Uniform(0, 1), Uniform(2, 3) - Atoms([0.5]))
    with pytest.raises(InvalidInputError, match=r"takes more eigenvalues from the bulk at 0\.5"):
        sequence.eigenvalues(100, 10)
    with pytest.raises(InvalidInputError, match=r"`rank` must be below `size`\. Got 9 and 9"):
        SignalSequence(ZERO, Atoms([2.0]) - ZERO).eigenvalues(9, 9)


def test_the_table_has_the_eigenvalue_of_the_same_number() -> None:
    """Counted naively; Φ and the quantiles from their own functions; one shifted would show."""
    model = DeformedWigner(PAIR, sigma=0.6)
    signal = np.array([3.0, 2.9, *[1.5] * 30, 0.2, 0.0, *[-1.5] * 31])
    seen = np.linalg.eigvalsh(np.diag(signal) + sample_goe(65, 0.6, rng=3))
    table = outlier_table(model, seen, signal=np.roll(signal, 7))
    places = [sum(signal > t) for t in table.spikes]
    assert table.spikes.tolist() == [3.0, 2.9, 0.2, 0.0] and places == [0, 1, 32, 33]
    np.testing.assert_array_equal(table.observed, np.sort(seen)[::-1][places])
    phi = table.spikes - 0.18 * (1 / (1.5 - table.spikes) - 1 / (1.5 + table.spikes))
    np.testing.assert_allclose(table.limit, phi, rtol=1e-12)
    np.testing.assert_allclose(table.at_size, predict_eigenvalues(signal, sigma=0.6)[places])
    slope = 1 - 0.18 * (1 / (1.5 - table.spikes) ** 2 + 1 / (1.5 + table.spikes) ** 2)
    np.testing.assert_allclose(table.fluctuation, np.sqrt(2 * 0.36 * slope / 65), rtol=1e-12)
    assert table.detached.all()
    # Five standard deviations of each; a number too high or low is off by the gap.
    assert (np.abs(table.observed - table.limit) < 5 * table.fluctuation + 0.1).all()
    assert np.abs(np.sort(seen)[::-1][[1, 2, 33, 34]] - table.limit).max() > 0.5


def test_singular_values_have_a_table_too() -> None:
    signal = np.array([3.0, 2.5, *[0.0] * 38])
    model = InformationPlusNoise(ZERO, ratio=0.5)
    whole = np.zeros((40, 80))
    whole[:, :40] = np.diag(signal)
    seen = np.linalg.svd(whole + sample_gaussian((40, 80), rng=2), compute_uv=False)
    table = outlier_table(model, seen, signal=signal)
    square = table.spikes**2
    expected = np.sqrt((square + 1) * (square + 0.5) / square)
    np.testing.assert_allclose(table.limit, expected, rtol=1e-12)
    np.testing.assert_allclose(table.at_size, predict_singular_values(signal, (40, 80))[:2])
    assert "2 spikes at size 40" in repr(table)


def test_subcritical_spikes_are_compared_with_where_they_go() -> None:
    signal = np.array([2.0, 0.5, *[0.0] * 98])
    seen = np.linalg.eigvalsh(np.diag(signal) + sample_goe(100, rng=1))
    table = outlier_table(DeformedWigner(ZERO), seen, signal=signal)
    assert table.limit.tolist() == [2.5, 2.0] and table.detached.tolist() == [True, False]
    assert np.isnan(table.fluctuation).tolist() == [False, True]


def test_a_table_of_other_numbers_is_refused() -> None:
    model = DeformedWigner(ZERO)
    with pytest.raises(
        InvalidInputError, match=r"must be as many, all of the matrix\. Got 2 and 3"
    ):
        outlier_table(model, [1.0, 2.0, 3.0], signal=[2.0, 0.0])
    with pytest.raises(InvalidInputError, match="so there is no spike"):
        outlier_table(model, [1.0, 2.0], signal=[0.0, 0.0])
    with pytest.raises(InvalidTypeError, match="Got a Atoms"):
        outlier_table(ZERO, [1.0], signal=[0.0])  # type: ignore[arg-type]
