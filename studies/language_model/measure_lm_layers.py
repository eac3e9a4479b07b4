"""How well the losses that are promised of SmolLM2's layers hold on documents kept apart.

    python studies/language_model/measure_lm_layers.py FOLDER

FOLDER is that of `measure_lm.py`, and so are the documents that choose: three draws, two blocks in
each, others in every draw. Documents kept apart are all of Brown's that no draw chooses by, and of
each as many first tokens. Draws that are done stay in FOLDER; the record has what they come to, in
a quarter of an hour of one core.
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
TOKENS = (512, 6400)

Row = dict[str, Any]


def blocks_of(draw: int) -> range:
    """Return the blocks that are judged in a draw."""
    return range(5 * draw, 30, 15)


def some_blocks(network: Any, numbers: Iterable[int]) -> Any:
    """Return a module that has some blocks of a network, and runs all of it."""
    from torch import nn

    part, inner = nn.Module(), nn.Module()
    every = network.get_submodule("model.layers")
    inner.layers = nn.ModuleDict({str(k): every[k] for k in numbers})
    part.model = inner
    part.forward = network.forward
    return part.eval()


def documents_apart(study: measure_lm.Study, length: int) -> list[list[int]]:
    """Return the first tokens of the documents that no draw chooses by."""
    chosen = {
        name
        for tokens in TOKENS
        for draw in range(measure_lm.DRAWS)
        for name in study.chosen(tokens, draw)
    }
    return study.first_tokens([name for name in study.order if name not in chosen], length)


def measured(study: measure_lm.Study, known: lm_records.Records) -> Row:
    """Return the record, after what is missing of the draws."""
    # By the whole network, where the folder does not have it.
    study.written()
    for tokens in TOKENS:
        missing = [
            draw
            for draw in range(measure_lm.DRAWS)
            if known.find({"tokens": tokens, "draw": draw}) is None
        ]
        documents = documents_apart(study, measure_lm.DOCUMENTS[tokens][1])
        judged = some_blocks(study.network, [k for draw in missing for k in blocks_of(draw)])
        others = blocks.summed_moments(judged, documents) if missing else {}
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
            extra = {"apart": len(documents), "seconds": seconds, "layers": found}
            known.add({"tokens": tokens, "draw": draw}, extra)
    return {
        "draws": measure_lm.DRAWS,
        "documents apart": {str(row["case"]["tokens"]): row["apart"] for row in known.rows},
        "seconds": sum(row["seconds"] for row in known.rows),
        "versions": package_versions(),
        "summary": held_out.summary([row for one in known.rows for row in one["layers"]]),
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
