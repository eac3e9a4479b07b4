"""Our estimators next to the published ones, on the same draws.

    python benchmarks/estimation [SECTION …] [--draws 200] [--jobs 2] [--seed 0] [--model FILE]
    python benchmarks/estimation sigma --since SOURCE
    python benchmarks/estimation --page

Sections: sigma, counts, intervals (all three from the same spectra), noise (pure noise: rate of
false spikes), entries (the same for entries of many laws), goodness (p-values), bulk_modes (what
they rest on), denoising, verdicts, ugly (small and ugly inputs), threshold (intervals of spikes
detected near it), threshold_best (the best there are), permuted (entries elsewhere), one_ended
(intervals of σ), cost (with `--model`, of a safetensors file as well); all of them by default, over
an hour on two cores. σ = 1 throughout. Figures within their limits have a ✓, others a ✗; the status
is 1 if there is a ✗. With `--since` a tenth of the spectra are fitted by the package in the folder
SOURCE as well. A run of 200 draws or more leaves records, and writes the tables of
docs/estimation.md and other pages from them; with `--page` only the tables are written.
"""

import argparse
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import bulk_modes
import cost
import denoising
import draws
import entries
import goodness
import joblib
import one_ended
import pages
import permuted
import pure
import since
import spectra
import spectra_tables
import threshold
import threshold_best
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
    "bulk_modes": bulk_modes,
    "denoising": denoising,
    "verdicts": verdicts,
    "ugly": ugly,
    "threshold": threshold,
    "threshold_best": threshold_best,
    "permuted": permuted,
    "one_ended": one_ended,
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
    keep("spectra", spectra_tables.summary(results), options)
    return spectra.report(results, parts)


def run_section(name: str, section: Any, options: Namespace) -> bool:
    tasks = section.tasks(options.draws, options.seed)
    cells = section.summary(tasks, spread(section.one_task, tasks, options.jobs))
    keep(name, cells, options)
    print(f"\n{name}\n\n{section.table(cells)}", flush=True)
    return bool(section.met(cells))


def run_since(options: Namespace) -> bool:
    cells = since.run(options.since, max(options.draws // 10, 2), options.seed)
    keep("since", cells, options)
    print(f"\nsince\n\n{since.table(cells)}", flush=True)
    return since.met(cells)


def keep(name: str, cells: Sequence[dict[str, Any]], options: Namespace) -> None:
    if options.draws >= FULL:
        pages.write_record(name, cells, options.seed)
        pages.write_pages()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--draws", type=int, default=FULL)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="safetensors file whose fits are timed")
    parser.add_argument(
        "--since", help="source of another version, compared on a tenth of the draws"
    )
    parser.add_argument("--page", action="store_true", help="write the tables only")
    options = parser.parse_args()
    if options.page:
        pages.write_pages()
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
            good.append(run_section(name, section, options))
    if options.since:
        good.append(run_since(options))
    if "cost" in chosen:
        good.append(limited(cost.report, options.model))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
