"""Which matrix of OLD goes with which of NEW, as a value that other processes can take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

from pastur._errors import InvalidInputError
from pastur._format import shape
from pastur.analysis._model.selection import FixedPatterns, absolute_place, fixed_patterns
from pastur.comparison._matrix.pair import MatrixPair
from pastur.weights import Matrix, Skipped, Weights, iter_matrices, open_weights
from pastur.weights._places.remote_path import RemotePath, place_of
from pastur.weights.matrices import left_out


class Opened(NamedTuple):
    """Both models, their headers read."""

    old: Weights
    new: Weights


class Paired(NamedTuple):
    """What becomes of every tensor of both.

    Attributes
    ----------
    items : list of MatrixPair or Skipped
        What both have, in the order of NEW.
    only_old, only_new : list of Skipped
        What one of them has.
    reshaped : list of Skipped
        What both have, in different shapes.
    """

    items: list[MatrixPair | Skipped]
    only_old: list[Skipped]
    only_new: list[Skipped]
    reshaped: list[Skipped]


@dataclass(frozen=True)
class Pairing:
    """Two sources, the patterns of names, what becomes of convolutions; see `compare`."""

    old: Any
    new: Any
    include: FixedPatterns
    exclude: FixedPatterns
    unfold: str

    @classmethod
    def of(
        cls,
        old: Any,
        new: Any,
        *,
        include: Sequence[str] | str | None,
        exclude: Sequence[str] | str | None,
        unfold: str,
    ) -> Self:
        """Return the pairing, its patterns in tuples, and places in the place of URLs."""
        old, new = place_of(old) or old, place_of(new) or new
        return cls(old, new, fixed_patterns(include), fixed_patterns(exclude), unfold)

    @property
    def on_disk(self) -> bool:
        """Whether another process can open both."""
        return all(isinstance(one, (Path, RemotePath)) for one in (self.old, self.new))

    @property
    def words(self) -> str:
        """What it is of, for an error."""
        return f"'{self.old}' or '{self.new}'"

    def absolute(self) -> Self:
        """Return the pairing of the same files for a process in another folder."""
        return replace(self, old=absolute_place(self.old), new=absolute_place(self.new))

    def open(self) -> Opened:
        """Open both; headers are read.

        Raises
        ------
        InvalidInputError
            When one is a model and the other one an adapter.
        """
        old = open_weights(self.old)
        new = old if self.new is self.old else open_weights(self.new)
        if old.changes != new.changes:
            adapter = "OLD" if old.changes else "NEW"
            raise InvalidInputError(
                f"{adapter} is an adapter: what it holds are changes, which are not compared with "
                "the weights of a model. Analyse it alone, or compare the merged model."
            )
        return Opened(old, new)

    def paired(self, opened: Opened) -> Paired:
        """Return the pairs of both, what one has alone, and what cannot be compared.

        Raises
        ------
        InvalidInputError
            When a pattern matches no name of either.
        """
        ours, theirs = (
            {item.name: item for item in iter_matrices(one, unfold=self.unfold)} for one in opened
        )
        reasons = self._left_out([*ours.values(), *theirs.values()])
        both = [
            (ours[name], item)
            for name, item in theirs.items()
            if name in ours and name not in reasons
        ]
        chosen = [
            _skipped(item, reasons[name])
            for name, item in (ours | theirs).items()
            if name in reasons
        ]
        return Paired(
            [*(_together(old, new) for old, new in both if old.shape == new.shape), *chosen],
            list(_alone(ours, theirs, reasons, "is in OLD only")),
            list(_alone(theirs, ours, reasons, "is in NEW only")),
            [_reshaped(old, new) for old, new in both if old.shape != new.shape],
        )

    def listed(self) -> list[MatrixPair | Skipped]:
        """Return the items of both sources, which are opened for them."""
        return self.paired(self.open()).items

    def _left_out(self, items: Sequence[Matrix | Skipped]) -> dict[str, str]:
        """Return the names that the patterns leave out, and the reasons."""
        parts: dict[str, dict[str, None]] = {}
        for item in items:
            tensor = item.tensor if isinstance(item, Matrix) else item.name
            parts.setdefault(tensor, {})[item.name] = None
        names = {tensor: list(inside) for tensor, inside in parts.items()}
        reasons = left_out(names, self.include, self.exclude)
        # A tensor that is left out is so with all its parts.
        whole = {n: reasons[t] for t, inside in names.items() if t in reasons for n in inside}
        return whole | reasons


def _alone(
    ours: dict[str, Matrix | Skipped],
    theirs: dict[str, Matrix | Skipped],
    reasons: dict[str, str],
    words: str,
) -> Iterator[Skipped]:
    for name, item in ours.items():
        if name not in theirs and name not in reasons:
            yield _skipped(item, f"has the shape {shape(item.shape)}, and {words}")


def _reshaped(old: Matrix | Skipped, new: Matrix | Skipped) -> Skipped:
    return _skipped(new, f"has the shape {shape(old.shape)} in OLD, and {shape(new.shape)} in NEW")


def _together(old: Matrix | Skipped, new: Matrix | Skipped) -> MatrixPair | Skipped:
    if isinstance(old, Matrix) and isinstance(new, Matrix):
        return MatrixPair(old, new)
    sides = {"OLD": old, "NEW": new}
    found = {side: one.reason for side, one in sides.items() if isinstance(one, Skipped)}
    if len(set(found.values())) == 1 and len(found) == 2:
        return _skipped(new, found["NEW"])
    return _skipped(new, "; ".join(f"in {side}: {reason}" for side, reason in found.items()))


def _skipped(item: Matrix | Skipped, reason: str) -> Skipped:
    return Skipped(item.name, item.shape, item.dtype, reason)
