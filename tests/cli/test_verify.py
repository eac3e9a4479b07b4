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
