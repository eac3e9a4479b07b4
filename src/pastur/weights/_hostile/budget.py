"""What a file may cost before a number of it is read: memory in proportion to its size."""

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur._format import bytes_text
from pastur.weights._places.place import Place

# Together with Python and NumPy themselves, this is 256 MB and 20 times the file.
_FLOOR = 100_000_000
_FACTOR = 16
# What describes a tensor, here and in whatever is made of the list; its name comes on top.
_TENSOR = 1000
_LETTER = 4  # the widest that Python stores


class Budget:
    """The memory that listing one file may take, all of its tensors together.

    A reader takes from it before it builds what a file asks for. Work that leaves nothing behind,
    such as copying a list once more, is taken from it too, so that time is bounded with memory.

    Parameters
    ----------
    path : Place
    size : int
        Size of the file in bytes.
    """

    def __init__(self, path: Place, size: int) -> None:
        self._path, self._size = path, size
        self._left = _FLOOR + _FACTOR * size

    def take(self, nbytes: int) -> None:
        """Take so many bytes.

        Raises
        ------
        FileFormatError
            When they are no longer there.
        """
        self._left -= nbytes
        if self._left < 0:
            raise FileFormatError(
                f"{shown(self._path)}, of {bytes_text(self._size)}, would take more than "
                f"{bytes_text(_FLOOR + _FACTOR * self._size)} of memory before a number is read. "
                "No sound file of weights does: do not trust it."
            )

    def take_tensor(self, *words: str) -> None:
        """Take what a listed tensor costs, with the words of which its name is made."""
        self.take(_TENSOR + _LETTER * sum(map(len, words)))
