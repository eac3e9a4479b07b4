"""The record of a run of the suite, and the page that is made of it.

    python benchmarks/suite/suite_page.py RUN.json    # its tasks go into the record and the page
    python benchmarks/suite/suite_page.py             # the page alone

RUN.json is what pytest-benchmark stores.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from typing import Any

from pastur import __version__
from pastur._files import write_whole

HERE = Path(__file__).resolve().parent
RECORD = HERE / "record.json"
PAGE = HERE.parents[1] / "docs" / "benchmarks.md"
PEERS = (
    "freealg",
    "rmtool",
    "finitefree",
    "beta-ensembles",
    "TracyWidom",
    "optht",
    "dipy",
    "weightwatcher",
)
VERSIONS = ("numpy", "scipy", *PEERS)

# A ratio that is one to two digits is neither won nor lost.
EVEN = 0.995

# Its sides are all ours, so that nothing is won or lost.
OWN = "bench_costs"
GROUPS = {
    "bench_fits": "Noise level and number of spikes",
    "bench_deformed": "Signal plus noise in the limit",
    "bench_outliers": "Samples",
    "bench_laws": "Laws",
    OWN: "pastur next to itself",
}


def record_of(run: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a run: no names of machines, no single times.

    Tasks that were left out stay as the old record has them, if it is of the same machine and the
    same versions.
    """
    machine = run["machine_info"]
    of = {
        "machine": f"{machine['cpu'].get('brand_raw', machine['machine'])}, {machine['system']}",
        "python": machine["python_version"],
        "versions": {"pastur": __version__, **dict(_installed(VERSIONS))},
    }
    tasks = {
        one["extra_info"]["title"]: {
            "group": one["fullname"].split("/")[-1].split(".py")[0],
            "day": run["datetime"][:10],
            **one["extra_info"],
        }
        for one in run["benchmarks"]
    }
    if {name: old.get(name) for name in of} == of:
        tasks = {task["title"]: task for task in old["tasks"]} | tasks
    return {**of, "tasks": sorted(tasks.values(), key=lambda t: list(GROUPS).index(t["group"]))}


def _installed(names: Iterable[str]) -> Iterable[tuple[str, str | None]]:
    for name in names:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, None


def seconds(value: float) -> str:
    """Return a time to two digits.

    >>> seconds(0.01234), seconds(1.5), seconds(123.4)
    ('12 ms', '1.5 s', '120 s')
    """
    size = float(f"{value:.2g}")
    return f"{1e3 * size:.2g} ms" if size < 0.1 else f"{size:g} s"


def ratio(median: float, least: float, most: float) -> str:
    """Return a ratio of times with its spread.

    >>> ratio(3.14, 2.9, 3.5), ratio(0.04, 0.03, 0.05)
    ('3.1 (2.9–3.5)', '0.040 (0.030–0.050)')
    """
    shown = [f"{x:.0f}" if x >= 100 else f"{x:#.2g}".rstrip(".") for x in (median, least, most)]
    return f"{shown[0]} ({shown[1]}–{shown[2]})"


def row(name: str, side: Mapping[str, Any], compared: bool = True) -> str:
    """Return the line of a side; where we are compared with others, a loss says so."""
    if side.get("missing"):
        return f"| {name} | not installed | – | – |"
    if "failed" in side:
        return f"| {name} | `{side['failed']}` | – | – |"
    times = ratio(*side["ratio"]) if "ratio" in side else "1"
    if compared and "ratio" in side and side["ratio"][0] < EVEN:
        times = f"**{times}, loss**"
    once = ", once" if side.get("once") else ""
    return f"| {name} | {seconds(side['seconds'])}{once} | {times} | {side['finding'] or '–'} |"


def table(record: Mapping[str, Any]) -> str:
    lines = []
    for group, tasks in groupby(record["tasks"], key=lambda task: task["group"]):
        lines += [f"### {GROUPS[group]}", ""]
        for task in tasks:
            lines += [
                f"**{task['title']}**, {task['rounds']} rounds",
                "",
                "| | CPU time | over the first | result |",
                "|---|---|---|---|",
                *(row(name, side, group != OWN) for name, side in task["sides"].items()),
                "",
            ]
    return "\n".join(lines).rstrip()


def compared(record: Mapping[str, Any]) -> list[float]:
    """Return the median ratios over all tools."""
    tasks = [task for task in record["tasks"] if task["group"] != OWN]
    return [s["ratio"][0] for task in tasks for s in task["sides"].values() if "ratio" in s]


def run_of(record: Mapping[str, Any]) -> str:
    ratios = compared(record)
    lost = sum(value < EVEN for value in ratios)
    won = sum(value > 2 - EVEN for value in ratios)
    versions = ", ".join(
        f"{name} {number}" if number else f"{name} not installed"
        for name, number in record["versions"].items()
    )
    days = " and ".join(sorted({task["day"] for task in record["tasks"]}))
    loads = sorted(task["load"] for task in record["tasks"])
    return (
        f"{len(record['tasks'])} tasks, {len(ratios)} comparisons with others; pastur takes less "
        f"CPU time in {won} and more in {lost}.\n\n"
        f"Run on {days}, {record['machine']}, Python {record['python']}, one BLAS thread, load "
        f"{loads[0]:g} to {loads[-1]:g}. {versions}."
    )


BLOCKS = {"run": run_of, "tasks": table}
BEGIN, END = "<!-- suite: {} -->", "<!-- end -->"


def filled(page: str, record: Mapping[str, Any]) -> str:
    """Return the page with its blocks written from the record."""
    for name, text in BLOCKS.items():
        before, mark, rest = page.partition(BEGIN.format(name))
        page = f"{before}{mark}\n\n{text(record)}\n\n{END}{rest.partition(END)[2]}"
    return page


def read_record() -> dict[str, Any]:
    return dict(json.loads(RECORD.read_text("utf-8")))


def main() -> None:
    if len(sys.argv) > 1:
        run = json.loads(Path(sys.argv[1]).read_text("utf-8"))
        record = record_of(run, read_record() if RECORD.exists() else {})
        write_whole(RECORD, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    write_whole(PAGE, filled(PAGE.read_text("utf-8"), read_record()))


if __name__ == "__main__":
    main()
