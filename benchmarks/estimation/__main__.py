"""Our estimators beside the published ones, on the same draws.

    python benchmarks/estimation [SECTION …] [--draws 200] [--jobs 2] [--seed 0] [--model FILE]

Sections: spectra (noise level, counts, intervals), noise (pure noise: rate of false spikes),
denoising, verdicts, cost (with `--model`, of a safetensors file as well); all of them by default,
about half an hour on two cores. σ = 1 throughout. Each figure stands beside its limit, ✓ or ✗; the
exit status is 1 if one is not met.
"""

import argparse
import sys

import cost
import denoising
import draws
import joblib
import pure
import spectra
import verdicts
from threadpoolctl import threadpool_limits

SECTIONS = ("spectra", "noise", "denoising", "verdicts", "cost")


def limited(function, *arguments):
    with threadpool_limits(1):
        return function(*arguments)


def spread(function, tasks, jobs):
    """Return the results of the tasks, in order, one BLAS thread each."""
    calls = (joblib.delayed(limited)(function, *task) for task in tasks)
    return joblib.Parallel(n_jobs=jobs, batch_size=4)(calls)


def run_spectra(options):
    results = {}
    for cell in draws.cells():
        tasks = [(cell, options.seed, draw) for draw in range(options.draws)]
        results[cell] = spread(spectra.one_draw, tasks, options.jobs)
    return spectra.report(results)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="safetensors file whose fits are timed")
    options = parser.parse_args()
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    good = []
    for section in options.sections or SECTIONS:
        if section == "spectra":
            good.append(run_spectra(options))
        elif section == "noise":
            tasks = pure.tasks(options.draws, options.seed)
            good.append(pure.report(tasks, spread(pure.one_shape, tasks, options.jobs)))
        elif section == "denoising":
            tasks = denoising.tasks(options.draws, options.seed)
            good.append(denoising.report(tasks, spread(denoising.one_draw, tasks, options.jobs)))
        elif section == "verdicts":
            tasks = verdicts.tasks(options.draws, options.seed)
            good.append(verdicts.report(tasks, spread(verdicts.one_draw, tasks, options.jobs)))
        else:
            good.append(limited(cost.report, options.model))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
