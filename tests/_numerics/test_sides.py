"""Filled rows and columns against the definition, written out entry by entry."""

from collections.abc import Iterator

import numpy as np
import pytest

from pastur._numerics.sides import filled_sides
from pastur._typing import AnyArray


def by_definition(matrix: AnyArray) -> list[AnyArray]:
    """Return the masks that the whole rows and columns give, without blocks or glimpses."""
    unit = 16 * max(matrix.shape) * np.finfo(float).eps
    masks = []
    for lines in (matrix, matrix.T):
        size = np.array([np.abs(line).max() for line in lines], dtype=float)
        above = np.sort(size[size > 0])
        usual = above[above.size // 2] if above.size else 0.0
        varies = np.array([np.ptp(line) > 0 for line in lines])
        masks.append((size > unit * usual) & ((size > 1e-4 * usual) | varies))
    if min(mask.sum() for mask in masks) < 3:
        return [np.ones(count, dtype=bool) for count in matrix.shape]
    return masks


def matrices() -> Iterator[tuple[str, AnyArray]]:
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(90, 130))
    yield "plain", plain
    yield "single", plain.astype(np.float32)
    yield "by columns", np.asfortranarray(plain)
    holes = plain.copy()
    holes[[3, 88]], holes[:, 17] = 0, 0
    yield "holes", holes
    yield "a constant column", np.column_stack([plain, np.full(90, 1.0)])
    yield "rounding of a constant column", np.column_stack([plain, np.full(90, 1e-13)])
    yield "rounding that varies", np.column_stack([plain, 1e-15 * plain[:, 0]])
    small = plain.copy()
    small[5] *= 1e-9
    yield "a small row", small
    # One entry where no glimpse falls.
    lonely = plain.copy()
    lonely[7], lonely[7, 101] = 0, 1
    yield "one entry", lonely
    yield "wider than a block", rng.normal(size=(4, 70_000))
    yield "blocks of rows", np.vstack([np.zeros((2, 900)), rng.normal(size=(400, 900))])
    yield "low rank", np.outer(np.eye(5)[0], np.ones(7))
    yield "few values", rng.integers(0, 2, (60, 40)).astype(float)
    yield "zero", np.zeros((4, 5))
    yield "huge", 1e300 * plain


@pytest.mark.parametrize("matrix", [pytest.param(m, id=name) for name, m in matrices()])
def test_rows_and_columns_are_those_of_the_definition(matrix: AnyArray) -> None:
    found = filled_sides(matrix)
    rows, columns = by_definition(matrix)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_array_equal(found.columns, columns)
