"""What is analysed: a source, and the choice from it, as a value that other processes can take."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pastur.weights import Matrix, Skipped, Weights, iter_matrices, open_weights
from pastur.weights._places.remote_path import RemotePath, place_of

FixedPatterns = str | tuple[str, ...] | None


@dataclass(frozen=True)
class Selection:
    """A source, its base, the patterns of names, what becomes of convolutions; see `analyze`."""

    source: Any
    base: Any
    include: FixedPatterns
    exclude: FixedPatterns
    unfold: str

    @classmethod
    def of(
        cls,
        source: Any,
        *,
        base: Any = None,
        include: Sequence[str] | str | None,
        exclude: Sequence[str] | str | None,
        unfold: str,
    ) -> "Selection":
        """Return the selection, its patterns in tuples, and places in the place of URLs."""
        source, base = place_of(source) or source, place_of(base) or base
        return cls(source, base, fixed_patterns(include), fixed_patterns(exclude), unfold)

    @property
    def on_disk(self) -> bool:
        """Whether another process can open the source."""
        kinds = (Path, RemotePath)
        return isinstance(self.source, kinds) and isinstance(self.base, (*kinds, type(None)))

    @property
    def words(self) -> str:
        """What it is of, for an error."""
        return f"'{self.source}'"

    def absolute(self) -> "Selection":
        """Return the selection of the same files for a process in another folder."""
        base = None if self.base is None else absolute_place(self.base)
        return replace(self, source=absolute_place(self.source), base=base)

    def open(self) -> Weights:
        """Open the source; headers are read."""
        return open_weights(self.source, base=self.base)

    def items(self, weights: Weights) -> list[Matrix | Skipped]:
        """Return the matrices, and the other tensors, in the order of the source."""
        return list(
            iter_matrices(weights, include=self.include, exclude=self.exclude, unfold=self.unfold)
        )

    def listed(self) -> list[Matrix | Skipped]:
        """Return the items of the source, which is opened for them."""
        return self.items(self.open())


def absolute_place(place: Path | RemotePath) -> Path | RemotePath:
    # A URL is the same everywhere.
    return Path(os.path.abspath(place)) if isinstance(place, Path) else place


def fixed_patterns(patterns: Sequence[str] | str | None) -> FixedPatterns:
    return patterns if patterns is None or isinstance(patterns, str) else tuple(patterns)
