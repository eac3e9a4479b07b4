"""A checkpoint larger than memory: what it costs to list it, and to analyse one of its layers.

    python benchmarks/sparse_checkpoint.py [--layers 300] [--folder FOLDER]

Writes a safetensors file of 10 tensors of 10.5 MB a layer, 31 GB in all, that takes 0.1 GB of disk:
it is sparse, but for layer 7, which holds noise with three spikes. Then, each in a process of its
own: `open_weights` with `iter_matrices` over the whole, and `pastur analyze FILE --include
'layers.7.*'`; with CPU and wall-clock seconds, and the largest anonymous memory. Needs a file
system with sparse files; Linux only.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from processes import Runs

SHAPE, PARTS, CHOSEN = (1024, 2560), 10, 7
SPIKES = (5.0, 3.0, 2.0)

LIST = """
import sys
from pastur.weights import iter_matrices, open_weights

weights = open_weights(sys.argv[1])
items = list(iter_matrices(weights))
print(len(items), "matrices,", sum(entry.nbytes for entry in weights.entries) / 1e9, "GB")
"""


def write(path: Path, layers: int) -> None:
    """Write the file: header, hole, the chosen layer."""
    size = 4 * SHAPE[0] * SHAPE[1]
    names = [f"layers.{layer}.{part}.weight" for layer in range(layers) for part in range(PARTS)]
    header = {
        name: {"dtype": "F32", "shape": SHAPE, "data_offsets": [k * size, (k + 1) * size]}
        for k, name in enumerate(names)
    }
    text = json.dumps(header).encode()
    start = 8 + len(text)
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(start + len(names) * size)
        file.seek(start + CHOSEN * PARTS * size)
        for _ in range(PARTS):
            left, right = (np.linalg.qr(rng.normal(size=(n, len(SPIKES))))[0] for n in SHAPE)
            w = rng.normal(size=SHAPE) / max(SHAPE) ** 0.5 + left * SPIKES @ right.T
            file.write(w.astype("<f4").tobytes())


def report(runs: Runs, what: str, command: Sequence[str], unit: int) -> None:
    runs.cpu_seconds(command)
    start = time.perf_counter()
    cpu = runs.cpu_seconds(command)
    wall = time.perf_counter() - start
    peak = runs.peak_anonymous(command)
    print(
        f"{what:28} {cpu:6.2f} CPU s {wall:7.2f} s {peak / 2**20:7.0f} MiB "
        f"({peak / unit:.1f} times one tensor in float64)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=300)
    parser.add_argument("--folder", type=Path, help="default: that of temporary files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        path, result = Path(name) / "model.safetensors", Path(name) / "result.json"
        write(path, options.layers)
        stat = path.stat()
        print(f"{stat.st_size / 1e9:.1f} GB, of which {512 * stat.st_blocks / 1e9:.2f} on disk")
        runs, unit = Runs(Path(name)), 8 * SHAPE[0] * SHAPE[1]
        print(f"`import pastur` leaves {runs.anonymous_after_import() / 2**20:.0f} MiB")
        report(runs, "listed", [sys.executable, "-c", LIST, str(path)], unit)
        print(runs.log.read_text().strip())
        analyze = [sys.executable, "-m", "pastur", "analyze", str(path), "--quiet"]
        analyze += ["--json", str(result), "--include", f"layers.{CHOSEN}.*"]
        report(runs, f"layer {CHOSEN} analysed", analyze, unit)
        found = json.loads(result.read_text())
        ranks = [len(matrix["fit"]["spikes"]) for matrix in found["matrices"]]
        print(f"spikes found in {len(ranks)} matrices with {len(SPIKES)} each: {ranks}")
        print(f"other tensors accounted for: {len(found['skipped'])}")


if __name__ == "__main__":
    main()
