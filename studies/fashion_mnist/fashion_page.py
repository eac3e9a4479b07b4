"""Write the tables and figures of the study into its page, from the records.

    python studies/fashion_mnist/fashion_page.py

Reads studies/fashion_mnist/records. Writes the pictures and, in
docs/compression-fashion-mnist.md, the text between `<!-- NAME -->` and `<!-- end -->`.
"""

import re
from pathlib import Path

import fashion_figures
import fashion_tables
from fashion_records import Record, read

from pastur._files import write_whole

PAGE = Path(__file__).parents[2] / "docs" / "compression-fashion-mnist.md"
FOLDER = PAGE.with_suffix("")
KINDS = ("after", "during", "start", "noise")
_BLOCK = re.compile(r"(<!-- ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def records() -> dict[str, list[Record]]:
    """Return all records, by kind."""
    return {kind: read(kind) for kind in KINDS}


def page_text(text: str, found: dict[str, list[Record]]) -> str:
    """Return the page with the tables of some records."""
    return _BLOCK.sub(
        lambda block: f"{block[1]}{fashion_tables.BLOCKS[block[2]](found)}\n{block[3]}", text
    )


def main() -> None:
    found = records()
    for name, picture in fashion_figures.pictures(found):
        write_whole(FOLDER / name, picture)
    write_whole(PAGE, page_text(PAGE.read_text("utf-8"), found))


if __name__ == "__main__":
    main()
