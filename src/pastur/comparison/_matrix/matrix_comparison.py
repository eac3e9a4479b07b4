"""What is known of two states of one matrix."""

from dataclasses import dataclass
from typing import Any

from pastur._stored import check, made, taken
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.comparison._matrix.directions import Directions, standing_places
from pastur.comparison._matrix.sigma_change import SigmaChange
from pastur.comparison._matrix.words import in_words


@dataclass(frozen=True, eq=False)
class MatrixComparison:
    """A matrix in OLD and in NEW, and the change U = NEW − OLD.

    Attributes
    ----------
    name : str
        The name in both.
    shape : tuple of two ints
        Rows and columns, the same in both.
    old, new : MatrixAnalysis
        Each analysed on its own.
    change : MatrixAnalysis or None
        U, read as the difference of two models: without a law of noise, unless it is a matrix
        without noise. None where every entry is the same.
    directions : Directions
        What stands out in both, and how much of it is the same.
    seconds : float
        Wall-clock time of reading, fitting and comparing.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> w = np.random.default_rng(0).normal(size=(60, 90))
    >>> pastur.compare({"w": w}, {"w": 1.5 * w}).matrices[0]
    MatrixComparison('w', 60 × 90, relative_change=0.5)
    """

    name: str
    shape: tuple[int, int]
    old: MatrixAnalysis
    new: MatrixAnalysis
    change: MatrixAnalysis | None
    directions: Directions
    seconds: float

    def __repr__(self) -> str:
        n, m = self.shape
        what = "unchanged" if self.unchanged else f"relative_change={self.relative_change:.4g}"
        return f"MatrixComparison({self.name!r}, {n} × {m}, {what})"

    @property
    def unchanged(self) -> bool:
        """Whether every entry is the same number in both."""
        return self.change is None

    @property
    def relative_change(self) -> float:
        """‖U‖/‖OLD‖ in Frobenius norm; 0 where nothing is changed."""
        if self.change is None:
            return 0.0
        return self.change.metrics.frobenius_norm / self.old.metrics.frobenius_norm

    @property
    def change_standing_out(self) -> int:
        """How many directions stand out from the rest of the change."""
        return 0 if self.change is None else standing_places(self.change.fit)[0].size

    @property
    def sigma_change(self) -> SigmaChange | None:
        """|σ_new/σ_old − 1| with what the two intervals of σ leave open.

        None where one of the two claims no law of noise, has none, or rests on another one.
        """
        return SigmaChange.of(self.old.fit, self.new.fit, unchanged=self.unchanged)

    @property
    def overlap(self) -> float | None:
        """The smaller one of the overlaps on the left and on the right; None without."""
        left, right = self.directions.overlap_left, self.directions.overlap_right
        return None if left is None or right is None else min(left, right)

    @property
    def expected_overlaps(self) -> tuple[float, float] | None:
        """Overlaps on the left and on the right that random spans of these sizes have on average.

        max(old, new)/n and max(old, new)/m: the spans have these many dimensions of n and m.
        """
        if self.overlap is None:
            return None
        n, m = self.shape
        larger = max(self.directions.old, self.directions.new)
        return larger / n, larger / m

    def summary(self) -> str:
        """Return what was changed, in a few sentences."""
        return in_words(self)

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values, ready for JSON."""
        sigma = self.sigma_change
        return {
            "name": self.name,
            "shape": list(self.shape),
            "unchanged": self.unchanged,
            "relative_change": self.relative_change,
            "sigma_change": None if sigma is None else sigma.to_dict(),
            "expected_overlaps": self.expected_overlaps and list(self.expected_overlaps),
            "directions": self.directions._asdict(),
            "seconds": self.seconds,
            "old": self.old.to_dict(),
            "new": self.new.to_dict(),
            "change": None if self.change is None else self.change.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "MatrixComparison":
        """Return the comparison that `to_dict` described; what follows from it is computed."""
        shape = taken(values, "shape", tuple[int, int])
        name = taken(values, "name", str)
        found = {key: made(values, key, MatrixAnalysis.from_dict) for key in ("old", "new")}
        change = made(values, "change", _change_or_none)
        for key, one in {**found, "change": change}.items():
            check(
                one is None or one.shape == shape, f"{key}.shape", "differs from that of the pair"
            )
        return cls(
            name=name,
            shape=shape,
            change=change,
            directions=made(values, "directions", _directions),
            seconds=taken(values, "seconds", float),
            **found,
        )


def _change_or_none(values: Any) -> MatrixAnalysis | None:
    return None if values is None else MatrixAnalysis.from_dict(values)


def _directions(values: Any) -> Directions:
    kinds = Directions.__annotations__
    found = Directions(**{name: taken(values, name, kind) for name, kind in kinds.items()})
    for name in ("overlap_left", "overlap_right"):
        share = getattr(found, name)
        check(share is None or 0 <= share <= 1, name, "must lie between 0 and 1")
    for name in ("old", "new", "lost", "gained"):
        check(getattr(found, name) >= 0, name, "must not be negative")
    return found
