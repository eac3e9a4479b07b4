"""What the small language model loses by compression, as its plans predict it, on other documents.

    python studies/language_model/predict_gpt.py FOLDER    # measures, writes a record and the page
    python studies/language_model/predict_gpt.py --page    # writes the table of the page

FOLDER is that of `train_gpt.py`, of which seed 0 is taken. Documents are those of `measure_gpt.py`;
the losses of those that judge layers there are measured here.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import blocks
import measure_gpt
import train_gpt
from perplexity import loss_of, one_quick_core

import pastur
from pastur._versions import package_versions

# Comparisons of promises with what is so are those of another study.
sys.path.append(str(Path(__file__).parents[1] / "g2p"))
import measure
import whole_model
from page_blocks import between

RECORDS = train_gpt.RECORDS / "gpt-0-predicted.json"
PAGE = Path(__file__).parents[2] / "docs" / "calibrated-compression.md"
MARKS = (
    "<!-- small GPT: made by studies/language_model/predict_gpt.py -->",
    "<!-- end of small GPT -->",
)
# Tokens that choose, and which draw of them. The draws 0 have chosen the rules.
CHOSEN = {512: 1, 6400: 1}
FIRST = 0.8
SHARES = (0.9, 0.8, 0.7, 0.6)


def rows(
    study: measure_gpt.Study, chosen: dict[int, int], shares: Sequence[float]
) -> Iterator[dict[str, Any]]:
    """Yield what was predicted and what is so, for each number of tokens that choose."""
    network = study.network
    analysis = pastur.analyze(network, include=[blocks.PATTERN], noise="white")
    inside = sum(one.size for one in blocks.matrices(network).values())
    part = inside / sum(one.numel() for one in network.parameters())
    sensed = [one[: measure_gpt.LENGTH] for one in study.tokens[measure_gpt.APART]]
    for tokens, draw in chosen.items():
        with tempfile.TemporaryDirectory() as folder, whole_model.losses_measured_once():
            inputs = study.collected(tokens, draw, Path(folder) / "inputs.safetensors")
            for row in whole_model.compared(
                network,
                analysis,
                inputs,
                documents=sensed,
                loss=loss_of,
                judge=study.losses,
                first=1 - (1 - FIRST) * part,
                sizes=[1 - (1 - share) * part for share in shares],
            ):
                yield row | {"tokens": tokens, "draw": draw}


def measured(folder: Path) -> dict[str, Any]:
    """Return the record."""
    one_quick_core()
    cases = list(rows(measure_gpt.Study(folder, 0), CHOSEN, SHARES))
    return {
        "versions": package_versions(),
        "summary": whole_model.summary(cases),
        "cases": cases,
    }


def page_text(text: str, record: dict[str, Any]) -> str:
    """Return the page with the table of a record."""
    return between(text, *MARKS, f"\n{whole_model.table(record['summary'])}\n")


def main() -> int:
    return measure.write_record_and_page(sys.argv[1:], measured, RECORDS, PAGE, page_text)


if __name__ == "__main__":
    sys.exit(main())
