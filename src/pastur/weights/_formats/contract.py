"""What a reader of one kind of file is."""

from collections.abc import Callable
from dataclasses import dataclass

from pastur.weights._places.place import Place
from pastur.weights.tensors import Weights


@dataclass(frozen=True)
class Reader:
    """One kind of file.

    Attributes
    ----------
    kind : str
        Its name in a sentence.
    suffixes : tuple of str
        Endings of such files' names. They matter only where no reader knows the content: the
        reader of that suffix then says what is wrong with the file.
    recognises : callable
        ``recognises(path, head)``: whether the content is of this kind; `head` is its beginning.
    open : callable
        ``open(path)``: its `Weights`, headers read and checked.
    """

    kind: str
    suffixes: tuple[str, ...]
    recognises: Callable[[Place, bytes], bool]
    open: Callable[[Place], Weights]
