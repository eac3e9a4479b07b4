"""Write the tables of scripts in the README of tools and studies, of their first lines.

    python tools/folder_pages.py

A script says in its first line why it exists, and in the lines after it how it is run; a test holds
both, and the tables to the scripts.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from page_blocks import with_blocks

ROOT = Path(__file__).resolve().parent.parent
TABLES = ("tools", "studies")
# That of the benchmarks also says which page each of them writes, and is written by hand.
FOLDERS = (*TABLES, "benchmarks")


def scripts(folder: str) -> Iterator[Path]:
    """Yield the scripts of a folder that are run, by name; folders of one by their `__main__`."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        if path.name == "__main__.py" or "\nif __name__ == " in path.read_text("utf-8"):
            yield path


def says(path: Path) -> str:
    """Return the docstring of a script."""
    return ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""


def command(path: Path) -> str:
    """Return what is run, from the root of the repository."""
    place = path.parent if path.name == "__main__.py" else path
    return str(place.relative_to(ROOT))


def table(folder: str) -> str:
    """Return the table of a folder."""
    lines = ["| `python …` | what it is for |", "|---|---|"]
    for path in scripts(folder):
        lines.append(
            f"| `{command(path)}` | {says(path).splitlines()[0].replace('|', chr(92) + '|')} |"
        )
    return "\n".join(lines) + "\n"


def filled(page: str) -> str:
    """Return a README with its table as the scripts have it."""
    return with_blocks(page, lambda name: f"\n{table(name)}\n")


def main() -> None:
    for folder in TABLES:
        page = ROOT / folder / "README.md"
        page.write_text(filled(page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
