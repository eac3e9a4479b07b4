"""A file that is read by ranges: the bytes of a plain one, and hardly more requests than needed."""

import io
import random
from typing import Any

import pytest

from pastur.weights._places import ranged_file
from pastur.weights._places.ranged_file import Fetch, RangedFile, go_to

CONTENT = random.Random(3).randbytes(300_000)


def opened(fetch: Fetch) -> RangedFile:
    """Return the content behind a function."""
    return RangedFile(len(CONTENT), "", {}, fetch, lambda: None)


def readings(file: Any, seed: int) -> list[bytes]:
    """Return what a thousand readings give, some of them noted before, some beyond the end."""
    rng = random.Random(seed)
    found = []
    for _ in range(1000):
        count = rng.choice([1, 8, 30, 5000, 20_000, 90_000])
        match rng.randrange(4):
            case 0:
                begin = rng.randrange(len(CONTENT) + 1000)
                go_to(file, begin, rng.choice([None, 0, count // 2, count, 10 * count]))
            case 1:
                file.seek(-rng.randrange(len(CONTENT)), io.SEEK_END)
            case 2:
                file.seek(0)
        if rng.random() < 0.5:
            found.append(file.read(count))
        else:
            target = bytearray(count)
            found.append(bytes(target[: file.readinto(target)]))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_bytes_are_those_of_a_plain_file(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranged_file, "PAGE", 4096)
    monkeypatch.setattr(ranged_file, "BLOCK", 40_000)
    monkeypatch.setattr(ranged_file, "_PAGES_KEPT", 5)

    def fetch(begin: int, end: int) -> bytes:
        assert 0 <= begin < end <= len(CONTENT)
        assert end - begin <= 40_000
        return CONTENT[begin:end]

    assert readings(opened(fetch), seed) == readings(io.BytesIO(CONTENT), seed)


def test_bytes_from_the_wrong_place_are_noticed() -> None:
    """A planted fault, to see that the comparison sees one."""
    file = opened(lambda begin, end: CONTENT[begin + 1 : end] + b"?")
    assert readings(file, 0) != readings(io.BytesIO(CONTENT), 0)


def test_what_is_noted_is_fetched_at_once_and_alone() -> None:
    asked = []

    def fetch(begin: int, end: int) -> bytes:
        asked.append((begin, end))
        return CONTENT[begin:end]

    file = opened(fetch)
    go_to(file, 100_003, 50_000)
    pieces = [file.read(1000) for _ in range(50)]
    assert b"".join(pieces) == CONTENT[100_003:150_003]
    assert asked == [(100_003, 150_003)]


def test_small_readings_share_a_page() -> None:
    asked = []

    def fetch(begin: int, end: int) -> bytes:
        asked.append((begin, end))
        return CONTENT[begin:end]

    file = opened(fetch)
    for place in (8, 16_000, 3, 12_000):
        file.seek(place)
        assert file.read(8) == CONTENT[place : place + 8]
    assert asked == [(0, 1 << 14)]


def test_a_place_before_the_beginning_is_an_error() -> None:
    file = opened(lambda begin, end: CONTENT[begin:end])
    with pytest.raises(OSError, match="Invalid argument"):
        file.seek(-len(CONTENT) - 1, io.SEEK_END)
