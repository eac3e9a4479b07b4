"""Instructions that kernels take, next to those in the record: the same on a busy machine.

    python benchmarks/suite/instructions.py             # compare; `make bench` does
    python benchmarks/suite/instructions.py --record    # after a change that is meant

Valgrind counts them (`apt install valgrind`): in a process that calls a kernel twice, less those
of one that calls it once, so that neither start nor first call counts. Counts repeat to about 1e-4;
what is more than 3 % above the record is a regression, and the exit status 1. They depend on the
versions of Python, NumPy and SciPy and on the kind of processor; where these are not those of the
record, nothing is compared, and that is said.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from pastur._files import write_whole

HERE = Path(__file__).resolve().parent
RECORD = HERE / "instructions.json"
TOLERANCE = 0.03
# One kind of BLAS kernel on every machine, one order of sets and dictionaries.
FIXED = {
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
COUNTER = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


def surroundings() -> dict[str, str]:
    """Return what counts depend on."""
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }


def counted() -> dict[str, int]:
    """Return the instructions of one call of each kernel."""
    command = [*COUNTER, sys.executable, str(HERE / "kernels.py")]
    done = subprocess.run(
        command, env=os.environ | FIXED, capture_output=True, text=True, check=True
    )
    found = re.findall(r"==(\d+)== I +refs: +([\d,]+)", done.stderr)
    of_process = {process: int(count.replace(",", "")) for process, count in found}
    counts = {}
    for line in done.stdout.splitlines():
        name, once, twice = line.split("\t")
        counts[name] = of_process[twice] - of_process[once]
        print(f"{name:32} {counts[name] / 1e6:10.1f} million instructions", flush=True)
    return counts


def grown(counts: Mapping[str, int], record: Mapping[str, int]) -> dict[str, float]:
    """Return the kernels that take more than the record allows, with the ratio.

    >>> grown({"a": 102, "b": 110, "new": 5}, {"a": 100, "b": 100})
    {'b': 1.1}
    """
    ratios = {name: counts[name] / record[name] for name in counts if name in record}
    return {name: ratio for name, ratio in ratios.items() if ratio > 1 + TOLERANCE}


def compare(record: Mapping[str, Any]) -> int:
    """Return the exit status of a comparison, with its reasons printed."""
    now = surroundings()
    if now != record["surroundings"]:
        print(
            f"Instructions are not compared: the record is of {record['surroundings']}, not {now}"
        )
        return 0
    slower = grown(counted(), record["counts"])
    for name, ratio in slower.items():
        print(f"{name} takes {ratio:.3f} times the instructions of the record")
    return int(bool(slower))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="store the counts")
    options = parser.parse_args()
    if shutil.which(COUNTER[0]) is None:
        print("Instructions are not counted: valgrind is not installed.")
        return 0
    if options.record:
        record = {"surroundings": surroundings(), "counts": counted()}
        write_whole(RECORD, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        return 0
    if not RECORD.exists():
        print("Instructions are not compared: there is no record yet, --record makes one.")
        return 0
    return compare(json.loads(RECORD.read_text("utf-8")))


if __name__ == "__main__":
    sys.exit(main())
