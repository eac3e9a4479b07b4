"""A set of named tensors, of which only the headers have been read."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pastur._errors import FileFormatError, InternalError, InvalidInputError, PasturError
from pastur._foreign import shown, suggestion
from pastur._typing import AnyArray
from pastur.weights._axes.layout import UNKNOWN, Layout
from pastur.weights._hostile.array_bytes import too_large
from pastur.weights._places.place import Place


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """What the header says about one tensor.

    Attributes
    ----------
    name : str
        Unique among its `Weights`.
    shape : tuple of ints
        As stored.
    dtype : str
        NumPy's or ml_dtypes' name of its type (``"float32"``, ``"bfloat16"``), or the file's own
        word where pastur does not know it.
    nbytes : int
        Size of its data once unpacked.
    unreadable : str
        Why it cannot be read, in words that follow its name; empty where it can.
    layout : Layout
        What the file says about its axes.
    quantised : str
        The file's name of a lossy packing ("Q4_K") that reading undoes; empty for plain numbers.
    aside : str
        Why it is not a weight, though it can be read, in words that follow its name; empty where it
        is one.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.weights import open_weights
    >>> entry = open_weights({"a": np.eye(3)}).entries[0]
    >>> entry.name, entry.shape, entry.nbytes
    ('a', (3, 3), 72)
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    unreadable: str = ""
    layout: Layout = field(default=UNKNOWN, repr=False)
    quantised: str = field(default="", repr=False)
    aside: str = field(default="", repr=False)


@dataclass(frozen=True, eq=False)
class Weights:
    """Named tensors of a file, a folder or a dictionary, read one at a time. See `open_weights`.

    Attributes
    ----------
    source : str
        The path, or what was given in its place.
    entries : tuple of TensorInfo
        Every tensor, in the order of the file.
    metadata : mapping of str to str
        Metadata stored in the file.
    fetch : callable
        The file's own way to a tensor; call `read`, which checks the name first.
    steps : callable or None
        ``steps(name)``: the variance of rounding each entry of a quantised tensor, step²/12, an
        array of its shape; None where that is not known.
    files : tuple of Path
        The files that it is made of, and those of its base: no output may overwrite them.
    difference : bool
        Whether its tensors are the differences of two models.
    changes : bool
        Whether its tensors are the changes that an adapter makes to a model.
    place : Place or None
        Where it lies; None for what is in memory.
    content_mark : str
        A text that is another one once any of its numbers has changed, base included; empty where
        there is none, and only reading them can show it.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.weights import open_weights
    >>> weights = open_weights({"a": np.eye(3), "b": np.zeros(4)})
    >>> [entry.name for entry in weights.entries], weights.read("b")
    (['a', 'b'], array([0., 0., 0., 0.]))
    """

    source: str
    entries: tuple[TensorInfo, ...]
    metadata: Mapping[str, str] = field(repr=False)
    fetch: Callable[[str], AnyArray] = field(repr=False)
    steps: Callable[[str], AnyArray | None] | None = field(default=None, repr=False)
    files: tuple[Path, ...] = field(default=(), repr=False)
    difference: bool = False
    changes: bool = False
    place: Place | None = field(default=None, repr=False)
    content_mark: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if len(self._by_name) < len(self.entries):
            twin = Counter(entry.name for entry in self.entries).most_common(1)[0][0]
            raise FileFormatError(f"{self.source} holds two tensors named {shown(twin)}.")

    @cached_property
    def _by_name(self) -> dict[str, TensorInfo]:
        return {entry.name: entry for entry in self.entries}

    def read(self, name: str) -> AnyArray:
        """Return one tensor, in its own type; nothing of it is kept.

        Parameters
        ----------
        name : str
            One of the names in `entries`.

        Returns
        -------
        array
            Do not write to it: where the source is an array in memory, this is that array.

        Raises
        ------
        InvalidInputError
            When there is no such tensor, or it does not fit into memory.
        FileFormatError
            When its data are damaged, or of a kind that cannot be read.
        FileAccessError
            When the file is gone.
        """
        entry = self._by_name.get(name)
        if entry is None:
            hint = suggestion(name, self._by_name)
            raise InvalidInputError(f"No tensor named {shown(name)} in {self.source}.{hint}")
        label = f"Tensor {shown(name)} of {self.source}"
        if entry.unreadable:
            raise FileFormatError(f"{label} {entry.unreadable}.")
        try:
            return self.fetch(name)
        except PasturError:
            raise
        except MemoryError:
            raise InvalidInputError(f"{label} {too_large(entry.nbytes)}.") from None
        except Exception as error:
            # Unexpected, and the other tensors can still be read.
            raise InternalError.of(error) from error


def distinct(names: Iterable[str]) -> list[str]:
    """Return the names as they can be listed: of text that can be written, and no two alike.

    A file may well lead to two tensors by keys that are written alike, 1 and "1". The second is
    then called ``1 (2)``.
    """
    cleaned = [name.encode("utf-8", "replace").decode() for name in names]
    taken = set(cleaned)
    if len(taken) == len(cleaned):
        return cleaned
    met: dict[str, int] = {}
    found = []
    for name in cleaned:
        number = met.get(name, 0) + 1
        listed = name
        while number > 1 and (listed := f"{name} ({number})") in taken:
            number += 1
        met[name] = number
        taken.add(listed)
        found.append(listed)
    return found
