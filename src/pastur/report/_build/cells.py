"""Cells of the sortable tables."""

from dataclasses import dataclass

from pastur.report._build import page_text


@dataclass(frozen=True)
class Cell:
    """A cell of the table: what is read, and the number by which it is sorted, if there is one."""

    text: str
    order: float | None
    detail: str = ""


NONE = Cell(page_text.NOTHING, None)
