"""The record of a run of the suite, and the page that is made of it.

    python benchmarks/suite/suite_page.py RUN.json    # of a run: record and page are made anew
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
    "freealg", "rmtool", "finitefree", "beta-ensembles", "TracyWidom", "optht", "weightwatcher",
)  # fmt: skip
VERSIONS = ("numpy", "scipy", *PEERS)

# A ratio that is one to two digits is neither won nor lost.
EVEN = 0.995

GROUPS = {
    "bench_fits": "Noise level and number of spikes",
    "bench_deformed": "Signal plus noise in the limit",
    "bench_outliers": "Samples",
    "bench_laws": "Laws",
}


def record_of(run: Mapping[str, Any], load: str) -> dict[str, Any]:
    """Return what is kept of a run: no names of machines, no single times."""
    tasks = [
        {"group": one["fullname"].split("/")[-1].split(".py")[0], **one["extra_info"]}
        for one in run["benchmarks"]
    ]
    machine = run["machine_info"]
    return {
        "day": run["datetime"][:10],
        "machine": f"{machine['cpu'].get('brand_raw', machine['machine'])}, {machine['system']}",
        "python": machine["python_version"],
        "load": load,
        "versions": {"pastur": __version__, **dict(_installed(VERSIONS))},
        "tasks": sorted(tasks, key=lambda task: list(GROUPS).index(task["group"])),
    }


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
    """Return a ratio of times with its spread; a loss says so.

    >>> ratio(3.14, 2.9, 3.5), ratio(0.04, 0.03, 0.05)
    ('3.1 (2.9–3.5)', '**0.040** (0.030–0.050), loss')
    """
    shown = [f"{x:.0f}" if x >= 100 else f"{x:#.2g}".rstrip(".") for x in (median, least, most)]
    spread = f"({shown[1]}–{shown[2]})"
    return f"**{shown[0]}** {spread}, loss" if median < EVEN else f"{shown[0]} {spread}"


def row(name: str, side: Mapping[str, Any]) -> str:
    if side.get("missing"):
        return f"| {name} | not installed | – | – |"
    if "failed" in side:
        return f"| {name} | `{side['failed']}` | – | – |"
    times = ratio(*side["ratio"]) if "ratio" in side else "1"
    return f"| {name} | {seconds(side['seconds'])} | {times} | {side['finding'] or '–'} |"


def table(record: Mapping[str, Any]) -> str:
    lines = []
    for group, tasks in groupby(record["tasks"], key=lambda task: task["group"]):
        lines += [f"### {GROUPS[group]}", ""]
        for task in tasks:
            sides = dict(task["sides"])
            ours = sides.pop("pastur")
            lines += [
                f"**{task['title']}**, {task['rounds']} rounds",
                "",
                "| | CPU time | over pastur's | result |",
                "|---|---|---|---|",
                row("pastur", ours),
                *(row(*one) for one in sides.items()),
                "",
            ]
    return "\n".join(lines).rstrip()


def run_of(record: Mapping[str, Any]) -> str:
    compared = [s["ratio"][0] for t in record["tasks"] for s in t["sides"].values() if "ratio" in s]
    lost = sum(value < EVEN for value in compared)
    won = sum(value > 2 - EVEN for value in compared)
    versions = ", ".join(
        f"{name} {number}" if number else f"{name} not installed"
        for name, number in record["versions"].items()
    )
    return (
        f"{len(record['tasks'])} tasks, {len(compared)} comparisons; pastur takes less CPU time in "
        f"{won} and more in {lost}.\n\n"
        f"Run on {record['day']}, {record['machine']}, Python {record['python']}, one BLAS thread, "
        f"load {record['load']}. {versions}."
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
        load = Path("/proc/loadavg").read_text().split()[1]
        write_whole(RECORD, json.dumps(record_of(run, load), indent=1, ensure_ascii=False) + "\n")
    write_whole(PAGE, filled(PAGE.read_text("utf-8"), read_record()))


if __name__ == "__main__":
    main()
