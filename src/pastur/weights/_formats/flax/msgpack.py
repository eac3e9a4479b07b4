"""msgpack, walked forwards without building what it stands for.

Every value begins with a mark, which says what follows and, in itself or in the bytes after it, how
much of it. Numbers of a model are bytes here, and passed over.
"""

from typing import IO

from pastur._format import bytes_text

NUMBER, TEXT, LIST, MAP, EXTENSION, OTHER = "number", "text", "list", "map", "extension", "other"

# What a mark stands for, and what it says of the number, length or count that belongs to it: the
# number itself, or how many bytes after the mark hold it.
_IN_MARK = {k: (NUMBER, k) for k in range(0x80)}
_IN_MARK |= {0x80 + k: (MAP, k) for k in range(0x10)}
_IN_MARK |= {0x90 + k: (LIST, k) for k in range(0x10)}
_IN_MARK |= {0xA0 + k: (TEXT, k) for k in range(0x20)}
_IN_MARK |= {0xD4 + k: (EXTENSION, 2**k) for k in range(5)}
_AFTER_MARK = {0xC4 + k: (TEXT, 2**k) for k in range(3)}
_AFTER_MARK |= {0xC7 + k: (EXTENSION, 2**k) for k in range(3)}
_AFTER_MARK |= {0xCC + k: (NUMBER, 2**k) for k in range(4)}
_AFTER_MARK |= {0xD9 + k: (TEXT, 2**k) for k in range(3)}
_AFTER_MARK |= {0xDC + k: (LIST, 2 << k) for k in range(2)}
_AFTER_MARK |= {0xDE + k: (MAP, 2 << k) for k in range(2)}
# Nothing, false, true; floating-point and negative numbers: bytes after the mark.
_OTHER = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8}
_OTHER |= {0xD0 + k: 2**k for k in range(4)} | dict.fromkeys(range(0xE0, 0x100), 0)


class UnsoundError(ValueError):
    """What is wrong with a file, in words that follow "it is not sound:"."""


class Stream:
    """The bytes of a file, never past their end.

    Parameters
    ----------
    file : binary stream
    size : int
        Of the file, in bytes.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._size, self.at = file, size, 0

    @property
    def left(self) -> int:
        """Bytes from here to the end."""
        return self._size - self.at

    def head(self) -> tuple[str, int]:
        """Return of the next value what it is, and its number, length in bytes or count of values.

        What is in it comes next: the bytes of a text (or raw bytes, which older writers keep as
        one), the values of a list, keys and values of a map, kind and bytes of an extension.
        """
        mark = self.whole(1)
        if mark in _IN_MARK:
            kind, number = _IN_MARK[mark]
        elif mark in _AFTER_MARK:
            kind, width = _AFTER_MARK[mark]
            number = self.whole(width)
        elif mark in _OTHER:
            kind, number = OTHER, self.pass_over(_OTHER[mark])
        else:
            raise UnsoundError(f"it holds a value of the unknown kind {mark:#04x}")
        # A value takes at least its mark, a key one more; a number takes no room.
        room = {NUMBER: 0, OTHER: 0, MAP: 2 * number}.get(kind, number)
        if room > self.left:
            article = "an" if kind == EXTENSION else "a"
            raise UnsoundError(
                f"it claims {article} {kind} of {number}, and {bytes_text(self.left)} are left. "
                "It is damaged or was not copied whole"
            )
        return kind, number

    def whole(self, width: int) -> int:
        """Return the next number, of so many bytes."""
        return int.from_bytes(self.bytes(width), "big")

    def bytes(self, count: int) -> bytes:
        """Return the next bytes."""
        found = self._file.read(count) if count <= self.left else b""
        if len(found) < count:
            raise UnsoundError("it ends within a value: it is damaged or was not copied whole")
        self.at += count
        return found

    def pass_over(self, count: int) -> int:
        """Leave out the next bytes, and return 0."""
        if count > self.left:
            raise UnsoundError("it ends within a value: it is damaged or was not copied whole")
        self.at += count
        self._file.seek(self.at)
        return 0
