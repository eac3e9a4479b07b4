"""How well the losses that are promised of SmolLM2's layers hold on documents kept apart.

    python studies/language_model/measure_lm_layers.py FOLDER

FOLDER is that of `measure_lm.py`, and so are the documents that choose: three draws, in each of
which a third of the blocks is judged, so that every matrix is once. Documents kept apart are all
of Brown's that no draw chooses by, and of each as many first tokens. Draws that are done stay in
FOLDER; the record has what they come to, in half an hour of one core.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import blocks
import lm_records
import measure_lm

from pastur._files import write_whole
from pastur._typing import FloatArray
from pastur._versions import package_versions
from pastur.compression import InputMoments

# The comparison with documents kept apart is that of another study.
sys.path.append(str(Path(__file__).parents[1] / "g2p"))
import held_out

RECORD = lm_records.FOLDER / "smollm2-layers.json"
TOKENS = (512, 6400)

Row = dict[str, Any]


class Apart:
    """The documents that no draw chooses by, and the moments of their inputs."""

    def __init__(self, study: measure_lm.Study, tokens: int) -> None:
        self.study, self.length = study, measure_lm.DOCUMENTS[tokens][1]

    @cached_property
    def documents(self) -> list[list[int]]:
        """The first tokens of each."""
        chosen = {
            name
            for tokens in TOKENS
            for draw in range(measure_lm.DRAWS)
            for name in self.study.chosen(tokens, draw)
        }
        names = [name for name in self.study.order if name not in chosen]
        return self.study.first_tokens(names, self.length)

    @cached_property
    def moments(self) -> dict[str, FloatArray]:
        """Σ x xᵀ of the inputs of each matrix."""
        return blocks.summed_moments(self.study.network, self.documents)


def judged(number: int, draw: int) -> bool:
    """Return whether a draw judges a block."""
    return number % measure_lm.DRAWS == draw


def compared(
    study: measure_lm.Study, inputs: InputMoments, apart: Apart, draw: int
) -> Iterator[Row]:
    """Yield what was promised of each layer, and what is so, with and without the background."""
    layers = tuple(replace(layer, background=0) for layer in inputs.layers)
    alone = replace(inputs, layers=layers, background=0)
    for name, w in blocks.matrices(study.network).items():
        if judged(int(name.split(".")[2]), draw):
            others = apart.moments[name]
            yield from held_out.compared(w, alone, name, others)
            for row in held_out.compared(w, inputs, name, others, methods={"outputs": True}):
                yield row | {"method": "background"}


def measured(study: measure_lm.Study, known: lm_records.Records) -> Row:
    """Return the record, after what is missing of the draws."""
    rows: list[Row] = []
    for tokens in TOKENS:
        apart = Apart(study, tokens)
        for draw in range(measure_lm.DRAWS):
            case = {"tokens": tokens, "draw": draw}
            found = known.find(case)
            if found is None:
                begun = time.process_time()
                with tempfile.TemporaryDirectory(dir=study.folder) as kept:
                    inputs = study.collected(tokens, draw, Path(kept), background=True)
                    judgements = list(compared(study, inputs, apart, draw))
                seconds = round(time.process_time() - begun)
                documents = len(apart.documents)
                extra = {"apart": documents, "seconds": seconds, "layers": judgements}
                found = known.add(case, extra)
            rows += found["layers"]
    done = known.rows
    return {
        "draws": measure_lm.DRAWS,
        "documents apart": {str(row["case"]["tokens"]): row["apart"] for row in done},
        "seconds": sum(row["seconds"] for row in done),
        "versions": package_versions(),
        "summary": held_out.summary(rows),
    }


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    study = measure_lm.Study.of(Path(sys.argv[1]))
    record = measured(study, lm_records.Records(study.folder / "layers.jsonl"))
    write_whole(RECORD, json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:
        sys.exit(str(error))
