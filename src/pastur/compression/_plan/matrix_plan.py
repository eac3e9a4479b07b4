"""What is done to one matrix, and what that promises."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from math import inf, sqrt
from pathlib import Path
from typing import Any

from pastur._errors import InvalidInputError
from pastur._format import percent
from pastur._stored import check, decoded, made, taken
from pastur._vocabulary import Word
from pastur.compression._inputs.inputs_used import InputsUsed
from pastur.compression._matrix.codes import BITS, GROUP
from pastur.compression._matrix.parts import code_bytes
from pastur.estimation import RectangularFit

_HALF = 2  # bytes of a number of 16 bits


class Form(Word):
    """How what is kept is written.

    Examples
    --------
    >>> from pastur.compression import Form
    >>> [str(form) for form in Form]
    ['dense', 'factored']
    """

    DENSE = "dense"
    FACTORED = "factored"


class Action(Word):
    """What is done to a matrix.

    Examples
    --------
    >>> from pastur.compression import Action
    >>> [str(action) for action in Action]
    ['keep', 'low rank', 'prune', 'round', 'split']
    """

    KEEP = "keep"
    LOW_RANK = "low rank"
    PRUNE = "prune"
    ROUND = "round"
    SPLIT = "split"


# Which figures of a choice each action needs, and which it may have.
_NEEDED: dict[Action, tuple[str, ...]] = {
    Action.KEEP: (),
    Action.LOW_RANK: ("rank",),
    Action.PRUNE: ("threshold",),
    Action.ROUND: ("bits",),
    Action.SPLIT: ("rank", "bits"),
}
_LARGEST = {"float32": 3.4028235e38, "float16": 65504.0, "bfloat16": 3.3895314e38}
_ALLOWED = _NEEDED | {Action.LOW_RANK: ("rank", "values", "fit", "inputs")}


@dataclass(frozen=True, eq=False)
class Choice:
    """What is done to a matrix W, in all that is needed to do it.

    Attributes
    ----------
    action : Action
        ``"keep"``; ``"low rank"``: the `rank` leading directions, each with its singular value, or
        with that of `values`, or those of ``fit.denoise(W)``, or those of the outputs for `inputs`;
        ``"prune"``: entries below `threshold` in size become 0; ``"round"``: every entry rounded to
        `bits` bits, with one step for each 32 neighbours in a row; ``"split"``: the `rank` leading
        directions in 16 bits, the rest in `bits` bits, with one step for each row.
    rank : int or None
    values : tuple of float or None
        Singular values in the place of those of W, at least `rank` of them.
    threshold : float or None
    bits : int or None
    fit : RectangularFit or None
        What denoises W before its leading directions are taken.
    inputs : InputsUsed or None
        The inputs x of which the outputs W x have the leading directions V; W′ = V Vᵀ W.

    Examples
    --------
    >>> from pastur.compression import Choice
    >>> Choice("low rank", rank=8)
    Choice(action='low rank', rank=8)
    """

    action: Action = Action.KEEP
    rank: int | None = None
    values: tuple[float, ...] | None = None
    threshold: float | None = None
    bits: int | None = None
    fit: RectangularFit | None = None
    inputs: InputsUsed | None = None

    def __repr__(self) -> str:
        given = {"action": str(self.action)} | {
            name: getattr(self, name) for name in _FIGURES if getattr(self, name) is not None
        }
        return f"Choice({', '.join(f'{name}={value!r}' for name, value in given.items())})"

    def __post_init__(self) -> None:
        given = {name for name in _FIGURES if getattr(self, name) is not None}
        needed, allowed = _NEEDED[self.action], _ALLOWED[self.action]
        for name in needed:
            if name not in given:
                raise InvalidInputError(f"`{name}` is needed where the action is '{self.action}'.")
        for name in sorted(given - set(allowed)):
            raise InvalidInputError(f"`{name}` has no meaning where the action is '{self.action}'.")
        if self.rank is not None and self.rank < 1:
            raise InvalidInputError(f"`rank` must be at least 1. Got {self.rank}.")
        if self.threshold is not None and not self.threshold >= 0:
            raise InvalidInputError(f"`threshold` must not be negative. Got {self.threshold}.")
        if self.bits is not None and self.bits not in BITS:
            raise InvalidInputError(f"`bits` must be {BITS[0]} to {BITS[-1]}. Got {self.bits}.")
        others = [name for name in ("values", "fit", "inputs") if name in given]
        if len(others) > 1:
            raise InvalidInputError(f"`{others[0]}` and `{others[1]}` exclude each other.")
        if self.values is not None:
            self._check_values(self.values)

    def _check_values(self, values: tuple[float, ...]) -> None:
        if any(not value >= 0 for value in values):
            raise InvalidInputError("`values` must not be negative.")
        if self.rank is not None and self.rank > len(values):
            raise InvalidInputError(
                f"`rank` must be at most {len(values)}, the number of its `values`. Got "
                f"{self.rank}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values, without what is None."""
        values = {name: getattr(self, name) for name in _FIGURES}
        if self.values is not None:
            values["values"] = list(self.values)
        if self.fit is not None:
            values["fit"] = self.fit.to_dict()
        if self.inputs is not None:
            values["inputs"] = asdict(self.inputs)
        given = {name: value for name, value in values.items() if value is not None}
        return {"action": str(self.action)} | given

    @classmethod
    def from_dict(cls, values: Any) -> "Choice":
        """Return the choice that `to_dict` described."""
        action = taken(values, "action", Action)
        unknown = sorted(set(values) - {"action", *_FIGURES})
        check(not unknown, next(iter(unknown), ""), "is not a part of a choice")
        figures: dict[str, Any] = {
            name: taken(values, name, kind | None)
            for name, kind in _PLAIN.items()
            if name in values
        }
        if values.get("fit") is not None:
            figures["fit"] = made(values, "fit", RectangularFit.from_dict)
        if values.get("inputs") is not None:
            figures["inputs"] = taken(values, "inputs", InputsUsed)
        try:
            return cls(action=action, **figures)
        except InvalidInputError as error:
            check(False, "", str(error).rstrip("."))
            raise

    @property
    def digest(self) -> str:
        """A few letters that change with any part of the choice."""
        values = self.to_dict()
        if self.inputs is not None:
            # Wherever the file lies, its own digest is there.
            del values["inputs"]["path"]
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        match self.action:
            case Action.LOW_RANK:
                shrunk = ", shrunk" if self.values is not None or self.fit is not None else ""
                chosen = ", of the outputs" if self.inputs is not None else shrunk
                return f"rank {self.rank}{chosen}"
            case Action.PRUNE:
                return f"entries ≥ {self.threshold:.4g}"
            case Action.ROUND:
                return f"{self.bits} bits"
            case Action.SPLIT:
                return f"rank {self.rank} in 16 bits, rest in {self.bits}"
        return "kept"


_FIGURES = ("rank", "values", "threshold", "bits", "fit", "inputs")
_PLAIN: dict[str, Any] = {
    "rank": int,
    "values": tuple[float, ...],
    "threshold": float,
    "bits": int,
}
KEPT = Choice()


@dataclass(frozen=True)
class OutputPromise:
    """What a choice does to the outputs W x for inputs like those that were collected.

    Attributes
    ----------
    loss : float
        Σ‖W x − W′x‖²/Σ‖W x‖² on documents that did not choose W′.
    low, high : float
        Interval for it, of level 95 %; documents are the unit.
    inside : float
        The same on those that did, which is too small.
    """

    loss: float
    low: float
    high: float
    inside: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.loss <= self.high or not self.inside >= 0:
            raise InvalidInputError("`loss` must lie between `low` and `high`, from 0.")


@dataclass(frozen=True)
class Promise:
    """What a choice does to W, with W′ in its place.

    Attributes
    ----------
    choice : str
        `Choice.digest` of what it is a promise of.
    error : float
        ‖W − W′‖/‖W‖, in Frobenius norm.
    low, high : float
        Interval for it, which has the rounding to the type of the file in it.
    energy : float
        ‖W′‖²/‖W‖².
    entries : int or None
        Entries that are not zero, where it prunes.
    outputs : OutputPromise or None
        What it does to outputs, where inputs chose.
    """

    choice: str
    error: float
    low: float
    high: float
    energy: float
    entries: int | None = None
    outputs: OutputPromise | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.error <= self.high:
            raise InvalidInputError("`error` must lie between `low` and `high`, from 0.")
        if not self.energy >= 0:
            raise InvalidInputError("`energy` must not be negative.")
        if self.entries is not None and self.entries < 0:
            raise InvalidInputError("`entries` must not be negative.")


@dataclass(frozen=True, eq=False)
class MatrixPlan:
    """One matrix of a plan.

    Attributes
    ----------
    name, tensor, part : str
        As in `pastur.analysis.MatrixAnalysis`.
    shape : tuple of two ints
        Rows and columns.
    dtype : str
        The type in which the source holds it.
    itemsize : int
        Bytes of one number of that type.
    packs : bool
        Whether it can be written as factors or codes: it is a tensor of its own, its rows or
        columns along the first axis.
    choice : Choice
        What is done to it. Edit this.
    promise : Promise or None
        What that promises; None where the choice was edited.
    note : str
        What else there is to know; may be empty.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> W = np.random.default_rng(0).normal(size=(40, 60))
    >>> analysis = pastur.analyze({"a": W})
    >>> plan = pastur.plan_compression(analysis, {"a": W}, method="magnitude", target={"size": 0.5})
    >>> matrix = plan["a"]
    >>> matrix.shape, matrix.kept, str(matrix.choice.action)
    ((40, 60), False, 'prune')
    """

    name: str
    tensor: str
    part: str
    shape: tuple[int, int]
    dtype: str
    itemsize: int
    packs: bool
    choice: Choice
    promise: Promise | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if min(self.shape) < 1 or self.itemsize < 1:
            raise InvalidInputError("`shape` and `itemsize` must be positive.")
        rank = self.choice.rank
        if rank is not None and rank > min(self.shape):
            raise InvalidInputError(
                f"`rank` must be at most {min(self.shape)}, the short side of {self.name!r}. "
                f"Got {rank}."
            )
        most = _LARGEST.get(self.dtype, inf) * sqrt(self.entries)
        if max(self.choice.values or (0.0,)) > most:
            raise InvalidInputError(
                f"`values` must be at most {most:.3g}, that of a matrix of this shape with the "
                f"largest numbers of {self.dtype}."
            )
        fit = self.choice.fit
        if fit is not None and fit.shape != self.shape:
            raise InvalidInputError(f"`fit` is not of the shape of {self.name!r}.")

    @property
    def kept(self) -> bool:
        """Whether it stays as it is."""
        return self.choice.action == Action.KEEP

    @property
    def entries(self) -> int:
        """Entries of the matrix."""
        return self.shape[0] * self.shape[1]

    @property
    def factor_entries(self) -> int:
        """Entries of its factors, where it has some."""
        return (self.choice.rank or 0) * sum(self.shape)

    @property
    def parameters(self) -> int | None:
        """Numbers that describe what is left; None where an edited choice has to be applied first.

        Those of the factors where they are fewer than the entries, the entries that are not zero
        where it is pruned.
        """
        match self.choice.action:
            case Action.LOW_RANK:
                return min(self.factor_entries, self.entries)
            case Action.PRUNE:
                return None if self.promise is None else self.promise.entries
            case Action.SPLIT:
                return self.entries + self.factor_entries
        return self.entries

    def written(self, form: Form) -> Form:
        """Return how it is written in a plan of this form."""
        packs = self.packs and self.choice.action in (Action.LOW_RANK, Action.ROUND, Action.SPLIT)
        smaller = packs and self._packed_bytes < self.bytes_before
        return Form.FACTORED if form == Form.FACTORED and smaller else Form.DENSE

    @property
    def bytes_before(self) -> int:
        """Bytes of its numbers in the source."""
        return self.entries * self.itemsize

    def bytes_after(self, form: Form) -> int:
        """Return the bytes of its numbers in what is written."""
        return self._packed_bytes if self.written(form) == Form.FACTORED else self.bytes_before

    @property
    def _packed_bytes(self) -> int:
        bits = self.choice.bits or 0
        match self.choice.action:
            case Action.LOW_RANK:
                return self.factor_entries * self.itemsize
            case Action.ROUND:
                return code_bytes(self.shape, bits, GROUP)
            case Action.SPLIT:
                return code_bytes(self.shape, bits, self.shape[1]) + self.factor_entries * _HALF
        return self.bytes_before

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values, ready for JSON."""
        return {
            "name": self.name,
            "tensor": self.tensor,
            "part": self.part,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "itemsize": self.itemsize,
            "packs": self.packs,
            "choice": self.choice.to_dict(),
            "promise": None if self.promise is None else asdict(self.promise),
            "note": self.note,
        }

    @classmethod
    def from_dict(cls, values: Any) -> "MatrixPlan":
        """Return the matrix that `to_dict` described; a promise of another choice is dropped."""
        choice = made(values, "choice", Choice.from_dict)
        found = made({"promise": None} | values, "promise", _promise)
        names = ("name", "tensor", "part", "dtype")
        plain = {name: taken(values, name, str) for name in names}
        try:
            return cls(
                **plain,
                shape=taken(values, "shape", tuple[int, int]),
                itemsize=taken(values, "itemsize", int),
                packs=taken(values, "packs", bool),
                choice=choice,
                promise=found if found is not None and found.choice == choice.digest else None,
                note=taken({"note": ""} | values, "note", str),
            )
        except InvalidInputError as error:
            check(False, "", str(error).rstrip("."))
            raise

    def replace(self, choice: Choice) -> "MatrixPlan":
        """Return the plan of the same matrix with another choice, of which nothing is promised."""
        return replace(self, choice=choice, promise=None)

    def near(self, folder: Path) -> "MatrixPlan":
        """Return the same, its file of inputs looked for in a folder if it is not in its place."""
        if self.choice.inputs is None:
            return self
        return replace(self, choice=replace(self.choice, inputs=self.choice.inputs.near(folder)))

    @property
    def error_text(self) -> str:
        """The promised error in percent."""
        if self.kept:
            return "0"
        return "not known" if self.promise is None else percent(self.promise.error)


def _promise(value: Any) -> Promise | None:
    found: Promise | None = decoded(Promise | None, value)
    return found
