"""What one way costs over another, both ours: ratios that pages quote."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from sides import Side, compare

import pastur
from pastur import DeformedWigner, Empirical
from pastur._typing import FloatArray

ATOMS, SIDE = 30_000, 1024


def two_values(atoms: FloatArray) -> FloatArray:
    found: FloatArray = DeformedWigner(Empirical(atoms), sigma=1.0).law.density(
        np.array([0.3, 1.7])
    )
    return found


def bench_heavy_tails(benchmark: Any) -> None:
    rng = np.random.default_rng(0)
    normal, cauchy = rng.standard_normal(ATOMS), rng.standard_cauchy(ATOMS)
    compare(
        benchmark,
        f"Two values of the density for {ATOMS} atoms",
        Side(partial(two_values, normal)),
        {"Cauchy atoms": Side(partial(two_values, cauchy))},
        name="Gaussian atoms",
    )


def bench_compare(benchmark: Any) -> None:
    rng = np.random.default_rng(0)
    old = rng.standard_normal((SIDE, SIDE)) / np.sqrt(SIDE)
    u, v = (np.linalg.qr(rng.standard_normal((SIDE, 5)))[0] for _ in range(2))
    new = old + 0.1 * rng.standard_normal((SIDE, SIDE)) / np.sqrt(SIDE) + 2 * u @ v.T
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("old.safetensors", "new.safetensors")]
        for file, matrix in zip(files, (old, new), strict=True):
            save_file({"layer.weight": matrix.astype(np.float32)}, file)
        compare(
            benchmark,
            f"One matrix of {SIDE} × {SIDE} from a file",
            Side(partial(pastur.analyze, files[0])),
            {"`compare` with a second state": Side(partial(pastur.compare, *files))},
            name="`analyze`",
        )
