"""CPU seconds of MiniLM, before and after, and with the tests that need no law; see minilm.py."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from before import COMMIT, source_before
from layers import MODELS, fetch
from parts import Options, Record

REPEATS, QUICK = 15, 1
# Over the seconds before.
LIMITS = {"pastur": 1.5, "pastur --tests": 4.0}
SCRIPT = Path(__file__).resolve().parents[1] / "minilm.py"


def run(options: Options) -> Record:
    (model,) = (model for model in MODELS if model.name == "MiniLM")
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "medians.json"
        command = [sys.executable, str(SCRIPT), str(fetch(model, options.folder)), "--tests"]
        command += ["--before", str(source_before(Path(folder))), "--record", str(record)]
        command += ["--repeats", str(QUICK if options.quick else REPEATS)]
        subprocess.run(command, check=True)
        result: Record = json.loads(record.read_text())
    return result


def table(record: Record) -> str:
    before = record["before"]
    lines = [
        f"| MiniLM, whole process | CPU seconds | over commit {COMMIT} | wanted |",
        "|---|---|---|---|",
    ]
    for side, seconds in record.items():
        ratio, limit = seconds / before, LIMITS.get(side)
        mark = "" if limit is None else f"≤ {limit} {'✓' if ratio <= limit else '✗'}"
        lines.append(f"| {side} | {seconds:.2f} | {ratio:.2f} | {mark} |")
    return "\n".join(lines)
