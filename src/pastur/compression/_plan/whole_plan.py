"""The plan of a whole model, and its ways to and from disk."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from math import inf, sqrt
from pathlib import Path
from typing import Any, ClassVar

from pastur._errors import InvalidInputError
from pastur._foreign import shown, suggestion
from pastur._stored import check, decoded, each, got, made, taken
from pastur._stored_result import StoredForm, StoredResult
from pastur.compression._plan.fingerprint import TensorRecord, parameters_of
from pastur.compression._plan.matrix_plan import Choice, Form, MatrixPlan
from pastur.compression._plan.plan_html import plan_html
from pastur.compression._plan.plan_text import plan_text
from pastur.compression._plan.prediction import Prediction

SCHEMA = 1


@dataclass(frozen=True, eq=False)
class CompressionPlan(StoredResult):
    """What is done to each matrix of a model, to be read, edited and applied.

    Attributes
    ----------
    source : str
        Where the model was.
    method : str
        How the choices were made; see `plan_compression`.
    target : mapping of str to float
        What was asked of the whole model; empty where each matrix had the method's own choice.
    form : Form
        ``"dense"``: same names and shapes as before; ``"factored"``: factors and codes in the place
        of matrices where they are smaller.
    unfold : str
        How convolutions are unfolded.
    matrices : tuple of MatrixPlan
        Those that were analysed, in the order of the file.
    tensors : tuple of TensorRecord
        All tensors of the model: the plan is applied to no other.
    versions : dict
        Versions of pastur, NumPy, SciPy and Python.
    assumption : str
        What the choices rest on.
    left_out : dict of str to str
        Matrices of the analysis that stay as they are, with the reason.
    files : tuple of Path
        The files of the model, which no output may overwrite. They are not stored.
    predicted : Prediction or None
        How much more the model loses, where its sensitivities were measured; None where a choice
        was edited.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> W = np.random.default_rng(0).normal(size=(40, 60))
    >>> analysis = pastur.analyze({"a": W})
    >>> plan = pastur.plan_compression(analysis, {"a": W}, method="magnitude", target={"size": 0.5})
    >>> plan, plan["a"].choice.action
    (CompressionPlan('dict of arrays', 'magnitude', matrices changed: 1), 'prune')
    """

    source: str
    method: str
    target: Mapping[str, float]
    form: Form
    unfold: str
    matrices: tuple[MatrixPlan, ...]
    tensors: tuple[TensorRecord, ...]
    versions: dict[str, str]
    assumption: str
    left_out: dict[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = field(default=(), repr=False)
    predicted: Prediction | None = None

    _form: ClassVar[StoredForm] = StoredForm(
        what="plan",
        schemas=(SCHEMA,),
        unsound="is not a sound plan",
        again="Undo what was edited, or write it again with `pastur compress MODEL --plan-only "
        "-o FILE`.",
        keys=("tensors",),
    )

    def __post_init__(self) -> None:
        tensors = {record.name: record for record in self.tensors}
        if len(tensors) < len(self.tensors):
            raise InvalidInputError("Two tensors of a plan have one name.")
        if len({matrix.name for matrix in self.matrices}) < len(self.matrices):
            raise InvalidInputError("Two matrices of a plan have one name.")
        for matrix in self.matrices:
            record = tensors.get(matrix.tensor)
            if record is None:
                hint = suggestion(matrix.tensor, tensors)
                raise InvalidInputError(
                    f"The plan has a matrix of the tensor {shown(matrix.tensor)}, which the model "
                    f"has not.{hint}"
                )
            inside = record.entries >= matrix.entries and record.dtype == matrix.dtype
            whole = not matrix.packs or record.entries == matrix.entries
            if not (inside and whole and record.nbytes == record.entries * matrix.itemsize):
                raise InvalidInputError(
                    f"Matrix {shown(matrix.name)} of shape {matrix.shape} and type {matrix.dtype} "
                    f"does not go with its tensor of shape {record.shape} and type {record.dtype}."
                )

    def __getitem__(self, name: str) -> MatrixPlan:
        """Return the matrix of that name."""
        for matrix in self.matrices:
            if matrix.name == name:
                return matrix
        hint = suggestion(name, (matrix.name for matrix in self.matrices))
        raise InvalidInputError(f"No matrix {shown(name)} in the plan.{hint}")

    def __repr__(self) -> str:
        changed = sum(not matrix.kept for matrix in self.matrices)
        return f"CompressionPlan({self.source!r}, {self.method!r}, matrices changed: {changed})"

    def __str__(self) -> str:
        return plan_text(self)

    def _repr_html_(self) -> str:
        return plan_html(self)

    def replace(self, choices: Mapping[str, Choice]) -> "CompressionPlan":
        """Return the plan with other choices for some matrices, of which nothing is promised.

        Parameters
        ----------
        choices : mapping of str to Choice
            By the names of matrices.
        """
        known = {matrix.name for matrix in self.matrices}
        for name in choices:
            if name not in known:
                self[name]
        matrices = tuple(
            matrix.replace(choices[matrix.name]) if matrix.name in choices else matrix
            for matrix in self.matrices
        )
        return replace(self, matrices=matrices, predicted=None)

    @property
    def choices(self) -> str:
        """A few letters that change with any choice."""
        text = " ".join(matrix.choice.digest for matrix in self.matrices)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def error(self) -> float | None:
        """Error of all its matrices together, each scaled to entries of root mean square 1.

        The root of the mean of ‖W − W′‖²/‖W‖² weighted by the numbers of entries. None where a
        choice was edited.
        """
        total = 0.0
        for matrix in self.matrices:
            if not matrix.kept:
                if matrix.promise is None:
                    return None
                total += matrix.entries * matrix.promise.error**2
        return sqrt(total / sum(matrix.entries for matrix in self.matrices))

    @property
    def parameters_before(self) -> int:
        """Numbers in all tensors of the model, but for values before training."""
        planned = {matrix.tensor for matrix in self.matrices}
        return sum(record.entries for record in parameters_of(self.tensors, planned))

    @property
    def initial_entries(self) -> int:
        """Numbers in tensors of values from before training, not counted as parameters."""
        return sum(record.entries for record in self.tensors) - self.parameters_before

    @property
    def parameters_after(self) -> int | None:
        """Numbers that describe what is left; None where a choice was edited to prune."""
        after = [matrix.parameters for matrix in self.matrices]
        known = [number for number in after if number is not None]
        if len(known) < len(after):
            return None
        return self.parameters_before - sum(m.entries for m in self.matrices) + sum(known)

    @property
    def bytes_before(self) -> int:
        """Bytes of the numbers of all tensors."""
        return sum(record.nbytes for record in self.tensors)

    @property
    def bytes_after(self) -> int:
        """Bytes of the numbers of all tensors in what is written, without headers."""
        saved = (m.bytes_before - m.bytes_after(self.form) for m in self.matrices)
        return self.bytes_before - sum(saved)

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values: the JSON document.

        What is known of the whole model is in it for reading; it is not read back.
        """
        return {
            "schema": SCHEMA,
            "source": self.source,
            "method": self.method,
            "target": dict(self.target),
            "form": str(self.form),
            "unfold": self.unfold,
            "assumption": self.assumption,
            "versions": dict(self.versions),
            "whole": {
                "error": self.error,
                "parameters": [self.parameters_before, self.parameters_after],
                "bytes": [self.bytes_before, self.bytes_after],
            },
            "predicted": None
            if self.predicted is None
            else asdict(self.predicted) | {"choices": self.choices},
            "matrices": [matrix.to_dict() for matrix in self.matrices],
            "left_out": dict(self.left_out),
            "tensors": [asdict(record) for record in self.tensors],
        }

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write the JSON document, whole or not at all, and return its path.

        The `choice` of each matrix may be edited before it is read back; a promise of another
        choice is then dropped.

        Raises
        ------
        FileAccessError
            When `path` cannot be written.
        InvalidInputError
            When it is a file of the model.
        """
        text = json.dumps(self.to_dict(), allow_nan=False, indent=1)
        return self.write(path, text + "\n")

    def _inputs(self) -> Sequence[str | os.PathLike[str]]:
        return (*self.files, self.source)

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> "CompressionPlan":
        """Return the plan stored by `to_json`, edited or not.

        A file of inputs that is not where it was is looked for next to the plan.

        Raises
        ------
        FileAccessError
            When `path` cannot be read.
        FileFormatError
            When it is not JSON, not a plan, or what it says does not go together.
        """
        found = super().from_json(path)
        folder = Path(path).absolute().parent
        return replace(found, matrices=tuple(one.near(folder) for one in found.matrices))

    @classmethod
    def _from_dict(cls, values: dict[str, Any]) -> "CompressionPlan":
        tensors = made(values, "tensors", partial(each, partial(decoded, TensorRecord)))
        for number, record in enumerate(tensors):
            sound = record.nbytes >= 0 and all(side >= 0 for side in record.shape)
            check(sound, f"tensors[{number}]", "must have sizes that are not negative")
        matrices = made(values, "matrices", partial(each, MatrixPlan.from_dict))
        check(bool(matrices), "matrices", "must not be empty")
        unfold = taken(values, "unfold", str)
        known = unfold in ("outputs", "inputs", "window")
        check(known, "unfold", f"must be outputs, inputs or window. Got {got(unfold)}")
        target = taken(values, "target", dict[str, float])
        for name, share in target.items():
            most = inf if name == "loss" else 1
            check(0 < share <= most, f"target.{name}", "must be a share, above 0 and at most 1")
        found = cls(
            source=taken(values, "source", str),
            method=taken(values, "method", str),
            target=target,
            form=taken(values, "form", Form),
            unfold=unfold,
            matrices=matrices,
            tensors=tensors,
            versions=taken(values, "versions", dict[str, str]),
            assumption=taken(values, "assumption", str),
            left_out=taken(values, "left_out", dict[str, str]),
        )
        predicted = values.get("predicted")
        if not isinstance(predicted, dict) or predicted.get("choices") != found.choices:
            return found
        return replace(found, predicted=made(values, "predicted", _prediction))


def _prediction(values: Any) -> Prediction:
    try:
        found: Prediction = decoded(Prediction, values)
    except InvalidInputError as error:
        check(False, "", str(error).rstrip("."))
        raise
    return found
