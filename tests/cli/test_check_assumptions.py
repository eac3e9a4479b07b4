"""The command `check-assumptions`: files in, a verdict on each assumption out."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

LIMITS = ("--nu0", "atom(0)", "--nu1", "uniform(2, 3) - nu0")


@pytest.fixture
def signals(tmp_path: Path) -> list[str]:
    """Quantiles of Uniform(2, 3) for r = √N spikes: a vector, a text, a matrix."""
    names = []
    for n, r in ((900, 30), (100, 10), (400, 20)):
        values = np.concatenate([2 + (np.arange(r) + 0.5) / r, np.zeros(n - r)])
        if n == 400:
            (tmp_path / "s400.txt").write_text("\n".join(map(str, values.tolist())))
        else:
            content = values
            if n == 100:
                q, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(n, n)))
                content = (q * values) @ q.T
            np.save(tmp_path / f"s{n}.npy", content)
        names.append("s400.txt" if n == 400 else f"s{n}.npy")
    return names


def test_signals_that_meet_the_assumptions(
    invoke: Callable[..., Result], signals: list[str], tmp_path: Path
) -> None:
    """Whatever the order of the files, what is said of the largest N is of the largest."""
    result = invoke("check-assumptions", *signals, *LIMITS, "--json", "a.json")
    assert result.exit_code == 0, result.output
    for words in (
        "3 signals, N from 100 to 900",
        "Assumption 1, ν → ν₀: holds.",
        "Assumption 2, r → ∞ and r = o(N): holds. r 30 at the largest N, like N^0.50 ± 0.01; "
        "r/N 0.0333 at the largest N, like N^-0.50 ± 0.01.",
        "Assumption 3, (N/r)(ν − ν₀) → ν₁: holds.",
        "masses of ν₁ 1 off supp ν₀, -1 on it.",
        "Of finitely many sizes no limit can be proved.",
        "Picture: pastur-assumptions.png",
    ):
        assert words in result.output
    assert (tmp_path / "pastur-assumptions.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["sizes"] == [100, 400, 900] and found["rank"]["values"] == [10, 20, 30]
    assert (found["assumption_1"], found["assumption_2"], found["assumption_3"]) == (True,) * 3
    # ∫t² of the midpoints of r equal parts of [2, 3] is 1/(12 r²) below 19/3.
    errors = [1 / (12 * r**2) for r in (10, 20, 30)]
    np.testing.assert_allclose(found["second_moment"]["values"], errors, rtol=1e-6)


def test_a_wrong_candidate_gives_status_1(
    invoke: Callable[..., Result], signals: list[str]
) -> None:
    result = invoke("check-assumptions", *signals, *LIMITS[:3], "uniform(2, 3.2) - nu0")
    assert result.exit_code == 1
    assert "Assumption 1, ν → ν₀: holds." in result.output
    assert "Assumption 3, (N/r)(ν − ν₀) → ν₁: DOES NOT SHOW." in result.output
    assert "pastur: the signals do not show all three assumptions." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["s900.npy", *LIMITS], 1, "signals of at least 3 different sizes"),
        (["s900.npy", "nowhere.npy", *LIMITS], 1, "Cannot read 'nowhere.npy'"),
        (["s900.npy", *LIMITS[:2]], 2, "Missing option '--nu1'"),
        (["s900.npy", *LIMITS, "-o", "s900.npy"], 1, "must end in .png, .svg or .pdf"),
        (["s900.npy", *LIMITS[:3], "uniform(2 3)"], 2, "Got '3'. At character 11 of"),
        (["s900.npy", "--nu0", "2*atom(0)", *LIMITS[2:]], 1, "has the mass 2"),
        ([*LIMITS], 2, "Missing argument"),
    ],
)
def test_sentences(
    invoke: Callable[..., Result],
    signals: list[str],
    arguments: list[str],
    status: int,
    sentence: str,
) -> None:
    result = invoke("check-assumptions", *arguments)
    assert result.exit_code == status
    assert sentence in " ".join(result.output.split())
