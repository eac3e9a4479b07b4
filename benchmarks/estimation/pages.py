"""Records of full runs, and the tables that pages of docs have of them."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import bulk_modes
import denoising
import entries
import goodness
import one_ended
import permuted
import pure
import since
import spectra_tables
import threshold
import threshold_best
import ugly
import verdicts

from pastur import __version__
from pastur._files import write_whole

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs"
PAGES = tuple(
    DOCS / name for name in ("estimation.md", "near-threshold.md", "noise.md", "sigma-at-most.md")
)
_BLOCK = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

Cells = Sequence[Mapping[str, Any]]
TABLES: dict[str, Callable[[Any], str]] = {
    "spectra": spectra_tables.table,
    "noise": pure.table,
    "entries": entries.table,
    # The cells that were outside a limit before chance is allowed for, with a second seed.
    "again": entries.table,
    "goodness": goodness.table,
    "bulk_modes": bulk_modes.table,
    "denoising": denoising.table,
    "verdicts": verdicts.table,
    "ugly": ugly.table,
    "since": since.table,
    "threshold": threshold.table,
    "threshold_best": threshold_best.table,
    "permuted": permuted.table,
    "one_ended": one_ended.table,
}


def record_of(name: str) -> Path:
    return HERE / "records" / f"{name}.json"


def write_record(name: str, cells: Cells, seed: int) -> None:
    record = {"version": __version__, "seed": seed, "cells": cells}
    record_of(name).parent.mkdir(exist_ok=True)
    text = json.dumps(record, indent=1, ensure_ascii=False)
    write_whole(record_of(name), f"{text}\n".encode())


def filled(page: str) -> str:
    """Return the page with the tables of the records between its marks."""

    def block(match: re.Match[str]) -> str:
        begin, name, end = match.groups()
        record = json.loads(record_of(name).read_text(encoding="utf-8"))
        return f"{begin}Seed {record['seed']}.\n\n{TABLES[name](record['cells'])}\n{end}"

    return _BLOCK.sub(block, page)


def write_pages() -> None:
    for page in PAGES:
        write_whole(page, filled(page.read_text(encoding="utf-8")).encode())
