"""The command, run as a user runs it: exit status, numbers on screen, files, words."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from golden_cases.case import Case
from golden_cases.documents import csv_document, json_document
from golden_cases.matrices import KINDS
from pastur.datasets import shipped_network_path

# Digits that stand alone or with a sign, point and exponent; not those within a name.
_NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?!\w)")
_WIDTH = "160"

RUNS = {
    "demo": "demo --json d.json --csv d.csv -o d.html",
    "analyze demo": "analyze network.safetensors --json a.json --csv a.csv",
    "analyze demo, all beside": "analyze network.safetensors --baseline bema --baseline mp_pca "
    "--baseline kritchman_nadler --baseline median_rule --baseline parallel_analysis "
    "--randomize 1 --seed 3 --json a.json --csv a.csv",
    "analyze a model": "analyze model.npz --json a.json --csv a.csv -o a.html",
    "analyze a model, chosen": "analyze model.npz --include few* --exclude *tied* --alpha 0.2",
    "analyze a model, window": "analyze model.npz --include conv* --unfold window --csv a.csv",
    "analyze a difference": "analyze model.npz --base base.npz --json a.json",
    "analyze a matrix": "analyze matrix.npy",
    "analyze, quiet": "analyze matrix.npy --quiet --json a.json",
    "analyze, two jobs": "analyze model.npz --jobs 2 --json a.json",
    "analyze a missing file": "analyze nowhere.npy",
    "analyze a damaged file": "analyze damaged.safetensors",
    "analyze no weights": "analyze note.txt",
    "analyze nothing left": "analyze model.npz --include none*",
    "analyze NaN": "analyze nan.npy",
    "analyze over the model": "analyze matrix.npy --json matrix.npy",
    "analyze into nowhere": "analyze matrix.npy --csv nowhere/a.csv",
    "analyze, alpha 2": "analyze matrix.npy --alpha 2",
    "analyze, no model": "analyze",
    "analyze, no such option": "analyze matrix.npy --none-such",
    "no such command": "none-such",
    "law of two atoms": "law --atoms -1.5,1.5 --sigma 0.8 --spikes 2.8,1.6,-4 --json l.json "
    "--csv l.csv",
    "law, size": "law --uniform -1,1 --spikes 3,1.2 --size 1000 --beta 2 --json l.json",
    "law, weights": "law --atoms 0,1/3,2 --weights 0.5,0.25,0.25 --json l.json",
    "law, semicircle": "law --semicircle 0.5,1 --spikes 4 --json l.json",
    "law, ratio": "law --ratio 0.5 --atoms 0 --spikes 2,0.5 --size 1000 --json l.json --csv l.csv",
    "law, ratio 1": "law --ratio 1 --marchenko-pastur 0.3 --spikes 5,2 --json l.json",
    "law of eigenvalues": "law --eigenvalues eigenvalues.txt --spikes 6 --json l.json --size 40",
    "law of singular values": "law --singular-values singular.npy --ratio 0.4 --json l.json",
    "law, quiet": "law --atoms 0 --quiet --json l.json -o l.svg",
    "law of nothing": "law",
    "law of two": "law --atoms 0 --uniform 0,1",
    "law, sigma -1": "law --atoms 0 --sigma -1",
    "law, ratio 2": "law --atoms 0 --ratio 2",
    "law, no number": "law --atoms a",
    "verify one": "verify lemma-4.1 --jobs 1 --json v.json",
    "verify nothing": "verify theorem-9",
    "experiment without data": "experiment fashion-mnist --data nowhere",
}
_SLOW = {"analyze, two jobs", "analyze demo, all beside", "demo", "verify one"}


def cases() -> Iterator[Case]:
    for name, line in RUNS.items():
        yield Case("command", name, partial(_run, line), quick=name not in _SLOW)
    yield Case("claims", "all", partial(_run, "verify --quick --jobs 1 --json v.json"), quick=False)


def _inputs(folder: Path) -> None:
    rng = np.random.default_rng(12)
    os.link(_copy(folder), folder / "network.safetensors")
    (folder / "copy").unlink()
    kinds = ("noise", "few spikes", "a crowd of spikes", "rows differ", "tied", "exact low rank")
    model = {f"{kind}.weight": np.asarray(KINDS[kind](rng, 50, 70)) for kind in kinds}
    model |= {"conv.weight": rng.normal(size=(24, 8, 3, 3)), "bias": np.zeros(3)}
    np.savez(folder / "model.npz", **model)  # type: ignore[arg-type]
    half = {name: 0.5 * w for name, w in model.items()}
    np.savez(folder / "base.npz", **half)  # type: ignore[arg-type]
    np.save(folder / "matrix.npy", model["few spikes.weight"])
    np.save(folder / "nan.npy", np.full((20, 30), np.nan))
    np.save(folder / "singular.npy", np.linspace(0.1, 2.0, 30))
    (folder / "damaged.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    (folder / "note.txt").write_text("nothing\n", "utf-8")
    np.savetxt(folder / "eigenvalues.txt", np.sort(rng.normal(size=40)))


def _copy(folder: Path) -> Path:
    path = folder / "copy"
    path.write_bytes(shipped_network_path().read_bytes())
    return path


def _run(line: str) -> dict[str, Any]:
    """Return what a run of ``pastur`` prints, writes and returns."""
    settings = {"COLUMNS": _WIDTH, "NO_COLOR": "1", "TERM": "dumb", "PYTHONIOENCODING": "utf-8"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _inputs(folder)
        given = {path.name for path in folder.iterdir()}
        done = subprocess.run(
            [sys.executable, "-m", "pastur", *line.split()],
            cwd=folder,
            env=os.environ | settings,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        written = sorted(path for path in folder.rglob("*") if path.is_file())
        files = [path for path in written if path.parent != folder or path.name not in given]
        return {
            "status": done.returncode,
            "numbers": _numbers(done.stdout),
            "numbers of errors": _numbers(done.stderr),
            "written": [path.relative_to(folder).as_posix() for path in files],
            "documents": {p.relative_to(folder).as_posix(): d for p in files if (d := _read(p))},
            "words": done.stdout.splitlines(),
            "words of errors": done.stderr.splitlines(),
        }


def _read(path: Path) -> dict[str, Any] | None:
    readers = {".json": json_document, ".csv": csv_document}
    reader = readers.get(path.suffix)
    return reader(path) if reader else None


def _numbers(text: str) -> list[list[str]]:
    """Return the numbers of each paragraph: sentences may be wrapped elsewhere."""
    return [_NUMBER.findall(paragraph) for paragraph in re.split(r"\n\s*\n", text.strip())]
