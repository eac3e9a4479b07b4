"""The result for two models, and its ways to and from disk."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from pastur._stored import check, each, made, taken
from pastur._stored_result import StoredForm, StoredResult
from pastur.analysis._result.csv_file import csv_text
from pastur.analysis._result.skipped import skipped_from_dict, skipped_to_dict
from pastur.comparison._matrix.matrix_comparison import MatrixComparison
from pastur.comparison._result.notebook import comparison_html
from pastur.comparison._result.rows import COLUMNS, row
from pastur.comparison._result.summary import summarize
from pastur.comparison._result.text import as_text
from pastur.weights import Skipped

SCHEMA = 1
_LISTS = ("only_old", "only_new", "reshaped", "skipped")


@dataclass(frozen=True, eq=False)
class Comparison(StoredResult):
    """Two states of a model, OLD and NEW, matrix by matrix.

    Attributes
    ----------
    old, new : str
        Where they came from.
    matrices : tuple of MatrixComparison
        The matrices that were compared, in the order of NEW.
    only_old, only_new : tuple of Skipped
        Tensors that one of the two has alone, matrices or not.
    reshaped : tuple of Skipped
        Tensors whose shapes differ.
    skipped : tuple of Skipped
        Every other tensor, with the reason.
    same_source : bool
        Whether both are one file, or one model in memory.
    versions : dict
        Versions of pastur, NumPy, SciPy and Python.
    alpha : float
        Intervals have the level 1 − alpha.
    files : tuple of Path
        The files that were read, which no output may overwrite. They are not stored.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> w = np.random.default_rng(0).normal(size=(60, 90))
    >>> comparison = pastur.compare({"w": w, "gone": w}, {"w": w})
    >>> [matrix.unchanged for matrix in comparison.matrices], comparison.only_old[0].name
    ([True], 'gone')
    """

    old: str
    new: str
    matrices: tuple[MatrixComparison, ...]
    only_old: tuple[Skipped, ...]
    only_new: tuple[Skipped, ...]
    reshaped: tuple[Skipped, ...]
    skipped: tuple[Skipped, ...]
    same_source: bool
    versions: dict[str, str]
    alpha: float
    files: tuple[Path, ...] = field(default=(), repr=False)

    _form: ClassVar[StoredForm] = StoredForm(
        what="comparison",
        schemas=(SCHEMA,),
        unsound="is a damaged comparison",
        again="Write it again with `pastur compare OLD NEW --json FILE`.",
        keys=("old", "new"),
        finite=False,
    )

    def __repr__(self) -> str:
        return f"Comparison({self.old!r}, {self.new!r}, matrices: {len(self.matrices)})"

    def __str__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return comparison_html(self)

    def summary(self) -> str:
        """Return the findings in a few plain sentences."""
        return summarize(self)

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values: the JSON document."""
        return {
            "schema": SCHEMA,
            "old": self.old,
            "new": self.new,
            "same_source": self.same_source,
            "versions": dict(self.versions),
            "alpha": self.alpha,
            "matrices": [matrix.to_dict() for matrix in self.matrices],
            **{key: [skipped_to_dict(one) for one in getattr(self, key)] for key in _LISTS},
        }

    def json_text(self) -> str:
        """Return the JSON document as text."""
        # ASCII: a tensor's name may hold what UTF-8 cannot encode.
        return json.dumps(self.to_dict(), allow_nan=False, separators=(",", ":")) + "\n"

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write the JSON document, whole or not at all, and return its path.

        Raises
        ------
        FileAccessError
            When `path` cannot be written.
        InvalidInputError
            When it is a file of either model.
        """
        return self.write(path, self.json_text())

    @classmethod
    def _from_dict(cls, values: dict[str, Any]) -> "Comparison":
        matrices = made(values, "matrices", partial(each, MatrixComparison.from_dict))
        check(bool(matrices), "matrices", "must not be empty")
        alpha = taken(values, "alpha", float)
        check(0 < alpha < 1, "alpha", f"must lie between 0 and 1. Got {alpha:g}")
        lists = {key: made(values, key, partial(each, skipped_from_dict)) for key in _LISTS}
        return cls(
            old=taken(values, "old", str),
            new=taken(values, "new", str),
            matrices=matrices,
            same_source=taken(values, "same_source", bool),
            versions=taken(values, "versions", dict[str, str]),
            alpha=alpha,
            only_old=lists["only_old"],
            only_new=lists["only_new"],
            reshaped=lists["reshaped"],
            skipped=lists["skipped"],
        )

    def csv_text(self) -> str:
        """Return one line for each matrix as comma-separated values."""
        return csv_text(COLUMNS, [row(matrix) for matrix in self.matrices])

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write one line for each matrix and return the path.

        Raises
        ------
        FileAccessError
            When `path` cannot be written.
        InvalidInputError
            When it is a file of either model.
        """
        return self.write(path, self.csv_text())

    def _inputs(self) -> Sequence[str | os.PathLike[str]]:
        return (*self.files, self.old, self.new)


class ComparisonInterrupted(KeyboardInterrupt):
    """A run was interrupted.

    Attributes
    ----------
    comparison : Comparison
        What was finished; everything else is skipped, with that reason.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> from pastur.comparison import ComparisonInterrupted
    >>> w = np.random.default_rng(0).normal(size=(60, 90))
    >>> def interrupt(done, total, name):
    ...     if done == 1:
    ...         raise KeyboardInterrupt
    >>> try:
    ...     pastur.compare({"a": w, "b": w}, {"a": w, "b": w}, progress=interrupt)
    ... except ComparisonInterrupted as stop:
    ...     print(len(stop.comparison.matrices))
    1
    """

    def __init__(self, comparison: Comparison) -> None:
        super().__init__("the run was interrupted")
        self.comparison = comparison
