"""What is analysed: a source, and the choice from it, as a value that other processes can take."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pastur.weights import Matrix, Skipped, Weights, iter_matrices, open_weights

_Patterns = str | tuple[str, ...] | None


@dataclass(frozen=True)
class Selection:
    """A source, the patterns of names, and what becomes of convolutions; see `analyze`."""

    source: Any
    include: _Patterns
    exclude: _Patterns
    unfold: str

    @classmethod
    def of(
        cls,
        source: Any,
        *,
        include: Sequence[str] | str | None,
        exclude: Sequence[str] | str | None,
        unfold: str,
    ) -> "Selection":
        """Return the selection, its patterns in tuples."""
        return cls(source, _fixed(include), _fixed(exclude), unfold)

    @property
    def on_disk(self) -> bool:
        """Whether another process can open the source."""
        return isinstance(self.source, (str, os.PathLike))

    def open(self) -> Weights:
        """Open the source; headers are read."""
        return open_weights(self.source)

    def items(self, weights: Weights) -> list[Matrix | Skipped]:
        """Return the matrices, and the tensors that are none, in the order of the source."""
        return list(
            iter_matrices(weights, include=self.include, exclude=self.exclude, unfold=self.unfold)
        )


def _fixed(patterns: Sequence[str] | str | None) -> _Patterns:
    return patterns if patterns is None or isinstance(patterns, str) else tuple(patterns)
