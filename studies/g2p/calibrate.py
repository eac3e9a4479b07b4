"""Compression of g2p-en by its outputs: promised losses against others, and errors in words.

    python studies/g2p/calibrate.py FOLDER     # measures, writes calibrated.json, and the page
    python studies/g2p/calibrate.py --page     # writes the tables of the page from calibrated.json

A document is a word. Words that choose, and words that judge, are never the same.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import held_out
import measure
import numpy as np
import pronounce
from page_blocks import between

import pastur
from pastur._format import percent
from pastur._typing import AnyArray, FloatArray
from pastur._versions import package_versions
from pastur.compression import InputMoments, collect_inputs, read_compressed

RECORDS = Path(__file__).parent / "calibrated.json"
PAGE = measure.HERE.parent.parent / "docs" / "calibrated-compression.md"
MARKS = "<!-- g2p: made by studies/g2p/calibrate.py -->", "<!-- end of g2p -->"
# Words that choose, and how often they are drawn.
WORDS = {40: 12, 200: 12, 1000: 6}
APART = 8000
SIZES = (0.9, 0.75, 0.6, 0.45)
# Those that are given rows of a table of 29 or 74 signs, some of which hardly occur.
TABLES = ("enc_w_ih", "dec_w_ih")
LAYERS = (*TABLES, "enc_w_hh", "dec_w_hh", "fc_w")
_LONGEST = 20

Add = Callable[..., None]


def run(tensors: pronounce.Tensors, words: Sequence[str], add: Add) -> None:
    """Say words, one after the other, and add the inputs of each product."""
    for word in words:
        _say(tensors, word, add)


def _say(tensors: pronounce.Tensors, word: str, add: Add) -> None:
    state = np.zeros((1, tensors["enc_w_hh"].shape[1]), np.float32)

    def step(part: str, code: int) -> None:
        nonlocal state
        x = tensors[f"{part}_emb"][[code]]
        seen[f"{part}_w_ih"].append(x)
        seen[f"{part}_w_hh"].append(state)
        state = pronounce.gru_step(tensors, part, x, state)

    seen: dict[str, list[AnyArray]] = {name: [] for name in LAYERS}
    for place in range(len(word) + 1):
        step("enc", pronounce.letter_code(word, place))
    code = pronounce.START
    for _ in range(_LONGEST):
        step("dec", code)
        seen["fc_w"].append(state)
        code = int(np.argmax(state @ tensors["fc_w"].T + tensors["fc_b"]))
        if code == pronounce.END:
            break
    for name, rows in seen.items():
        add(name, np.concatenate(rows))


def collected(
    checkpoint: Path, tensors: pronounce.Tensors, words: Sequence[str], path: Path
) -> InputMoments:
    """Return the moments of the inputs for some words."""
    return collect_inputs(
        checkpoint, words, run=lambda word, add: run(tensors, [word], add), path=path
    )


def moments_apart(tensors: pronounce.Tensors, words: Sequence[str]) -> dict[str, FloatArray]:
    """Return Σ x xᵀ of the inputs of each layer for words that do not choose."""
    found: dict[str, FloatArray] = {}

    def add(name: str, x: AnyArray) -> None:
        rows = x.astype(np.float64)
        found[name] = found.get(name, 0.0) + rows.T @ rows

    run(tensors, words, add)
    return found


def losses(
    checkpoint: Path, tensors: pronounce.Tensors, words: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield what was promised and what is so, for each draw, layer, method and size."""
    others = moments_apart(tensors, words[:APART])
    left, rng = words[APART:], np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for count, draws in WORDS.items():
            for draw in range(draws):
                chosen = [left[k] for k in rng.choice(len(left), count, replace=False)]
                found = collected(checkpoint, tensors, chosen, Path(folder) / "inputs.safetensors")
                for name in LAYERS:
                    for row in held_out.compared(tensors[name], found, name, others[name]):
                        yield row | {"draw": draw}
            print(count, "words", flush=True)


def errors(
    checkpoint: Path,
    tensors: pronounce.Tensors,
    chosen: Sequence[str],
    judged: Sequence[str],
    dictionary: dict[str, set[tuple[str, ...]]],
) -> Iterator[dict[str, Any]]:
    """Yield errors in words at some sizes, the embeddings kept, with and without inputs."""
    analysis = pastur.analyze(checkpoint, exclude=measure.EMBEDDINGS)
    before = pronounce.errors(tensors, judged, dictionary)
    with tempfile.TemporaryDirectory() as folder:
        inputs = collected(checkpoint, tensors, chosen, Path(folder) / "inputs.safetensors")
        for size in SIZES:
            for method in ("truncate", *held_out.METHODS):
                given = None if method == "truncate" else inputs
                plan = pastur.plan_compression(
                    analysis,
                    checkpoint,
                    method=method,
                    target={"size": size},
                    form="dense",
                    inputs=given,
                )
                found = pronounce.errors(measure.written(plan, checkpoint), judged, dictionary)
                after = plan.parameters_after
                assert after is not None
                yield {
                    "size": size,
                    "method": method,
                    "parameters": round(after / plan.parameters_before, 4),
                } | measure.compared(found, before)


def measured(folder: Path) -> dict[str, Any]:
    """Return the record."""
    checkpoint, dictionary_file = pronounce.fetch(folder)
    dictionary = pronounce.read_words(dictionary_file)
    tensors = read_compressed(checkpoint)
    words = pronounce.chosen_words(dictionary, APART + 20_000, seed=7)
    rows = list(losses(checkpoint, tensors, words))
    judged, chosen = words[: measure.WORDS], words[measure.WORDS : measure.WORDS + 200]
    return {
        "packages": list(pronounce.PACKAGES),
        "versions": package_versions(),
        "losses": held_out.summary([row for row in rows if row["layer"] not in TABLES]),
        "tables": held_out.summary([row for row in rows if row["layer"] in TABLES]),
        "errors": list(errors(checkpoint, tensors, chosen, judged, dictionary)),
    }


def tables(record: dict[str, Any]) -> str:
    """Return the tables of the page."""
    lines = [
        held_out.table(record["losses"]),
        "",
        "The two layers that are given rows of a table, of 29 letters or 74 phonemes:",
        "",
        held_out.table(record["tables"]),
        "",
        "Newly wrong words in a hundred:",
        "",
        "| size | no inputs, `truncate` | as measured, `whitened` | shrunk, `outputs` |",
        "|---|---|---|---|",
    ]
    for size in SIZES:
        cells = [
            f"{100 * row['more']:+.1f} ± {100 * row['more_se']:.1f}"
            for row in record["errors"]
            if row["size"] == size
        ]
        lines.append(f"| {percent(size)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def page_text(text: str, record: dict[str, Any]) -> str:
    """Return the page with the tables of a record."""
    return between(text, *MARKS, f"\n{tables(record)}\n")


def main() -> int:
    return measure.write_record_and_page(sys.argv[1:], measured, RECORDS, PAGE, page_text)


if __name__ == "__main__":
    sys.exit(main())
