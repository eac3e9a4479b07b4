"""One matrix in two models, before any number of it is read."""

from dataclasses import dataclass
from typing import Any

from pastur.weights import Matrix


@dataclass(frozen=True)
class MatrixPair:
    """A matrix of OLD and the one of the same name and shape in NEW.

    Attributes
    ----------
    old, new : Matrix
    """

    old: Matrix
    new: Matrix

    @property
    def name(self) -> str:
        """The name that both have."""
        return self.new.name

    @property
    def shape(self) -> tuple[int, int]:
        """The shape that both have."""
        return self.new.shape

    @property
    def dtype(self) -> str:
        """The type in which the files hold it, both where they differ."""
        old, new = self.old.dtype, self.new.dtype
        return new if old == new else f"{old}, {new}"

    @property
    def content_mark(self) -> str:
        """Another text once any number of either file has changed; empty where there is none."""
        marks = (self.old.content_mark, self.new.content_mark)
        return " ".join(marks) if all(marks) else ""

    @property
    def header(self) -> dict[str, Any]:
        """All that is known of both before their numbers are read."""
        return {"old": self.old.header, "new": self.new.header}
