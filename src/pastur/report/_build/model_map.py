"""The model as a picture: a row for each type of matrix, a column for each block, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

from pastur.analysis import MatrixAnalysis
from pastur.analysis._matrix.finding import FINDINGS
from pastur.analysis._result.places import Place, blocks_alike, place_of_name
from pastur.report._build import page_text

# Of the finding's colour, where all of the energy is kept: text on it stays legible.
_DEEPEST = 45.0
_LEAST = 6.0


@dataclass(frozen=True)
class MapCell:
    """Matrices of one type in one block.

    Attributes
    ----------
    number : int
        Of the first of them.
    text : str
        Its suggested rank, without its interval; of several, the least and the largest.
    key : str
        Class of its finding.
    shade : float
        Percent of the finding's colour, by the energy that so many directions keep.
    words : str
        The same in words.
    """

    number: int
    text: str
    key: str
    shade: float
    words: str


@dataclass(frozen=True)
class ModelMap:
    """The picture: headings of blocks, and of each type the cells, None where there is none."""

    blocks: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[MapCell | None, ...]], ...]


Numbered = Sequence[tuple[int, MatrixAnalysis]]


def model_map(matrices: Numbered) -> ModelMap | None:
    """Return the picture of numbered matrices; None where the model has no blocks alike."""
    if not blocks_alike([matrix.name for _, matrix in matrices]):
        return None
    cells: dict[tuple[str, str], list[tuple[int, MatrixAnalysis]]] = {}
    for number, matrix in matrices:
        place = place_of_name(matrix.name)
        cells.setdefault((place.kind, place.block), []).append((number, matrix))
    # Matrices outside of all blocks have the first column.
    blocks = sorted(dict.fromkeys(block for _, block in cells), key=bool)
    kinds = dict.fromkeys(kind for kind, block in cells if block)
    kinds |= dict.fromkeys(kind for kind, _ in cells)
    return ModelMap(
        tuple((_short(block, blocks), block or "outside of the blocks") for block in blocks),
        tuple(
            (page_text.name(kind), tuple(_cell(cells.get((kind, block))) for block in blocks))
            for kind in kinds
        ),
    )


def place_text(name: str) -> Place:
    """Return the place of a matrix, as the page shows it."""
    return Place(*map(page_text.name, place_of_name(name)))


def _short(block: str, blocks: Sequence[str]) -> str:
    """Return the last piece of a block, or all of it where two would look the same."""
    last = block.replace("/", ".").rpartition(".")[2]
    alike = sum(one.replace("/", ".").rpartition(".")[2] == last for one in blocks)
    return page_text.name(last if alike == 1 else block) or "other"


def _cell(found: Sequence[tuple[int, MatrixAnalysis]] | None) -> MapCell | None:
    if not found:
        return None
    number, first = found[0]
    ranks = [matrix.suggested_rank for _, matrix in found]
    known = [one.rank for one in ranks if one.rank is not None]
    sign = "" if all(one.counted for one in ranks) else "≥ "
    ends = dict.fromkeys((min(known), max(known))) if known else {}
    kept = max((one.energy or 0.0 for one in ranks), default=0.0)
    return MapCell(
        number=number,
        text=sign + "–".join(map(str, ends)) if ends else page_text.NOTHING,
        key=FINDINGS[first.kind].key,
        shade=round(_LEAST + (_DEEPEST - _LEAST) * kept, 1),
        words="; ".join(_words(matrix) for _, matrix in found[:6]),
    )


def _words(matrix: MatrixAnalysis) -> str:
    suggested, best = matrix.suggested_rank, matrix.leading
    parts = [f"{page_text.name(matrix.name)}: {matrix.kind.label.lower()}"]
    if suggested.rank:
        parts.append(f"rank {suggested} keeps {page_text.percent(suggested.energy)}")
    if best is not None:
        parts.append(f"strongest θ {page_text.number(best.theta)}")
    return ", ".join(parts)
