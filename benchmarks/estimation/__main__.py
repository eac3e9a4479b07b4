"""Our estimators beside the published ones, on the same draws.

    python benchmarks/estimation [SECTION …] [--draws 200] [--jobs 2] [--seed 0] [--model FILE]
    python benchmarks/estimation --page

Sections: sigma, counts, intervals (all three from the same spectra), noise (pure noise: rate of
false spikes), entries (the same for entries of many laws), goodness (p-values), denoising,
verdicts, ugly (small and ugly inputs), cost (with `--model`, of a safetensors file as well); all of
them by default, over an hour on two cores. σ = 1 throughout. Each figure stands beside its limit,
✓ or ✗; the exit status is 1 if one is not met. Of sigma, counts and intervals a full run leaves a
record, from which docs/estimation.md is written, by `--page` alone as well.
"""

import argparse
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import cost
import denoising
import draws
import entries
import goodness
import joblib
import pure
import spectra
import spectra_page
import ugly
import verdicts
from draws import Cell
from threadpoolctl import threadpool_limits

Result = TypeVar("Result")

# Draws of a full run.
FULL = 200
# Sections made of tasks that are shared out.
SPREAD = {
    "noise": pure,
    "entries": entries,
    "goodness": goodness,
    "denoising": denoising,
    "verdicts": verdicts,
    "ugly": ugly,
}
SECTIONS = (*spectra.PARTS, *SPREAD, "cost")


def limited(function: Callable[..., Result], *arguments: object) -> Result:
    with threadpool_limits(1):
        return function(*arguments)


def spread(
    function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], jobs: int
) -> list[Result]:
    """Return the results of the tasks, in order, one BLAS thread each."""
    calls = (joblib.delayed(limited)(function, *task) for task in tasks)
    result: list[Result] = joblib.Parallel(n_jobs=jobs, batch_size=4)(calls)
    return result


def run_spectra(parts: Sequence[str], options: Namespace) -> bool:
    results: dict[Cell, list[dict[str, Any]]] = {}
    for cell in draws.cells():
        tasks = [(cell, options.seed, draw) for draw in range(options.draws)]
        results[cell] = spread(spectra.one_draw, tasks, options.jobs)
    if options.draws >= FULL:
        spectra_page.write_record(spectra_page.summary(results, options.seed))
        spectra_page.write_page()
    return spectra.report(results, parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--draws", type=int, default=FULL)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="safetensors file whose fits are timed")
    parser.add_argument("--page", action="store_true", help="write the page only")
    options = parser.parse_args()
    if options.page:
        spectra_page.write_page()
        return 0
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    chosen, good = options.sections or SECTIONS, []
    parts = [part for part in spectra.PARTS if part in chosen]
    if parts:
        good.append(run_spectra(parts, options))
    for name, section in SPREAD.items():
        if name in chosen:
            tasks = section.tasks(options.draws, options.seed)
            good.append(section.report(tasks, spread(section.one_task, tasks, options.jobs)))
    if "cost" in chosen:
        good.append(limited(cost.report, options.model))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
