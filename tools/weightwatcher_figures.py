"""Figures of weightwatcher for fixed matrices, which the tests compare with ours.

    PYTHON tools/weightwatcher_figures.py tests/analysis/data/weightwatcher.json

PYTHON is an interpreter that has weightwatcher and safetensors; pastur is not needed.
"""

import json
import logging
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

FIGURES = (
    "alpha", "alpha_weighted", "D", "sigma", "xmin", "num_pl_spikes", "stable_rank", "log_norm",
    "log_spectral_norm", "log_alpha_norm", "entropy", "spectral_norm", "norm", "matrix_rank",
    "max_rand_eval", "ww_softrank",
)  # fmt: skip


def matrices() -> dict[str, np.ndarray[Any, Any]]:
    """Return matrices of noise, with spikes, and of a heavy tail."""
    rng = np.random.default_rng(20261127)
    noise = rng.standard_normal((120, 200))
    spiked = rng.standard_normal((150, 150)) + 4 * rng.standard_normal(
        (150, 3)
    ) @ rng.standard_normal((3, 150))
    u, v = (np.linalg.qr(rng.standard_normal((n, 100)))[0] for n in (100, 180))
    heavy = u * (rng.pareto(2.0, 100) + 1) @ v.T
    found = {"noise": noise, "spiked": spiked, "heavy": heavy}
    return {name: value.astype(np.float32) for name, value in found.items()}


def main() -> None:
    import weightwatcher
    from safetensors.numpy import save_file

    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        tensors = {f"{name}.weight": value for name, value in matrices().items()}
        save_file(tensors, Path(folder, "model.safetensors"))
        table = weightwatcher.WeightWatcher(model=folder).analyze(randomize=True)
    rows = {
        row["longname"]: {figure: float(row[figure]) for figure in FIGURES}
        for _, row in table.iterrows()
    }
    told = {"weightwatcher": version("weightwatcher"), "matrices": rows}
    Path(sys.argv[1]).write_text(json.dumps(told, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
