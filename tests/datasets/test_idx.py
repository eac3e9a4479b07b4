"""The IDX reader takes what the format says, and nothing else."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pastur._errors import FileAccessError, FileFormatError
from pastur._typing import AnyArray
from pastur.datasets._sources.idx import read_idx

ARRAY = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def to_file(content: bytes, *, compress: bool = True) -> Path:
        path = tmp_path / "some-idx3-ubyte.gz"
        path.write_bytes(gzip.compress(content) if compress else content)
        return path

    return to_file


def test_reads_back_what_was_packed(
    write: Callable[..., Path], idx_bytes: Callable[[AnyArray], bytes]
) -> None:
    array = read_idx(write(idx_bytes(ARRAY)), ARRAY.shape)
    assert array.dtype == np.uint8
    assert not array.flags.writeable
    np.testing.assert_array_equal(array, ARRAY)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda b: b[:-1], "declares 24 bytes of data and holds only 23"),
        (lambda b: b[:16], "holds only 0"),
        (lambda b: b + b"\0", "declares 24 bytes of data and holds more"),
        (lambda b: b + bytes(10**8), "holds more"),
        (lambda b: b"", "Got nothing"),
        (lambda b: b[:3], "must begin with the bytes 00 00 08 03. Got 00 00 08"),
        (lambda b: b[:7], "ends within its IDX header"),
        (lambda b: b"\0\0\x0d\x03" + b[4:], "Got 00 00 0d 03"),
        (lambda b: b"\0\0\x08\x01" + b[4:], "Got 00 00 08 01"),
        (lambda b: b[:4] + struct.pack(">3I", 4, 2, 3) + b[16:], r"It declares \(4, 2, 3\)"),
        (lambda b: b[:4] + struct.pack("<3I", 4, 3, 2) + b[16:], "It declares"),
        (lambda b: b[:4] + struct.pack(">3I", 2**31, 5000, 1) + b[16:], "It declares"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refuses_other_contents(
    write: Callable[..., Path],
    idx_bytes: Callable[[AnyArray], bytes],
    change: Callable[[bytes], bytes],
    sentence: str,
) -> None:
    path = write(change(idx_bytes(ARRAY)))
    with pytest.raises(FileFormatError, match=sentence) as caught:
        read_idx(path, ARRAY.shape)
    assert str(path) in str(caught.value)


def test_refuses_a_stream_cut_anywhere(
    write: Callable[..., Path], idx_bytes: Callable[[AnyArray], bytes]
) -> None:
    whole = gzip.compress(idx_bytes(ARRAY))
    for length in range(len(whole)):
        path = write(whole[:length], compress=False)
        with pytest.raises(FileFormatError, match=r"Get the file again|Got nothing"):
            read_idx(path, ARRAY.shape)


def test_refuses_a_wrong_checksum(
    write: Callable[..., Path], idx_bytes: Callable[[AnyArray], bytes]
) -> None:
    whole = bytearray(gzip.compress(idx_bytes(ARRAY)))
    whole[-5] ^= 1  # the last byte of the CRC, before the four of the length
    with pytest.raises(FileFormatError, match="not an intact gzip file"):
        read_idx(write(bytes(whole), compress=False), ARRAY.shape)


def test_refuses_what_is_not_gzip(
    write: Callable[..., Path], idx_bytes: Callable[[AnyArray], bytes]
) -> None:
    with pytest.raises(FileFormatError, match="not an intact gzip file"):
        read_idx(write(idx_bytes(ARRAY), compress=False), ARRAY.shape)


def test_tells_of_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"absent\.gz' cannot be read: No such file"):
        read_idx(tmp_path / "absent.gz", (1,))
    with pytest.raises(FileAccessError, match="cannot be read: Is a directory"):
        read_idx(tmp_path, (1,))


@pytest.mark.lengthy
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=200,
    deadline=None,
    derandomize=True,
)
@given(st.binary(max_size=64), st.booleans())
def test_hostile_bytes_meet_one_error_only(
    write: Callable[..., Path], content: bytes, compress: bool
) -> None:
    with pytest.raises(FileFormatError):
        read_idx(write(content, compress=compress), ARRAY.shape)
