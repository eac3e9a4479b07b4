"""Does removing the estimated noise bring a matrix nearer to what training has added to its start?

    python studies/fashion_mnist/against_start.py FOLDER [NAME …]

FOLDER is that of `train_networks.py`. What is added is W − αW₀ with α by least squares. A record is
written for each trained network that has none.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from fashion_records import RECORDS, text
from safetensors.numpy import load_file

from pastur import fit_rectangular
from pastur._files import write_whole
from pastur._typing import FloatArray
from pastur._versions import package_versions
from pastur.estimation.baselines import median_rule, shrunk_singular_values

NOISES = ("white", "profile", "free")


def distances(w: FloatArray, start: FloatArray) -> dict[str, Any]:
    """Return how far W, and what is made of it without its start, are from W − αW₀.

    In units of ‖W − αW₀‖, so that 1 is what the zero matrix has.

    - ``"none"``: W itself; ``"scaled"``: W times the best number;
    - ``"white"``, ``"profile"``, ``"free"``: the fits' denoised matrices; ``"shrink"``: Gavish and
      Donoho's shrinkage, σ by the median rule;
    - ``"edge"``: the directions beyond the edge of the white fit;
    - ``"best rank"``: the truncation that is nearest, chosen with W₀; ``"best values"``: the
      singular directions of W with the values that are nearest, chosen with W₀.
    """
    alpha = float(np.vdot(w, start) / np.vdot(start, start))
    added = w - alpha * start
    unit = float(np.linalg.norm(added))
    u, values, vt = np.linalg.svd(w, full_matrices=False)
    inside = np.einsum("ij,ij->j", u, added @ vt.T)
    found: dict[str, Any] = {
        "none": np.linalg.norm(w - added) / unit,
        "scaled": np.linalg.norm(np.vdot(w, added) / np.vdot(w, w) * w - added) / unit,
    }
    fits = {noise: fit_rectangular(w, singular_values=values, noise=noise) for noise in NOISES}
    for noise, fit in fits.items():
        found[noise] = np.linalg.norm(fit.denoise(w) - added) / unit
    shrunk = shrunk_singular_values(values, w.shape, sigma=median_rule(values, w.shape).sigma)
    found["shrink"] = _with_values(shrunk, inside, unit)
    above = int(np.sum(values > fits["white"].bulk_edge))
    squares = np.append(0.0, np.cumsum(values**2 - 2 * values * inside))
    by_rank = np.sqrt(np.maximum(1 + squares / unit**2, 0.0))
    found |= {
        "edge": by_rank[above],
        "best rank": by_rank.min(),
        "best values": _with_values(np.maximum(inside, 0.0), inside, unit),
    }
    return {
        "alpha": round(alpha, 4),
        "moved": round(unit / float(np.linalg.norm(w)), 4),
        "ranks": {"edge": above, "best": int(by_rank.argmin())},
        "verdicts": {noise: str(fit.goodness.verdict) for noise, fit in fits.items()},
        "distances": {name: round(float(value), 4) for name, value in found.items()},
    }


def _with_values(values: FloatArray, inside: FloatArray, unit: float) -> float:
    """Return the distance of Σ ηᵢ uᵢvᵢᵀ, where ``inside`` has uᵢᵀ(W − αW₀)vᵢ."""
    return float(np.sqrt(max(1 + np.sum(values**2 - 2 * values * inside) / unit**2, 0.0)))


def measure(folder: Path) -> dict[str, Any]:
    """Return the record of one network; its last matrix is left out, having ten rows."""
    begun = time.process_time()
    ends, starts = (load_file(folder / f"{one}.safetensors") for one in ("network", "start"))
    names = sorted(name for name, value in ends.items() if value.ndim == 2)[:-1]
    rows = []
    for name in names:
        w, start = (np.asarray(one[name], np.float64) for one in (ends, starts))
        rows.append({"layer": name.removesuffix(".weight")} | distances(w, start))
    return {
        "training": json.loads((folder / "made.json").read_text("utf-8"))["training"],
        "versions": package_versions(),
        "seconds": round(time.process_time() - begun, 1),
        "rows": rows,
    }


def trained(folder: Path) -> Iterator[Path]:
    """Yield the folders of finished trainings."""
    return (path.parent for path in sorted(folder.glob("*/made.json")))


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    for folder in trained(Path(sys.argv[1])):
        path = RECORDS / f"start-{folder.name}.json"
        if folder.name in (sys.argv[2:] or [folder.name]) and not path.exists():
            record = measure(folder)
            write_whole(path, text(record).encode())
            print(folder.name, record["seconds"], flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
