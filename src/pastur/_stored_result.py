"""Results that are stored as JSON: one way back from disk, and over no file of theirs."""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from pastur._files import write_whole
from pastur._stored import read_document


@dataclass(frozen=True)
class StoredForm:
    """How the document of a kind of result is recognised, and what is said of one that is not.

    Attributes
    ----------
    what : str
        The kind of result.
    schemas : tuple of int
        Values of its key ``schema`` that are known.
    unsound, again : str
        What is said of a file that is damaged, and what to do then.
    keys : tuple of str
        Other keys that a document of this kind has.
    finite : bool
        Whether NaN and Infinity are refused before their place is known.
    """

    what: str
    schemas: tuple[int, ...]
    unsound: str
    again: str
    keys: tuple[str, ...] = ()
    finite: bool = True


class StoredResult(ABC):
    """A result with ``to_json``, and the way back."""

    _form: ClassVar[StoredForm]

    @classmethod
    @abstractmethod
    def _from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the result of a document; may raise `Damaged` and `InvalidInputError`."""

    @abstractmethod
    def _inputs(self) -> Sequence[str | os.PathLike[str]]:
        """Return the files that it was made from."""

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Self:
        """Return the result stored by `to_json`.

        Raises
        ------
        FileAccessError
            When `path` cannot be read.
        FileFormatError
            When it is not JSON, not such a result, damaged, or of a schema that this version does
            not know.
        """
        return read_document(path, cls._from_dict, **vars(cls._form))

    def write(self, path: str | os.PathLike[str], text: str) -> Path:
        """Write `text`, whole or not at all and over no file that was read; return its path.

        Raises
        ------
        FileAccessError
            When `path` cannot be written.
        InvalidInputError
            When it is a file from which the result was made.
        """
        return write_whole(path, text, inputs=self._inputs())
