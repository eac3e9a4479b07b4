"""A checksum of an array: bits, shape and type."""

import numpy as np
import pytest

from pastur._numerics.digest import checksum
from pastur._typing import AnyArray

rng = np.random.default_rng(1)
LARGE = rng.normal(size=(700, 900)).astype(np.float32)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_every_change_is_noticed(dtype: str) -> None:
    array: AnyArray = LARGE.astype(dtype)
    assert checksum(array) == checksum(array.copy())
    turned = np.ascontiguousarray(array[::-1])
    others = [-array, turned, array.T.copy(), array.reshape(900, 700), array[1:], array * 0]
    for place in ((0, 0), (699, 899), (350, 17)):
        moved = array.copy()
        moved[place] = np.nextafter(moved[place], array.dtype.type(9))
        others.append(moved)
    swapped = array.copy()
    swapped[3, 4], swapped[600, 7] = array[600, 7], array[3, 4]
    found = {checksum(one) for one in [array, swapped, *others]}
    assert len(found) == len(others) + 2


def test_types_and_empty_arrays() -> None:
    zeros = [np.zeros((4, 4), dtype) for dtype in (np.float32, np.float64)]
    zeros.append(np.zeros((0, 4), np.float32))
    assert len({checksum(one) for one in zeros}) == 3
