"""How well the losses that are promised of SmolLM2's layers hold on documents kept apart.

    python studies/language_model/measure_lm_layers.py FOLDER

FOLDER is that of `measure_lm.py`. Draws of documents choose, of 64 and of 256 tokens each, none in
two of one kind; all that no draw has are kept apart, as many tokens of each. Two blocks are judged
in a draw, others in every draw. Draws that are done stay in FOLDER; the record has what they come
to, in a quarter of an hour of one core.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import blocks
import lm_records
import measure_lm

from pastur._files import write_whole
from pastur._versions import package_versions

# The comparison with documents kept apart is that of another study.
sys.path.append(str(Path(__file__).parents[1] / "g2p"))
import held_out

RECORD = lm_records.FOLDER / "smollm2-layers.json"
# By the number of tokens that choose.
DRAWS = {512: 12, 6400: 3}
# Documents in their shuffled order that may choose.
CHOOSING = 150

Row = dict[str, Any]


class Study(measure_lm.Study):
    """The same model, with other documents for other purposes."""

    def chosen(self, tokens: int, draw: int) -> list[str]:
        """Return the names of the documents of a draw."""
        count, _ = measure_lm.DOCUMENTS[tokens]
        return self.order[:CHOOSING][count * draw : count * (draw + 1)]

    def apart(self, tokens: int) -> list[list[int]]:
        """Return the documents that no draw has, as many tokens of each as one that chooses."""
        return self.first_tokens(self.order[CHOOSING:], measure_lm.DOCUMENTS[tokens][1])


def blocks_of(draw: int) -> tuple[int, ...]:
    """Return the blocks that are judged in a draw."""
    return draw, draw + 15


def some_blocks(network: Any, numbers: Iterable[int]) -> Any:
    """Return a module that has some blocks of a network, and runs all of it."""
    from torch import nn

    part, inner = nn.Module(), nn.Module()
    every = network.get_submodule("model.layers")
    inner.layers = nn.ModuleDict({str(k): every[k] for k in numbers})
    part.model = inner
    part.forward = network.forward
    return part.eval()


def measured(study: Study, known: lm_records.Records) -> Row:
    """Return the record, after what is missing of the draws."""
    # By the whole network, where the folder does not have it.
    study.written()
    for tokens, draws in DRAWS.items():
        cases = [{"tokens": tokens, "draw": draw} for draw in range(draws)]
        missing = [case["draw"] for case in cases if known.find(case) is None]
        judged = some_blocks(study.network, [k for draw in missing for k in blocks_of(draw)])
        others = blocks.summed_moments(judged, study.apart(tokens)) if missing else {}
        for draw in missing:
            begun = time.process_time()
            part = replace(study, network=some_blocks(study.network, blocks_of(draw)))
            with tempfile.TemporaryDirectory(dir=study.folder) as kept:
                inputs = part.collected(tokens, draw, Path(kept), background=True)
                found = [
                    row
                    for name, w in blocks.matrices(part.network).items()
                    for row in held_out.compared(w, inputs, name, others[name])
                ]
            seconds = round(time.process_time() - begun)
            known.add({"tokens": tokens, "draw": draw}, {"seconds": seconds, "layers": found})
    rows = [row | {"draw": one["case"]["draw"]} for one in known.rows for row in one["layers"]]
    return {
        "draws": {str(tokens): draws for tokens, draws in DRAWS.items()},
        "seconds": sum(row["seconds"] for row in known.rows),
        "versions": package_versions(),
        "summary": held_out.summary(rows),
    }


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    study = Study.of(Path(sys.argv[1]))
    record = measured(study, lm_records.Records(study.folder / "layers.jsonl"))
    write_whole(RECORD, json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:
        sys.exit(str(error))
