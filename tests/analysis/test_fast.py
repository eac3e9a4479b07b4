"""`analyze` with `fast`: spectra known in part, and marked."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur import analyze
from pastur._errors import InvalidInputError
from pastur.analysis import Analysis
from pastur.analysis._matrix import fit_matrix

RNG = np.random.default_rng(0)
SMALL, LARGE = RNG.normal(size=(60, 90)), RNG.normal(size=(520, 700))
LARGE += 60 * np.outer(np.ones(520), np.ones(700)) / (520 * 700) ** 0.5
CORRELATED = RNG.normal(size=(520, 700))
CORRELATED[:, 1:] += 0.5 * CORRELATED[:, :-1]
MODEL = {"small": SMALL, "large": LARGE, "correlated": CORRELATED}


@pytest.fixture(autouse=True)
def from_500(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matrices of 500 × 500 are large enough."""
    monkeypatch.setattr(fit_matrix, "FEWEST", 500)


@pytest.fixture
def fast() -> Analysis:
    return analyze(MODEL, fast=True)


def test_only_large_matrices_are_read_in_part(fast: Analysis) -> None:
    whole = analyze(MODEL)
    assert fast["small"].fit == whole["small"].fit
    assert fast["large"].fit.partial is not None
    assert fast["large"].fit.rank == whole["large"].fit.rank == 1
    assert fast["large"].fit.sigma == pytest.approx(whole["large"].fit.sigma, rel=0.01)
    # The energy is exact.
    energies = [np.sum(one["large"].singular_values ** 2) for one in (fast, whole)]
    assert energies[0] == pytest.approx(energies[1], rel=1e-3)


def test_entries_are_checked_as_ever(fast: Analysis) -> None:
    fit = fast["correlated"].fit
    assert fit.noise == "free" and str(fit.goodness.verdict) == "entries correlated"
    assert fit.goodness.reason.startswith("Neighbouring entries are correlated")
    assert "was not at hand" not in fast["large"].fit.noise.assumption


def test_it_is_marked_everywhere(fast: Analysis, tmp_path: Path) -> None:
    assert "Known in part: the " in fast["large"].summary()
    assert "Known in part" not in fast["small"].summary()
    with fast.to_csv(tmp_path / "a.csv").open(newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    partial = fast["large"].fit.partial
    assert partial is not None and int(rows["large"]["known_values"]) == partial.known
    assert rows["large"]["known_vectors"] == "16" and rows["small"]["known_values"] == ""
    again = Analysis.from_json(fast.to_json(tmp_path / "a.json"))
    assert again["large"].fit == fast["large"].fit
    assert fast.seed == 0 and analyze({"small": SMALL}).seed is None


def test_another_seed_gives_another_sample(fast: Analysis) -> None:
    other = analyze(MODEL, fast=True, seed=1)
    assert other["large"].fit != fast["large"].fit
    assert analyze(MODEL, fast=True)["large"].fit == fast["large"].fit


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"baseline": "bema"}, "`fast` does not go with `baseline`"),
        ({"randomize": 1}, "`fast` does not go with `randomize`"),
        ({"fast": "yes"}, "`fast` must be True or False"),
    ],
)
def test_what_it_does_not_go_with(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises((InvalidInputError, TypeError), match=sentence):
        analyze(MODEL, **{"fast": True} | options)


def test_variances_that_spikes_hide_are_noticed() -> None:
    # Rows of two variances, 12 % apart, below three directions of 400 times the noise.
    rng = np.random.default_rng(1)
    rows = np.repeat([0.94, 1.06], 260)[:, None]
    sides = [np.linalg.qr(rng.normal(size=(side, 3)))[0] for side in (520, 700)]
    w = rows * rng.normal(size=(520, 700)) + (sides[0] * [4e3, 3e3, 2e3]) @ sides[1].T
    fit = analyze({"w": w}, fast=True)["w"].fit
    assert fit.partial is not None and fit.noise == "free"
    assert str(fit.goodness.verdict) == "row or column variances differ"
    assert "not tried on a spectrum that is known in part" in fit.goodness.reason
    whole = analyze({"w": w}, fast=True, noise="profile")["w"].fit
    assert whole.partial is None and whole.noise == "profile"


@pytest.mark.parametrize("factor", [1e200, 1e-200])
def test_a_matrix_of_any_size_has_the_same_answer_scaled(factor: float, fast: Analysis) -> None:
    found = analyze({"large": factor * LARGE}, fast=True)["large"]
    plain = fast["large"]
    assert (found.fit.rank, found.kind) == (plain.fit.rank, plain.kind)
    assert found.fit.partial is not None and plain.fit.partial is not None
    assert found.fit.partial.known == plain.fit.partial.known
    assert found.fit.partial.error / factor == pytest.approx(plain.fit.partial.error, rel=1e-6)
    for one, other in (
        (found.fit.sigma, plain.fit.sigma),
        (found.fit.sigma_interval, plain.fit.sigma_interval),
        (found.fit.edge, plain.fit.edge),
        (found.fit.spikes["theta"], plain.fit.spikes["theta"]),
        (found.singular_values, plain.singular_values),
    ):
        np.testing.assert_allclose(np.asarray(one) / factor, other, rtol=1e-9)
    assert found.fit.spikes["overlap_left"] == pytest.approx(plain.fit.spikes["overlap_left"])
    assert found.metrics.stable_rank == pytest.approx(plain.metrics.stable_rank)


def test_a_matrix_whose_values_leave_the_doubles_is_skipped(fast: Analysis) -> None:
    found = analyze({"small": SMALL, "large": 3e306 * LARGE}, fast=True)
    assert [one.name for one in found.matrices] == ["small"]
    assert "beyond the largest double" in found.skipped[0].reason
