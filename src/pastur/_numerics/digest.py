"""A checksum of the numbers of an array, against changes by accident."""

import hashlib
import zlib

import numpy as np

from pastur._typing import AnyArray

# Bytes whose CRC is taken together.
_PART = 1 << 20


def checksum(array: AnyArray) -> str:
    """Return a checksum of type, shape and bits of a contiguous array.

    A CRC of 32 bits for each MiB, and a hash of these: several times faster than a hash of all
    bytes. A change of one number of 32 bits is always noticed, any other change within one MiB but
    for a chance of 2e-10, and changes of several MiB but for powers of that.
    """
    found = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    bits = array.reshape(-1).view(np.uint8)
    for start in range(0, bits.size, _PART):
        found.update(zlib.crc32(bits[start : start + _PART].data).to_bytes(4, "little"))
    return found.hexdigest()
