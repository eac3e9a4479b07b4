"""Every figure of docs/real-noise.md and docs/compared.md: noise not white, and real layers.

    python benchmarks/real_noise [PART …] [--quick] [--folder FOLDER] [--jobs 2]
    python benchmarks/real_noise compared --weightwatcher PYTHON
    python benchmarks/real_noise grid --kinds KIND [--kinds KIND]
    python benchmarks/real_noise --page

The parts named are run, all of them by default, and each leaves its record in
benchmarks/real_noise/records; then the pages are written from the records. With `--quick` a few
draws are made, and the tables only printed. With `--page` nothing is run. PYTHON is an interpreter
that has weightwatcher, which the comparison leaves out without one. With `--kinds` the grid draws
these kinds of noise alone, and keeps what its record has of the others.
"""

import argparse
import importlib
import json
import re
from pathlib import Path
from typing import cast

from coloured import KINDS
from parts import Options, Part

from pastur._files import write_whole

# Each is a module of this folder, and a block of a page.
PARTS = (
    "compared",
    "correlations",
    "costs",
    "denoised",
    "grid",
    "planted",
    "profiles",
    "published",
    "reverse",
    "rounding",
    "white",
)
HERE = Path(__file__).resolve().parent
PAGES = tuple(HERE.parents[1] / "docs" / name for name in ("real-noise.md", "compared.md"))
_BLOCK = re.compile(r"(<!-- ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def part_named(name: str) -> Part:
    return cast(Part, importlib.import_module(name))


def record_of(name: str) -> Path:
    return HERE / "records" / f"{name}.json"


def write_pages() -> None:
    """Write the table of every record that was made into its block of a page."""

    def filled(block: re.Match[str]) -> str:
        begin, name, end = block.groups()
        if not record_of(name).exists():
            return block.group()
        record = json.loads(record_of(name).read_text(encoding="utf-8"))
        return f"{begin}{part_named(name).table(record)}\n{end}"

    for page in PAGES:
        write_whole(page, _BLOCK.sub(filled, page.read_text(encoding="utf-8")).encode())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--page", action="store_true", help="write the pages only")
    parser.add_argument("--folder", type=Path, default=Path("real-noise-wheels"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--weightwatcher", metavar="PYTHON")
    parser.add_argument("--kinds", action="append", choices=KINDS, default=[], metavar="KIND")
    given = parser.parse_args()
    unknown = set(given.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    options = Options(
        given.folder, given.quick, given.jobs, given.weightwatcher, tuple(given.kinds)
    )
    for name in () if given.page else given.parts or PARTS:
        part = part_named(name)
        record = part.run(options)
        print(f"{name}\n{part.table(record)}\n", flush=True)
        if not given.quick:
            text = json.dumps(record, indent=1, ensure_ascii=False)
            write_whole(record_of(name), f"{text}\n".encode())
    if not given.quick:
        write_pages()
    return 0
