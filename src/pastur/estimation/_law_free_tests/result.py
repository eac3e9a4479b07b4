"""What the tests found, as a value."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from pastur._format import count, fraction, p_equals, percent
from pastur._stored import built
from pastur.estimation._result.schema import object_schema, stored

# From this p-value on random signs do as well.
CHANCE = 0.05


@dataclass(frozen=True)
class SignFlips:
    """Comparison of the largest singular value with those under random signs of the entries.

    Attributes
    ----------
    removed : int
        How many leading directions were taken out before.
    p_value : float
        Share of the matrices, the one given among them, whose largest singular value is as large.
    exact : bool
        Whether the p-value is exact for independent symmetric entries: with nothing taken out.
    """

    removed: int = field(metadata=stored("Directions taken out before.", minimum=0))
    p_value: float = field(metadata=stored("p-value of the largest singular value.", minimum=0))
    exact: bool = field(metadata=stored("Whether the p-value is exact."))


@dataclass(frozen=True)
class NeighbourCorrelation:
    """Correlation between neighbouring rows, or columns, in the order of storage.

    Attributes
    ----------
    correlation : float
        Mean cosine between neighbours, without the leading directions.
    error : float
        Its standard deviation where neighbours have nothing in common.
    p_value : float
        Upper bound of the probability of as much by chance.
    """

    correlation: float = field(metadata=stored("Mean cosine between neighbours."))
    error: float = field(metadata=stored("Its standard deviation by chance.", minimum=0))
    p_value: float = field(metadata=stored("Bound of the p-value.", minimum=0, maximum=1))

    def __str__(self) -> str:
        return f"{fraction(self.correlation)} ± {fraction(self.error)}"


@dataclass(frozen=True)
class LawFreeTests:
    """What can be tested of a matrix without a law of its noise; see `law_free_tests`.

    Attributes
    ----------
    shape : tuple of two ints
        Rows and columns of W.
    flips, seed : int
        How many draws of random signs were made, and the seed for everything random.
    sign_flips : tuple of SignFlips
        First the exact test of W. Where that rejects, an approximate one follows, with
        `predictable_rank` directions (one at least) taken out.
    rows, columns : NeighbourCorrelation
        Correlation between neighbouring rows, and between neighbouring columns.
    predictable_share : float
        Share of the sum of squares of blocks of W that is predicted by the rest of W; 0 where
        nothing is gained.
    predictable_rank : int
        Rank of that prediction.
    set_aside : tuple of pairs of ints
        Row and column of the entries that were set aside as zeros, the largest first, 20 at most.
    set_aside_count : int
        How many there are: the entries beyond (nm)^(1/4) standard deviations, each a spike of its
        own.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> rng = np.random.default_rng(0)
    >>> W = rng.normal(size=(100, 200)).cumsum(axis=1)
    >>> tests = pastur.law_free_tests(W)
    >>> str(tests.columns), round(tests.predictable_share, 2)
    ('0.833 ± 0.059', 0.98)
    """

    shape: tuple[int, int] = field(metadata=stored("Rows and columns.", minimum=1))
    flips: int = field(metadata=stored("Draws of random signs.", minimum=1))
    seed: int = field(metadata=stored("Seed for everything random.", minimum=0))
    sign_flips: tuple[SignFlips, ...] = field(
        metadata=stored("Tests by random signs: the exact one, then an approximate one.")
    )
    rows: NeighbourCorrelation = field(metadata=stored("Correlation of neighbouring rows."))
    columns: NeighbourCorrelation = field(metadata=stored("Correlation of neighbouring columns."))
    predictable_share: float = field(
        metadata=stored("Share of held-out blocks that is predicted.", minimum=0, maximum=1)
    )
    predictable_rank: int = field(metadata=stored("Rank of that prediction.", minimum=0))
    set_aside: tuple[tuple[int, int], ...] = field(
        metadata=stored("Places of entries set aside, 20 at most.", minimum=0)
    )
    set_aside_count: int = field(metadata=stored("How many entries were set aside.", minimum=0))

    def __str__(self) -> str:
        """Return the findings in sentences."""
        first, *later = self.sign_flips
        if first.p_value > CHANCE:
            found = [
                f"With random signs of its entries the matrix has as much in one direction "
                f"({p_equals(first.p_value)}, exact): independent entries explain it."
            ]
        else:
            found = [
                f"More in one direction than with random signs of the entries "
                f"({p_equals(first.p_value)}, exact): signal, or correlated entries."
            ]
        found += [
            f"Without {count(one.removed, 'direction', 'directions')} "
            f"{p_equals(one.p_value)} (approximate)."
            for one in later
        ]
        found.append(f"Neighbouring rows correlate by {self.rows}, columns by {self.columns}.")
        found.append(
            f"The rest predicts {percent(self.predictable_share)} of a block, "
            f"with rank {self.predictable_rank}."
            if self.predictable_rank
            else "No block is predicted by the rest."
        )
        if self.set_aside_count:
            i, j = self.set_aside[0]
            entries = count(self.set_aside_count, "huge entry was", "huge entries were")
            found.append(f"{entries} set aside first, the largest at ({i}, {j}).")
        return " ".join(found)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, ready for JSON."""
        found: dict[str, Any] = _plain(asdict(self))
        return found

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> LawFreeTests:
        """Return the result that `to_dict` described."""
        found: LawFreeTests = built(cls, values)
        return found

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of `to_dict`."""
        return object_schema(cls, "Tests that need no law of noise.")


def _plain(value: Any) -> Any:
    """Return a value with lists in the place of tuples."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
