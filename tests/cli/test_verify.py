"""The command `verify`, from names to pictures and exit status."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import Result

from pastur.experiments import Claim, ClaimResult
from pastur.experiments.claims._testing import verification as module
from pastur.experiments.claims._testing.claim import Row


@pytest.mark.lengthy
def test_it_prints_figures_and_writes_pictures_and_records(
    invoke: Callable[..., Result], tmp_path: Path
) -> None:
    result = invoke("verify", "assumption-1", "lemma-4.1", "-o", "out", "--json", "all.json")
    assert result.exit_code == 0, result.output
    for words in (
        "lemma-4.1, Lemma 4.1: passes",
        "Φ(ω(z)) = z in the upper half-plane.",
        "slope of |Φ(ω_N(z)) − z|, ω_N of a sample",
        "Planted violation, σ overstated by 5 % in ω: fails, as it must (4 of 4 figures).",
        "2 claims: 2 passed, 2 violations caught.",
    ):
        assert words in result.output
    assert (tmp_path / "out" / "lemma-4.1.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "out" / "records" / "assumption-1.json").exists()
    found = json.loads((tmp_path / "all.json").read_text())
    assert found["passed"] and found["seed"] == 0 and found["level"] == "quick"
    assert [claim["claim"] for claim in found["claims"]] == ["assumption-1", "lemma-4.1"]
    assert all(claim["violation_caught"] for claim in found["claims"])


@pytest.mark.lengthy
def test_quiet_prints_nothing(invoke: Callable[..., Result]) -> None:
    result = invoke("verify", "assumption-2", "--quiet", "-o", "out", "--jobs", "1")
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.lengthy
def test_a_claim_that_fails_gives_status_1(
    invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim judged by its violation fails, and so its violation passes."""
    true = module._judge

    def swapped(claim: Claim, rows: Sequence[Row]) -> ClaimResult:
        result = true(claim, rows)
        return module.ClaimResult(claim, result.violated, result.judgement)

    monkeypatch.setattr(module, "_judge", swapped)
    result = invoke("verify", "lemma-4.1", "-o", "out", "--jobs", "1")
    assert result.exit_code == 1
    assert "lemma-4.1, Lemma 4.1: FAILS" in result.output
    assert "PASSES, and must not" in result.output
    assert "1 claim fails, or a violation passes: lemma-4.1." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["verify", "theorem-9"], "No claim named 'theorem-9'"),
        (["verify", "lemma-4.1", "--json", "nowhere/a.json"], "no folder 'nowhere'"),
    ],
)
def test_bad_input_is_one_line_and_status_1(
    invoke: Callable[..., Result], arguments: Sequence[str], sentence: str
) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few small matrices: what is printed is tested, not the theorem."""
    from pastur.cli._verify import own_measures as command
    from pastur.experiments.claims._statements import own_measures

    monkeypatch.setattr(own_measures, "_QUICK", (36, 64, 100))
    monkeypatch.setattr(own_measures, "_DRAWS", {"quick": (2, 12), "full": (2, 12)})
    monkeypatch.setattr(command, "_SIZE", 100)
    monkeypatch.setattr(command, "_DRAWS", 2)


OWN = ("verify", "--nu0", "atom(0)", "--nu1", "uniform(0.5, 3) - nu0", "--jobs", "1", "-o", "out")


@pytest.mark.lengthy
def test_own_measures_have_a_table_a_picture_and_a_verdict(
    invoke: Callable[..., Result], tmp_path: Path, small: None
) -> None:
    result = invoke(*OWN, "--json", "own.json")
    assert result.exit_code in (0, 1), result.output
    for words in (
        "One matrix, N = 100, r = 10: Theorem 2.2, spike by spike",
        "λ_j(S)   λ_j(W)   Φ(λ_j(S))   law at N",
        "*: subcritical, Φ′ ≤ 0, where Theorem 2.2 needs Φ′ > 0",
        "theorem-2.1-own, Theorem 2.1, (2.1):",
        "slope of the mean error, r = N^0.5",
        "se: the standard error, after ±; chance alone exceeds 4 se",
    ):
        assert words in result.output
    assert (tmp_path / "out" / "outliers.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads((tmp_path / "own.json").read_text())
    assert (found["nu1"], found["rank_exponent"]) == ("uniform(0.5, 3) - nu0", 0.5)
    first, last = found["outliers"][0], found["outliers"][-1]
    # The quantile of Uniform(0.5, 3) at 0.95, and Φ of it.
    assert first["spike"] == pytest.approx(2.875)
    assert first["limit"] == pytest.approx(2.875 + 1 / 2.875) and first["detached"]
    assert last["limit"] == pytest.approx(2.0) and not last["detached"]
    assert f"{first['spike']:.4f}" in result.output


@pytest.mark.parametrize(
    ("options", "status", "sentence"),
    [
        (["--nu0", "atom(0)"], 2, "Give --nu0 and --nu1, the limits of the signal."),
        (["--sigma", "2"], 2, "--sigma is for one's own measures"),
        (["lemma-4.1", *OWN[1:5]], 2, "Give names of claims, or --nu0 and --nu1, not both."),
        ([*OWN[1:5], "--rank", "x"], 2, "'x' is not a power of N such as N^0.5"),
        ([*OWN[1:5], "--rank", "N^0.9"], 1, "from 0.3 to 0.8"),
        (["--nu0", "atom(0)", "--nu1", "atom(2) - nu"], 2, "Did you mean 'nu0'? At character 11"),
        (["--nu0", "atom(0)", "--nu1", "atom(2)"], 1, "and −1 on it"),
        (["--nu1", "atom(2) - nu0"], 2, "'nu0' is the measure of --nu0, which is not given."),
        (["--nu1", "atom(2) - 2*nu0", "--nu0", "atom(0)"], 1, "Got 1 and -2."),
    ],
)
def test_own_measures_that_make_no_sense_are_refused(
    invoke: Callable[..., Result], options: list[str], status: int, sentence: str
) -> None:
    result = invoke("verify", *options)
    assert result.exit_code == status
    assert sentence in " ".join(result.output.split())
