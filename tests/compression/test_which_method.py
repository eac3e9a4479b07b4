"""The page that says which method when: its figures are those of the studies' records."""

import json
from pathlib import Path
from typing import Any

import measure
import measure_minilm
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "compression.md"
WORDS = " ".join(PAGE.read_text("utf-8").split())


def cost(change: float, spread: float, digits: int = 1) -> str:
    return f"{100 * change:.{digits}f} ± {100 * spread:.{digits}f}"


def spelling(method: str, asked: Any = None, digits: int = 1) -> str:
    """What it cost g2p-en, in words of a hundred."""
    rows = json.loads(measure.RECORDS.read_text("utf-8"))["rows"]
    wanted = (method, asked, None)
    (row,) = (r for r in rows if (r["method"], r["asked"], r["exclude"]) == wanted)
    return cost(row["more"], row["more_se"], digits)


def sentences(case: dict[str, Any], digits: int = 1, score: str = "reciprocal") -> str:
    """What it cost MiniLM, in hundredths."""
    rows = json.loads(measure_minilm.RECORDS.read_text("utf-8"))["rows"]
    (row,) = (row for row in rows if row["case"] == case)
    _, change, spread = row["scores"][score]
    return cost(-change, spread, digits)


def size(method: str, share: float, **others: Any) -> dict[str, Any]:
    return {"method": method, "target": {"size": share}} | others


KEPT = {"exclude": measure_minilm.EMBEDDINGS}
COSTS = [
    ("| {} | {} |", spelling("round", 6), sentences({"method": "round", "bits": 6})),
    ("| {} | {} |", spelling("round", 4), sentences({"method": "round", "bits": 4})),
    ("| {} | {} |", spelling("truncate", 0.9), sentences(size("truncate", 0.9))),
    ("| {} | {} |", spelling("magnitude", 0.75), sentences(size("magnitude", 0.75))),
    (
        "to keep that alone costs {} points, and ranks by marginal cost at the same size {}.",
        sentences({"method": "edge"}, 0),
        sentences(size("truncate", measure_minilm.OF_EDGE[None]), 0),
    ),
    (
        "{} points lost at 60 % where one threshold loses {},",
        sentences(size("edge_budget", 0.6)),
        sentences(size("magnitude", 0.6)),
    ),
    (
        "at 90 % low rank costs {} points, and {} with the embeddings left alone",
        sentences(size("truncate", 0.9)),
        sentences(size("truncate", 0.9, **KEPT)),
    ),
    (
        "on SimLex-999 by {} points, while definitions find their nouns {} points less",
        sentences(size("magnitude", 0.6), score="simlex").lstrip("-"),
        sentences(size("magnitude", 0.6)),
    ),
    (
        "At 75 % it costs {} and {} points",
        spelling("truncate", 0.75).split()[0],
        sentences(size("truncate", 0.75)).split()[0],
    ),
    (
        "{} points at 75 % where marginal cost has {};",
        sentences(size("edge", 0.75), 0).split()[0],
        sentences(size("truncate", 0.75)).split()[0],
    ),
    ("3 bits at 11 % cost the sentence model {}.", sentences({"method": "round", "bits": 3})[:3]),
    (
        "At 90 % it costs {} and {} points",
        spelling("rank", 0.9, 0).split()[0],
        sentences(size("rank", 0.9)).split()[0],
    ),
    (
        "Denoising costs {} points of 55, optimal shrinkage {}.",
        *(sentences({"method": method}, 0).split()[0] for method in ("denoise", "shrink")),
    ),
]


@pytest.mark.parametrize("sentence", COSTS, ids=lambda sentence: sentence[0][:40])
def test_costs_are_those_of_the_records(sentence: tuple[str, ...]) -> None:
    words, *costs = sentence
    assert words.format(*costs) in WORDS


def test_a_figure_of_another_row_is_noticed() -> None:
    wrong = sentences({"method": "round", "bits": 3})
    assert f"| {spelling('round', 4)} | {wrong} |" not in WORDS
