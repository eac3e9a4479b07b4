"""The small language model whose start is known: noise, promises, and what compression costs.

    python studies/language_model/measure_gpt.py FOLDER [SEED …]

FOLDER is that of `train_gpt.py`. A record is written for each seed, part by part, in five minutes
of one core; parts that it has are not measured again.

Brown's documents in their shuffled order: 32 judge perplexities, 16 the sensitivities and the noise
test, 42 choose, 60 are kept apart for what layers lose; the model was trained on the others. A
document that chooses is one window of each, at a random place.
"""

import copy
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import blocks
import numpy as np
import small_gpt
import texts
import train_gpt
from perplexity import document_losses, excess, loss_of, one_quick_core

import pastur
import pastur.torch
from pastur._files import write_whole
from pastur._typing import FloatArray
from pastur._versions import package_versions
from pastur.compression import InputMoments

# The comparison with a start, and that with documents kept apart, are those of other studies.
sys.path += [str(Path(__file__).parents[1] / name) for name in ("fashion_mnist", "g2p")]
import against_start
import fashion_records
import held_out

JUDGED, SENSED = slice(0, 32), slice(32, 48)
CHOOSE, APART = slice(48, 90), slice(90, small_gpt.TRAINED_FROM)
# Documents that choose, and tokens of each.
DOCUMENTS = {512: (8, 64), 6400: (25, 256)}
DRAWS = 6
SHARES = (0.9, 0.8, 0.6)
LENGTH = 256
# Tokens that judge promises, at least.
_OTHERS = 100_000
_FRESH = 9


class Study:
    """A trained network and the tokens of Brown's documents that it has not seen."""

    def __init__(self, folder: Path, seed: int) -> None:
        place = folder / f"gpt-{seed}"
        self.recipe = small_gpt.stored_recipe(place)
        self.network = small_gpt.stored_network(place)
        self.start = blocks.matrices(small_gpt.stored_network(place, 0))
        documents = texts.brown(folder)
        tokenizer = small_gpt.stored_tokenizer(place)
        order = texts.shuffled(list(documents))[: small_gpt.TRAINED_FROM]
        self.tokens = [tokenizer.encode(documents[name]).ids for name in order]
        self.judged = [one[:LENGTH] for one in self.tokens[JUDGED]]
        self.sensed = [one[:LENGTH] for one in self.tokens[SENSED]]

    def losses(self, network: Any) -> FloatArray:
        """Return the losses of the documents that judge."""
        return document_losses(network, self.judged)

    def choosing(self, tokens: int, draw: int) -> list[list[int]]:
        """Return windows of some documents, both drawn at random."""
        count, length = DOCUMENTS[tokens]
        rng = np.random.default_rng([tokens, draw])
        pool = self.tokens[CHOOSE]
        found = []
        for place in rng.choice(len(pool), count, replace=False):
            start = int(rng.integers(len(pool[place]) - length))
            found.append(pool[place][start : start + length])
        return found

    def collected(self, tokens: int, draw: int, path: Path) -> InputMoments:
        """Return the inputs for the documents of a draw."""
        return _collected(self.network, self.choosing(tokens, draw), path)

    def apart(self, length: int, folder: Path) -> tuple[int, dict[str, FloatArray]]:
        """Return how many tokens are kept apart, and Σ x xᵀ of each layer for them.

        In windows of one length, as many of each document.
        """
        kept = self.tokens[APART]
        each = min(-(-_OTHERS // (length * len(kept))), min(map(len, kept)) // length)
        windows = [one[k * length : (k + 1) * length] for one in kept for k in range(each)]
        inputs = _collected(self.network, windows, folder / "apart.safetensors")
        return len(windows) * length, {
            layer.tensor: blocks.moments_of(inputs, layer.tensor) for layer in inputs.layers
        }


def _collected(network: Any, documents: Sequence[Sequence[int]], path: Path) -> InputMoments:
    import torch

    given = [torch.tensor([one]) for one in documents]
    return pastur.torch.collect_inputs(network, given, path=path)


def against(study: Study) -> Iterator[dict[str, Any]]:
    """Yield for each matrix what was added to its start, and what the loss owes to the start.

    W − αW₀ with α by least squares is what training has added. `without` is the loss with that
    alone, `fresh` the one with another αW₀ of the same law.
    """
    before = document_losses(study.network, study.sensed).mean()
    analysis = pastur.analyze(study.network, include=[blocks.PATTERN], noise="white")
    tested = pastur.torch.noise_test(
        study.network,
        lambda network: document_losses(network, study.sensed).mean(),
        analysis=analysis,
        draws=_FRESH,
    )
    rest = {one.name: one for one in tested.matrices}
    rng = np.random.default_rng(study.recipe.seed)
    for name, w in blocks.matrices(study.network).items():
        numbers, start = (np.array(one, dtype=np.float64) for one in (w, study.start[name]))
        found = against_start.distances(numbers, start)
        alpha = float(np.vdot(numbers, start) / np.vdot(start, start))
        added, noise = numbers - alpha * start, abs(alpha) * study.recipe.start

        def loss(values: FloatArray, name: str = name) -> float:
            with blocks.put_in(study.network, {name: values}):
                return float(document_losses(study.network, study.sensed).mean() - before)

        fit = analysis[name].fit
        one = rest[name]
        yield {
            "layer": name.removeprefix("model.layers.").removesuffix(".weight"),
            "shape": list(w.shape),
            "sigma": round(float(fit.entry_sd) / noise, 4),
            "without": round(loss(added), 5),
            "fresh": round(loss(added + noise * rng.normal(size=w.shape)), 5),
            "rest removed": _rounded(one.rest_removed),
            "rest fresh": _rounded(float(np.mean([x for x in one.fresh if x is not None]))),
            "signal removed": _rounded(one.signal_removed),
        } | found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)


def promises(study: Study, folder: Path) -> dict[str, Any]:
    """Return how well the losses of layers that are promised hold on other documents."""
    rows: list[dict[str, Any]] = []
    judged = {}
    for tokens, (_, length) in DOCUMENTS.items():
        judged[str(tokens)], others = study.apart(length, folder)
        for draw in range(DRAWS):
            inputs = study.collected(tokens, draw, folder / "inputs.safetensors")
            for name, w in blocks.matrices(study.network).items():
                rows += (
                    row | {"draw": draw} for row in held_out.compared(w, inputs, name, others[name])
                )
    return {"tokens apart": judged, "summary": held_out.summary(rows)}


def costs(study: Study, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what the network loses at several sizes, and what was predicted."""
    analysis = pastur.analyze(study.network, include=[blocks.PATTERN], noise="white")
    before = study.losses(study.network)
    total = sum(one.numel() for one in study.network.parameters())
    inside = sum(one.size for one in blocks.matrices(study.network).values())

    def size(share: float) -> dict[str, float]:
        return {"size": 1 - (1 - share) * inside / total}

    for tokens in DOCUMENTS:
        inputs = study.collected(tokens, 0, folder / "inputs.safetensors")
        for method in ("truncate", "whitened", "outputs"):
            given: dict[str, Any] = {} if method == "truncate" else {"inputs": inputs}
            if method == "truncate" and tokens != min(DOCUMENTS):
                continue
            found = None
            if given:
                middle = pastur.plan_compression(
                    analysis, study.network, method=method, target={"each": 0.8}, **given
                )
                found = pastur.torch.attribute_loss(
                    study.network, middle, documents=study.sensed, loss=loss_of
                )
            for share in SHARES:
                for sensitivities in (None, found) if given else (None,):
                    plan = pastur.plan_compression(
                        analysis,
                        study.network,
                        method=method,
                        target=size(share),
                        sensitivities=sensitivities,
                        **given,
                    )
                    small = pastur.torch.compress(copy.deepcopy(study.network), plan)
                    losses = study.losses(small)
                    more = excess(losses, before)
                    said = plan.predicted
                    yield {
                        "method": method,
                        "tokens": tokens if given else 0,
                        "share": share,
                        "sensitivities": sensitivities is not None,
                        "perplexity": round(float(np.exp(losses.mean())), 3),
                        "more": [round(more.value, 5), round(more.error, 5)],
                        "predicted": said
                        and [x and round(x, 5) for x in (said.loss, said.low, said.high)],
                    }


def measured(folder: Path, seed: int, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the record of a seed after each of its parts that it lacked."""
    one_quick_core()
    study = Study(folder, seed)
    parts: dict[str, Callable[[Path], Any]] = {
        "promises": lambda kept: promises(study, kept),
        "costs": lambda kept: list(costs(study, kept)),
        "start": lambda kept: list(against(study)),
    }
    for name, make in parts.items():
        if name not in record:
            begun = time.process_time()
            with tempfile.TemporaryDirectory(dir=folder) as kept:
                record[name] = make(Path(kept))
            record.setdefault("seconds", {})[name] = round(time.process_time() - begun)
            yield record


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    for seed in map(int, sys.argv[2:] or ["0"]):
        path = train_gpt.RECORDS / f"gpt-{seed}-found.json"
        known = json.loads(path.read_text("utf-8")) if path.exists() else {"seed": seed}
        for record in measured(Path(sys.argv[1]), seed, known):
            record["versions"] = package_versions()
            write_whole(path, fashion_records.text(record))
            print(seed, record["seconds"], flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:
        sys.exit(str(error))
