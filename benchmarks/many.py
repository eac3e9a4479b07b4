"""Two processes against two bare NumPy processes, and what recording and resuming cost.

    python benchmarks/many.py gain                   # half a minute on two idle cores
    python benchmarks/many.py recording             # two minutes
    python benchmarks/many.py killed FOLDER          # 3000 tensors of 30 GB, killed ten times

`gain` alternates four runs of the same independent draws, five times: one bare process, two, one of
pastur, two. `recording` compares the times of `analyze` with and without `--resume`, alternated
thirty times. `killed` writes a sparse file (most tensors are zero and take no room on disk),
analyses it once, then kills the command at ten random moments, and compares the two JSON files, the
times left out.
"""

import os

if __name__ == "__main__":
    # Before NumPy is imported, which reads them once.
    for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[_variable] = "1"

import argparse
import json
import multiprocessing
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

SIZES, DRAWS, ROUNDS = (500, 1000), 24, 5
RECORDED = 30
TENSORS, SIDE, EVERY = 3000, 1581, 300
KILLS = 10


def draw(size: int, seed: int) -> float:
    """Return the largest eigenvalue of a symmetric matrix of noise."""
    w = np.random.default_rng(seed).normal(size=(size, size))
    return float(np.linalg.eigvalsh(w + w.T)[-1])


def draw_all(calls: list[tuple[int, int]]) -> None:
    """Draw with a bare process."""
    for size, seed in calls:
        draw(size, seed)


def bare(processes: int, calls: list[tuple[int, int]]) -> float:
    """Return the seconds of bare processes that share the draws, once all are started."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes) as pool:
        shares = [calls[k::processes] for k in range(processes)]
        # Once before: a process that is still starting leaves its share to the others.
        pool.map(draw_all, shares, chunksize=1)
        start = time.perf_counter()
        pool.map(draw_all, shares, chunksize=1)
        return time.perf_counter() - start


def ours(processes: int, calls: list[tuple[int, int]]) -> float:
    """Return the seconds of `finished`, once the processes are started."""
    from pastur._pool import finished
    from pastur._workers import Workers

    workers = Workers(processes)
    list(finished(draw, calls, workers=workers))
    start = time.perf_counter()
    list(finished(draw, calls, workers=workers))
    return time.perf_counter() - start


def gain() -> None:
    """Print the gains of two processes, and their ratio."""
    for size in SIZES:
        calls = [(size, seed) for seed in range(DRAWS)]
        runs: dict[str, list[float]] = {name: [] for name in ("bare 1", "bare 2", "1", "2")}
        for _ in range(ROUNDS):
            for name, seconds in runs.items():
                seconds.append((bare if "bare" in name else ours)(int(name[-1]), calls))
        middle = {name: statistics.median(seconds) for name, seconds in runs.items()}
        by_numpy, by_pastur = middle["bare 1"] / middle["bare 2"], middle["1"] / middle["2"]
        print(f"draws of {middle['bare 1'] / DRAWS * 1e3:.0f} ms; load {os.getloadavg()[0]:.1f}")
        print(
            f"bare NumPy {by_numpy:.3f}, pastur {by_pastur:.3f}, ratio {by_pastur / by_numpy:.3f}"
        )


def recording() -> None:
    """Print the CPU time and the wall-clock time of an analysis with records and without."""
    from pastur.analysis import analyze

    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        shapes = [(512, 512), (768, 768), (768, 3072), (1600, 1600)] * 2
        layers = {f"layer.{k}": rng.normal(size=shape) for k, shape in enumerate(shapes)}
        save_file({name: layer.astype(np.float32) for name, layer in layers.items()}, path)
        analyze(path)
        runs: dict[str, list[tuple[float, float]]] = {"without": [], "with": [], "resumed": []}
        for number in range(RECORDED):
            kept = Path(folder) / str(number)
            for name, seconds in runs.items():
                start = time.process_time(), time.perf_counter()
                analyze(path, resume=None if name == "without" else kept)
                seconds.append((time.process_time() - start[0], time.perf_counter() - start[1]))
    for k, clock in enumerate(("CPU", "wall")):
        middle = {name: statistics.median(pair[k] for pair in runs[name]) for name in runs}
        share = {name: f"{seconds / middle['without']:.4f}" for name, seconds in middle.items()}
        print(f"{clock} seconds: {middle['without']:.2f} without; relative to it: {share}")


def write_sparse(path: Path) -> None:
    """Write tensors of which every three-hundredth is noise, and the others are zero."""
    nbytes = 4 * SIDE * SIDE
    header: dict[str, Any] = {
        f"layer.{k}": {
            "dtype": "F32",
            "shape": [SIDE, SIDE],
            "data_offsets": [k * nbytes, (k + 1) * nbytes],
        }
        for k in range(TENSORS)
    }
    text = json.dumps(header).encode()
    rng = np.random.default_rng(2)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for k in range(0, TENSORS, EVERY):
            file.seek(8 + len(text) + k * nbytes)
            file.write(rng.normal(size=(SIDE, SIDE)).astype("<f4").tobytes())
        file.truncate(8 + len(text) + TENSORS * nbytes)


def analysed(model: Path, output: Path, kept: Path, jobs: int) -> subprocess.Popen[bytes]:
    """Start the command."""
    options = ["--json", output, "--resume", kept, "--jobs", jobs, "--quiet"]
    command = [sys.executable, "-m", "pastur", "analyze", model, *options]
    return subprocess.Popen([str(part) for part in command], start_new_session=True)


def found(path: Path) -> Any:
    """Return what a JSON file holds, without the times."""
    values = json.loads(path.read_text("utf-8"))
    for matrix in values["matrices"]:
        del matrix["seconds"]
    return values


def killed(folder: Path, jobs: int) -> None:
    """Kill the command again and again, and print whether it comes to the same."""
    folder.mkdir(exist_ok=True)
    model = folder / "model.safetensors"
    write_sparse(model)
    start = time.perf_counter()
    analysed(model, folder / "once.json", folder / "once", jobs).wait()
    seconds = time.perf_counter() - start
    print(f"{model.stat().st_size / 1e9:.1f} GB in {seconds:.0f} s without a break")
    moments, kept = random.Random(3), folder / "kept"
    for number in range(KILLS):
        process = analysed(model, folder / "result.json", kept, jobs)
        time.sleep(moments.uniform(0.05, 0.95) * seconds)
        finished_early = process.poll() is not None
        if not finished_early:
            os.killpg(process.pid, 9)
        process.wait()
        records = len(list(kept.glob("*.json"))) if kept.exists() else 0
        print(f"kill {number + 1}: {records} records{', had ended' if finished_early else ''}")
    assert analysed(model, folder / "result.json", kept, jobs).wait() == 0
    same = found(folder / "result.json") == found(folder / "once.json")
    print("the same JSON" if same else "NOT the same JSON")
    sys.exit(not same)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=["gain", "recording", "killed"])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    if options.what == "killed":
        killed(options.folder or Path(tempfile.mkdtemp()), options.jobs)
    else:
        {"gain": gain, "recording": recording}[options.what]()


if __name__ == "__main__":
    main()
