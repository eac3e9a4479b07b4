"""How many directions to keep: the signal's rank where a law holds, else a lower bound."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pastur import Analysis, PasturError, analyze
from pastur._typing import FloatArray
from pastur.analysis._matrix.suggested_rank import SuggestedRank
from pastur.analysis._result.ranks_file import read_ranks
from pastur.estimation import Verdict


def planted(rng: np.random.Generator, rank: int, *, theta: float = 4.0) -> FloatArray:
    """Noise of σ 1 and spikes, well beyond the critical strength."""
    n, m = 120, 160
    left, right = (np.linalg.qr(rng.normal(size=(k, rank)))[0] for k in (n, m))
    result: FloatArray = rng.normal(size=(n, m)) / np.sqrt(m) + theta * left @ right.T
    return result


@pytest.fixture(scope="module")
def model() -> dict[str, FloatArray]:
    rng = np.random.default_rng(5)
    return {
        "h.0.query.weight": planted(rng, 3),
        "h.0.key.weight": planted(rng, 1),
        "h.1.query.weight": rng.normal(size=(120, 160)),
        "h.1.key.weight": rng.standard_t(1.5, size=(90, 110)),
    }


@pytest.fixture(scope="module")
def analysis(model: dict[str, FloatArray]) -> Analysis:
    return analyze(model)


def test_where_a_law_holds_it_is_the_rank_of_the_signal(
    analysis: Analysis, model: dict[str, FloatArray]
) -> None:
    found = analysis["h.0.query.weight"].suggested_rank
    assert (found.rank, found.counted) == (3, True)
    assert found.high is not None and found.low <= 3 <= found.high
    assert "independent, of one variance" in found.reason
    # Against the matrix itself: what is left after its three leading directions.
    w = model["h.0.query.weight"]
    u, s, v = np.linalg.svd(w)
    rest = w - (u[:, :3] * s[:3]) @ v[:3]
    error = np.linalg.norm(rest) / np.linalg.norm(w)
    assert found.error == pytest.approx(error, rel=1e-9)
    assert found.energy == pytest.approx(1 - error**2, rel=1e-9)


def test_noise_has_rank_0(analysis: Analysis) -> None:
    found = analysis["h.1.query.weight"].suggested_rank
    assert (found.rank, found.low, found.energy, found.error) == (0, 0, 0.0, 1.0)


def test_without_a_law_it_is_what_stands_out_and_no_count(analysis: Analysis) -> None:
    matrix = analysis["h.0.query.weight"]
    refuted = replace(matrix.fit.goodness, verdict=Verdict.UNEVEN)
    found = replace(matrix, fit=replace(matrix.fit, goodness=refuted)).suggested_rank
    assert (found.rank, found.high, str(found)) == (3, None, "≥ 3")
    assert found.reason.startswith("no count: rows or columns have different variances; at least")
    assert "general position" in found.reason


def test_nothing_that_stands_out_is_no_suggestion(analysis: Analysis) -> None:
    matrix = analysis["h.1.query.weight"]
    refuted = replace(matrix.fit.goodness, verdict=Verdict.TOO_SMALL)
    found = replace(matrix, fit=replace(matrix.fit, goodness=refuted)).suggested_rank
    assert (found.rank, found.energy, found.error, str(found)) == (None, None, None, "–")
    assert "no direction stands out" in found.reason


@pytest.mark.parametrize(
    ("ends", "text"), [((2, 2), "2"), ((1, 4), "2 [1, 4]"), ((1, None), "≥ 2")]
)
def test_as_text(ends: tuple[int, int | None], text: str) -> None:
    assert str(SuggestedRank(2, *ends, 0.5, 0.7, "")) == text


def test_values_of_any_size(analysis: Analysis) -> None:
    matrix = analysis["h.0.query.weight"]
    plain = matrix.suggested_rank
    huge = SuggestedRank.of(matrix.fit, matrix.singular_values * 1e300)
    assert huge.energy == pytest.approx(plain.energy, rel=1e-12)


def test_a_count_at_half_of_the_values_is_a_lower_bound() -> None:
    rng = np.random.default_rng(2)
    (matrix,) = analyze({"w": planted(rng, 3)}).matrices
    assert matrix.spikes_text == "3"
    # As if half of the 120 values were spikes.
    many = np.repeat(matrix.fit.spikes, 20)
    assert replace(matrix, fit=replace(matrix.fit, spikes=many)).spikes_text == "≥ 60"
    grown = replace(matrix.fit, spikes=many, growing=True)
    assert replace(matrix, fit=grown).spikes_text == "60"


def test_the_file_in_json_and_as_a_table(analysis: Analysis, tmp_path: Path) -> None:
    path = analysis.to_ranks(tmp_path / "ranks.json")
    rows = json.loads(path.read_text())["ranks"]
    assert [row["name"] for row in rows] == [matrix.name for matrix in analysis]
    assert (rows[0]["rank"], rows[0]["rows"], rows[0]["columns"]) == (3, 120, 160)
    ranks = read_ranks(path)
    assert ranks["h.0.query.weight"] == 3 and ranks["h.1.query.weight"] == 0
    table = analysis.to_ranks(tmp_path / "ranks.csv").read_text().splitlines()
    assert table[0].startswith("name,rows,columns,rank,low,high,energy,error,reason")
    assert table[1].startswith("h.0.query.weight,120,160,3,")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 7}, "`schema` should be 1"),
        ({"ranks": [{"name": "w", "rank": -1}]}, "must not be negative"),
        ({"ranks": [{"name": "w", "rank": 1}] * 2}, "twice"),
        ({"ranks": [{"name": "w", "rank": "two"}]}, "rank"),
    ],
)
def test_a_damaged_file_is_refused(
    analysis: Analysis, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    path = analysis.to_ranks(tmp_path / "ranks.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(PasturError, match=words):
        read_ranks(path)


def test_in_the_table_for_programs(analysis: Analysis) -> None:
    pytest.importorskip("pandas")
    frame = analysis.to_dataframe().set_index("name")
    row = frame.loc["h.0.query.weight"]
    assert row["suggested_rank"] == 3 and 0.2 < row["suggested_energy"] < 0.5
