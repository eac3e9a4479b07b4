"""Theorems 2.1 and 2.2 for measures given as text."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur._errors import PasturError
from pastur.experiments import sample_theorems, verify_measures
from pastur.experiments.claims._statements import own_measures as module
from pastur.experiments.claims._statements.own_measures import (
    OwnMeasures,
    error_rate,
    own_measures,
)

PAIRS = {
    "uniform": ("atom(0)", "uniform(1.8, 3) - nu0", 0.5, 1.0),
    "a gap, an atom in it": ("atoms(-1.5, 1.5)", "(uniform(2.8, 4) + atom(0))/2 - nu0", 0.5, 0.6),
    "partly subcritical": ("atom(0)", "uniform(0.5, 2) - nu0", 0.5, 1.0),
    "unbounded, one end of the bulk": (
        "uniform(-1, 1)",
        "0.3*atom(-3) + 0.7*arcsine(2, 3) - uniform(0, 1)",
        0.4,
        0.8,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("pair", list(PAIRS)[1:2])
def test_both_theorems_hold_and_their_violations_do_not(pair: str) -> None:
    """Of a true claim four figures each fail with a probability below 1e-4."""
    nu0, nu1, rank, sigma = PAIRS[pair]
    result = verify_measures(nu0, nu1, rank=rank, sigma=sigma, seed=1)
    assert [(one.passed, one.violation_caught) for one in result.results] == [(True, True)] * 2


@pytest.mark.lengthy
def test_a_task_is_recorded_with_its_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others in the same folder do not disturb it, and nothing is drawn twice."""
    monkeypatch.setattr(module, "_QUICK", (36, 64, 100))
    monkeypatch.setattr(module, "_DRAWS", {"quick": (1, 8), "full": (1, 8)})
    first = verify_measures("atom(0)", "uniform(2, 3) - nu0", records=tmp_path)
    verify_measures("atom(0)", "atom(2.5) - nu0", records=tmp_path)
    monkeypatch.setattr(module, "sampled_spectrum", lambda *_: pytest.fail("drawn again"))
    again = verify_measures("atom(0)", "uniform(2, 3) - nu0", records=tmp_path)
    assert again.to_dict()["claims"] == first.to_dict()["claims"]
    for panel in first.results[0].judgement.panels:
        labels = [series.label for series in panel.series if series.label]
        assert labels == ["samples", labels[1]] and "left" in labels[1]
    sizes = [row["size"] for row in first.results[0].claim.settings("quick")]
    assert sizes == [36, 64, 100]


def of(pair: str) -> OwnMeasures:
    nu0, nu1, _, sigma = PAIRS[pair]
    return own_measures(nu0, nu1, sigma)


def test_images_are_where_the_outliers_are() -> None:
    """Φ of the ends, written out; of spikes from 0.5 on only those beyond 1 come free."""
    np.testing.assert_allclose(of("uniform").images, [[1.8 + 1 / 1.8, 3 + 1 / 3]], rtol=1e-12)
    np.testing.assert_allclose(of("partly subcritical").images, [[2.0, 2.5]], rtol=1e-12)
    ends = np.array([2.8, 4.0])
    phi = ends - 0.18 * (1 / (1.5 - ends) - 1 / (1.5 + ends))
    found = of("a gap, an atom in it").images
    np.testing.assert_allclose(np.array(found), [[0.0, 0.0], phi.tolist()], atol=1e-12)


@pytest.mark.parametrize(
    ("pair", "exponent", "expected"),
    [
        ("uniform", 0.5, -0.5),
        ("uniform", 0.7, -0.3),
        ("a gap, an atom in it", 0.5, -0.25),
        ("partly subcritical", 0.5, -1 / 3),
        ("partly subcritical", 0.7, -0.2),
        ("unbounded, one end of the bulk", 0.4, -0.3),
    ],
)
def test_rates_are_those_of_the_crowd(pair: str, exponent: float, expected: float) -> None:
    assert error_rate(of(pair), exponent) == pytest.approx(expected)


def test_the_power_of_an_unbounded_density() -> None:
    own = own_measures("atom(0)", "arcsine(2, 3) - nu0", 1.0)
    assert own.crowding == pytest.approx(2 / 3) and not own.weak


def test_samples_are_signal_plus_noise() -> None:
    """The mean of λ² is that of θ² plus σ²(1 + 1/N) for the GOE; five standard errors."""
    sample = sample_theorems(*PAIRS["uniform"][:2], size=100, sigma=0.7, draws=40, rng=5)
    assert sample.signal.size == 100 and sample.table.spikes.size == 10
    measured = (sample.observed**2).mean() - (sample.signal**2).mean()
    # Var Σλ²: 4Σθ²·2σ²/N and that of the noise, 4σ⁴ in all.
    error = np.sqrt((8 * 0.49 * (sample.signal**2).mean() + 4 * 0.7**4) / 100**2 / 40)
    assert measured == pytest.approx(0.49 * 1.01, abs=5 * error)
    assert abs(measured - 0.49 * 1.25**2) > 20 * error


@pytest.mark.parametrize(
    ("nu0", "nu1", "more", "sentence"),
    [
        ("atom(0)", "uniform(2, 3)", {}, "Got 1 and 0. Spikes in place of a share of the whole"),
        (
            "uniform(-1, 1)",
            "0.5*atom(0.5) + 0.5*uniform(2, 3) - nu0",
            {},
            "Got 0.5 and -0.5. Spikes of the mass 0.5 are missing: on the support of `nu0`, "
            "[-1, 1], an eigenvalue belongs to the bulk",
        ),
        ("2*atom(0)", "atom(2) - nu0", {}, "'2*atom(0)' has the mass 2"),
        ("atom(0)", "atom(2 - nu0", {}, "`nu1`: "),
        ("atm(0)", "atom(2) - nu0", {}, "`nu0`: 'atm' is not known. Did you mean 'atom'?"),
        ("atom(0)", "atom(0.5) - nu0", {}, "All spikes of `nu1` are subcritical"),
        ("atom(0)", "atom(2) - nu0", {"rank": 0.2}, "from 0.3 to 0.8"),
        ("atom(0)", "atom(2) - nu0", {"sigma": 0}, "`sigma` must be positive. Got 0."),
        ("atom(0)", "atom(2) - nu0", {"level": "fast"}, "`level` must be"),
        ("uniform(-1, 1)", "atom(3) - atom(0)", {}, "takes more eigenvalues from the bulk at 0"),
    ],
)
def test_what_cannot_be_tested_is_refused(
    nu0: str, nu1: str, more: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(PasturError) as caught:
        verify_measures(nu0, nu1, **more)
    assert sentence in str(caught.value)
