"""Word and phoneme errors of g2p-en against its size, for every method.

    python studies/g2p/measure.py FOLDER       # measures, writes records.json, and the page
    python studies/g2p/measure.py --page       # writes the table of the page from records.json

The wheels are downloaded into FOLDER by pip, 4 MB. Each smaller network is written as a file,
read back and evaluated on the same 5000 words.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pronounce

import pastur
from pastur._format import percent
from pastur._versions import package_versions
from pastur.compression import CompressionPlan, read_compressed

# Pages are written as the tools write them.
sys.path.append(str(Path(__file__).parents[2] / "tools"))
from page_blocks import between

HERE = Path(__file__).parent
RECORDS = HERE / "records.json"
PAGE = HERE.parent.parent / "docs" / "compression-g2p.md"
MARKS = "<!-- g2p: made by studies/g2p/measure.py -->", "<!-- end of g2p -->"
WORDS = 5000
SIZES = (0.9, 0.75, 0.6, 0.45, 0.35)
EMBEDDINGS = "*_emb"
PRUNED = (0.9, 0.75, 0.6, 0.45, 0.3)


def cases() -> Iterator[dict[str, Any]]:
    """Yield the arguments of every plan."""
    for method in ("truncate", "energy", "rank", "edge"):
        yield from ({"method": method, "target": {"size": size}} for size in SIZES)
    for method in ("magnitude", "edge_budget", "ramp"):
        yield from ({"method": method, "target": {"size": size}} for size in PRUNED)
    for exclude in (None, EMBEDDINGS):
        own = ("edge", "denoise", "shrink", "stable_rank")
        yield from ({"method": method, "exclude": exclude} for method in own)
    # At the size of the edge's own choice.
    yield {"method": "truncate", "target": {"size": 0.33}, "exclude": EMBEDDINGS}
    yield from ({"method": "round", "bits": bits} for bits in (8, 6, 5, 4, 3, 2))
    yield from ({"method": "split", "bits": bits} for bits in (4, 3, 2))


def measure(folder: Path) -> dict[str, Any]:
    """Return the record of all cases."""
    checkpoint, dictionary_file = pronounce.fetch(folder)
    dictionary = pronounce.read_words(dictionary_file)
    words = pronounce.chosen_words(dictionary, WORDS)
    analyses = {one: pastur.analyze(checkpoint, exclude=one) for one in (None, EMBEDDINGS)}
    before = pronounce.errors(read_compressed(checkpoint), words, dictionary)
    rows = []
    for case in cases():
        start = time.process_time()
        options = dict(case)
        analysis = analyses[options.pop("exclude", None)]
        plan = pastur.plan_compression(analysis, checkpoint, form="dense", **options)
        tensors = written(plan, checkpoint)
        row = described(plan, case)
        row |= compared(pronounce.errors(tensors, words, dictionary), before)
        rows.append(row | {"seconds": round(time.process_time() - start, 2)})
        print(row, flush=True)
    dense = {"words": before.words, "words_se": before.words_se, "phonemes": before.phonemes}
    return {
        "packages": list(pronounce.PACKAGES),
        "words": WORDS,
        "versions": package_versions(),
        "dense": dense,
        "rows": rows,
    }


def written(plan: CompressionPlan, checkpoint: Path) -> dict[str, Any]:
    """Return the tensors of the file that a plan leads to."""
    with tempfile.TemporaryDirectory() as folder:
        done = pastur.apply_compression(plan, checkpoint, Path(folder) / "small.npz")
        return read_compressed(done.path)


def described(plan: CompressionPlan, case: dict[str, Any]) -> dict[str, Any]:
    """Return method, size and error of a plan; bytes as if codes and factors were packed."""
    after = plan.parameters_after
    assert after is not None
    packed = sum(
        matrix.bytes_after(pastur.compression.Form.FACTORED) - matrix.bytes_before
        for matrix in plan.matrices
    )
    return {
        "method": case["method"],
        "exclude": case.get("exclude"),
        "asked": case.get("target", {}).get("size") or case.get("bits"),
        "parameters": round(after / plan.parameters_before, 4),
        "bytes": round(1 + packed / plan.bytes_before, 4),
        "error": None if plan.error is None else round(plan.error, 4),
    }


def compared(found: pronounce.Errors, before: pronounce.Errors) -> dict[str, Any]:
    """Return the errors, and the difference from the dense network with its standard error."""
    changes = np.subtract(found.wrong, before.wrong, dtype=float)
    return {
        "words": round(found.words, 4),
        "phonemes": round(found.phonemes, 4),
        "more": round(float(changes.mean()), 4),
        "more_se": round(float(changes.std() / np.sqrt(changes.size)), 4),
    }


def table(record: dict[str, Any]) -> str:
    """Return the table of the page."""
    dense = record["dense"]
    lines = [
        "| method | parameters | bytes | error of the weights | word errors | more than dense | "
        "phoneme errors |",
        "|---|---|---|---|---|---|---|",
        f"| dense | 100 % | 100 % | 0 | {percent(dense['words'], 3)} | | "
        f"{percent(dense['phonemes'], 3)} |",
    ]
    for row in record["rows"]:
        asked = row["asked"]
        name = f"`{row['method']}`" + (f", {asked} bits" if isinstance(asked, int) else "")
        name += ", embeddings kept" if row["exclude"] else ""
        more = f"{100 * row['more']:+.1f} ± {100 * row['more_se']:.1f}"
        lines.append(
            f"| {name} | {percent(row['parameters'])} | {percent(row['bytes'])} | "
            f"{percent(row['error'])} | {percent(row['words'], 3)} | {more} | "
            f"{percent(row['phonemes'], 3)} |"
        )
    return "\n".join(lines)


def page_text(text: str, record: dict[str, Any]) -> str:
    """Return the page with the table of a record."""
    return between(text, *MARKS, f"\n{table(record)}\n")


def write_record_and_page(
    arguments: Sequence[str],
    measured: Callable[[Path], dict[str, Any]],
    records: Path,
    page: Path,
    written: Callable[[str, dict[str, Any]], str],
) -> int:
    """Measure, unless only the page is wanted, and write the page from the record."""
    if list(arguments) != ["--page"]:
        records.write_text(json.dumps(measured(Path(arguments[0])), indent=1) + "\n", "utf-8")
    if page.exists():
        record = json.loads(records.read_text("utf-8"))
        page.write_text(written(page.read_text("utf-8"), record), "utf-8")
    return 0


def main() -> int:
    return write_record_and_page(sys.argv[1:], measure, RECORDS, PAGE, page_text)


if __name__ == "__main__":
    sys.exit(main())
