"""Train the small language model, and keep its start and some states on the way.

    python studies/language_model/train_gpt.py FOLDER [SEED …]

FOLDER has the package of the Brown corpus; the states of a seed go into FOLDER/gpt-SEED, 8 MB each.
A training takes ten minutes of one core. The weights are not kept in the repository, the record is.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import small_gpt
import texts
from perplexity import document_losses, one_quick_core

from pastur._files import write_whole
from pastur._versions import package_versions

RECORDS = Path(__file__).parent / "records"
# Held-out documents of Brown's, in their shuffled order, and tokens of each.
JUDGED, LENGTH = 32, 256


def made(folder: Path, recipe: small_gpt.Recipe) -> dict[str, Any]:
    """Train, keep the states in the folder, and return the record."""
    import torch
    import transformers

    one_quick_core()
    begun = time.process_time()
    documents = texts.brown(folder)
    order = texts.shuffled(list(documents))
    place = folder / f"gpt-{recipe.seed}"
    place.mkdir(exist_ok=True)
    trained = [documents[name] for name in order[small_gpt.TRAINED_FROM :]]
    tokenizer = small_gpt.tokenizer_of(trained, recipe.vocabulary)
    tokenizer.save(str(place / small_gpt.TOKENIZER))
    tokens = np.concatenate([tokenizer.encode(text).ids for text in trained])
    losses = small_gpt.train(recipe, tokens, place)
    judged = texts.sequences(tokenizer, documents, order[:JUDGED], LENGTH)
    found = {
        "recipe": small_gpt.recipe_text(recipe),
        "parameters": sum(p.numel() for p in small_gpt.network(recipe).parameters()),
        "documents": len(trained),
        "tokens": len(tokens),
        "versions": package_versions()
        | {"torch": str(torch.__version__), "transformers": transformers.__version__},
        "last_losses": round(float(np.mean(losses[-100:])), 4),
    }
    write_whole(place / "made.json", json.dumps(found, indent=1) + "\n")
    states = {}
    for step in recipe.kept:
        perplexity = document_losses(small_gpt.stored_network(place, step), judged)
        states[str(step)] = round(float(np.exp(perplexity.mean())), 2)
    return found | {
        "judged": [len(judged), LENGTH],
        "perplexities": states,
        "seconds": round(time.process_time() - begun),
    }


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    folder = Path(sys.argv[1])
    for seed in map(int, sys.argv[2:] or ["0"]):
        record = made(folder, small_gpt.Recipe(seed=seed))
        write_whole(RECORDS / f"gpt-{seed}.json", json.dumps(record, indent=1) + "\n")
        print(record["perplexities"], record["seconds"], flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:
        sys.exit(str(error))
