"""What a model loses with each matrix on the way to its place in a plan, and what follows."""

import hashlib
import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy.special import stdtrit

from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._foreign import shown, some_of
from pastur._format import number
from pastur._stored import check, decoded
from pastur._stored_result import StoredForm, StoredResult
from pastur._typing import AnyArray, FloatArray
from pastur.compression._plan.fingerprint import TensorRecord
from pastur.compression._plan.prediction import Prediction
from pastur.compression._plan.whole_plan import CompressionPlan

SCHEMA = 1
# Of fewer, no standard error is worth having.
LEAST_DOCUMENTS = 5
# Sums and squares of losses are still finite.
_LARGEST = 1e100
_LEVEL = 0.95
# A plan that loses less than what was measured over this is too far from it for an interval.
_LESS = 4.0
# By which part of it the loss may differ for a plan all of whose losses other matrices have, than
# those of the plan that was measured.
_MOVED = 0.5


def model_mark(tensors: Sequence[TensorRecord]) -> str:
    """Return a hash of all tensors of a model, whatever their order."""
    lines = sorted(f"{one.name} {one.shape} {one.digest}" for one in tensors)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def check_plan(plan: object) -> None:
    """Raise unless it is a plan."""
    if not isinstance(plan, CompressionPlan):
        raise InvalidTypeError(
            f"`plan` must be the result of `pastur.plan_compression`. Got {type(plan).__name__}."
        )


def check_model(
    sensitivities: "Sensitivities", tensors: Sequence[TensorRecord], source: str
) -> None:
    """Raise unless sensitivities are those of a model."""
    if sensitivities.model != model_mark(tensors):
        raise InvalidInputError(
            f"The sensitivities are of another model than {source}: its tensors have other names, "
            "shapes or numbers. Measure them for this one."
        )


@dataclass(frozen=True)
class MatrixSensitivity:
    """What a model loses with one matrix changed as in a plan.

    Attributes
    ----------
    name : str
    outputs : float
        Share of its outputs that is lost with all of the change, as the plan has it.
    losses : tuple of float
        How much more the model loses with all of the change, by document.

    Examples
    --------
    >>> from pastur.compression import MatrixSensitivity
    >>> one = MatrixSensitivity("a", 0.1, (0.03, 0.01, 0.02, 0.03, 0.01))
    >>> f"{one.mean:.3f} ± {one.error:.3f}"
    '0.020 ± 0.004'
    """

    name: str
    outputs: float
    losses: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean of `losses`."""
        return float(np.mean(self.losses))

    @property
    def error(self) -> float:
        """Standard error of `mean`, documents being the unit."""
        return float(np.std(self.losses, ddof=1) / np.sqrt(len(self.losses)))


@dataclass(frozen=True)
class Sensitivities(StoredResult):
    """What a model loses for what the outputs of its layers lose.

    Attributes
    ----------
    model : str
        Hash of all its tensors.
    before : tuple of float
        Loss of each document with the model as it is.
    matrices : tuple of MatrixSensitivity
        What the change of each matrix costs: alone, or as its share of what all of them cost.
    together : tuple of float
        How much more the model loses with all of them changed, by document.
    steps : tuple of float
        Parts of that change, between 0 and 1, ascending.
    on_the_way : tuple of tuple of float
        How much more the model loses with such a part, by document.
    earlier : tuple of MatrixSensitivity
        Matrices that this plan keeps, measured along another.

    Examples
    --------
    >>> from pastur.compression import MatrixSensitivity, Sensitivities
    >>> more = (0.16, 0.176, 0.144, 0.16, 0.16)
    >>> found = Sensitivities("", (2.0,) * 5, (MatrixSensitivity("a", 0.1, more),), more)
    >>> print(found.predicted({"a": 0.05}))
    0.08000 more (0.07298 to 0.08702)
    >>> half = tuple(x / 2 for x in more)  # half of the way costs half, and not a quarter
    >>> found = Sensitivities("", (2.0,) * 5, found.matrices, more, (0.5,), (half,))
    >>> print(found.predicted({"a": 0.025}))
    0.08000 more (0.07298 to 0.08702)
    """

    model: str
    before: tuple[float, ...]
    matrices: tuple[MatrixSensitivity, ...]
    together: tuple[float, ...]
    steps: tuple[float, ...] = ()
    on_the_way: tuple[tuple[float, ...], ...] = ()
    earlier: tuple[MatrixSensitivity, ...] = ()

    _form: ClassVar[StoredForm] = StoredForm(
        what="file of sensitivities",
        schemas=(SCHEMA,),
        unsound="is not a sound file of sensitivities",
        again="Measure them again with `pastur.torch.attribute_loss`.",
        keys=("before", "together"),
    )

    def __post_init__(self) -> None:
        count = len(self.before)
        if count < LEAST_DOCUMENTS:
            raise InvalidInputError(
                f"Sensitivities need the losses of at least {LEAST_DOCUMENTS} documents. Got "
                f"{count}."
            )
        every = (self.together, *self.on_the_way, *(one.losses for one in self.every))
        for losses in every:
            if len(losses) != count:
                raise InvalidInputError(f"Each change must have the losses of {count} documents.")
        largest = max(abs(x) for losses in (self.before, *every) for x in losses)
        if not largest < _LARGEST:
            raise InvalidInputError(f"Losses must be below {_LARGEST:g}. Got {largest:g}.")
        if not any(x for losses in every for x in losses):
            raise InvalidInputError(
                "The model loses exactly nothing on any document, whatever is changed: the loss "
                "must use the module that it is given, and the plan change enough to be seen in it."
            )
        ascending = all(a < b for a, b in pairwise((0.0, *self.steps, 1.0)))
        if len(self.steps) != len(self.on_the_way) or not ascending:
            raise InvalidInputError("`steps` must ascend between 0 and 1, and have losses each.")
        if len({one.name for one in self.every}) < len(self.every) or not self.matrices:
            raise InvalidInputError("Sensitivities are of matrices of different names.")
        for one in self.every:
            if not 0 < one.outputs <= 1:
                raise InvalidInputError(
                    f"`outputs` of {shown(one.name)} must be positive, and at most 1."
                )

    @property
    def every(self) -> tuple[MatrixSensitivity, ...]:
        """All matrices of which something is known."""
        return (*self.matrices, *self.earlier)

    @property
    def weights(self) -> dict[str, float]:
        """What a loss of all of its outputs would cost, by matrix; never below its standard error.

        A loss that was not seen for the noise, or that came out negative, is not one of zero.
        """
        least = np.finfo(float).tiny
        return {one.name: max(one.mean, one.error, least) / one.outputs for one in self.every}

    def joined(self, earlier: "Sensitivities") -> "Sensitivities":
        """Return these, with those matrices that were measured earlier and not here.

        A plan that rests on sensitivities keeps the matrices that cost most; measured along such a
        plan, they are not there.

        Parameters
        ----------
        earlier : Sensitivities
            Of the same model and the same documents.

        Raises
        ------
        InvalidInputError
            When they are of others.
        """
        if not isinstance(earlier, Sensitivities):
            raise InvalidTypeError(
                f"`earlier` must be Sensitivities. Got {type(earlier).__name__}."
            )
        if earlier.model != self.model:
            raise InvalidInputError("The earlier sensitivities are of another model.")
        same = len(earlier.before) == len(self.before)
        if not (same and np.allclose(earlier.before, self.before, rtol=1e-3)):
            raise InvalidInputError(
                "The earlier sensitivities are of other documents: the model as it is loses "
                "something else on them."
            )
        known = {one.name for one in self.every}
        more = tuple(one for one in earlier.every if one.name not in known)
        return replace(self, earlier=(*self.earlier, *more))

    def predicted(
        self, outputs: Mapping[str, float], *, unknown: Collection[str] = ()
    ) -> Prediction:
        """Return how much more the model loses, with an interval in which documents are the unit.

        There is none where a plan is too far from the one that was measured: where it loses a small
        part of that, or more of outputs of which it is not known how many times as much that is.

        Parameters
        ----------
        outputs : mapping of str to float
            Share of the outputs that is lost, of matrices in `matrices`; 0 for all others.
        unknown : collection of str
            Those of which it is not known how many times as much that is as what was measured.

        Raises
        ------
        InvalidInputError
            When there is a matrix that was not measured.
        """
        known = {one.name: one for one in self.every}
        for name in outputs:
            if name not in known:
                raise InvalidInputError(f"The sensitivity of {shown(name)} was not measured.")
        lost, alone = self._changes(self.matrices, outputs)
        more, each = self._changes(self.earlier, outputs)
        way = np.array([*self.on_the_way, self.together])
        steps = np.array([*self.steps, 1.0])

        def value(documents: AnyArray) -> float:
            there = float(more @ each[:, documents].mean(axis=1))
            return _combined(lost, alone[:, documents], steps, way[:, documents]) + there

        every = np.arange(way.shape[1])
        found = value(every)
        times = np.append(lost, more)
        costs = np.maximum(np.vstack([alone, each]).mean(axis=1), 0)
        doubtful = np.array([one.name in unknown for one in self.every])
        measured = np.where(np.arange(costs.size) < len(lost), costs, 0)
        if reason := self._reason(times, doubtful, times @ costs, measured.sum()):
            return Prediction(found, None, None, every.size, reason)
        without = [value(every[every != k]) for k in every]
        spread = np.sqrt((every.size - 1) * np.var(without))
        chance = float(stdtrit(every.size - 1, (1 + _LEVEL) / 2) * spread)
        reach = float(np.hypot(chance, _MOVED * _distance(times * costs, measured) * abs(found)))
        # Such a matrix costs something between nothing and what it cost when it was measured.
        below, above = (
            float(np.hypot(reach, doubtful @ (part * costs))) for part in (times, 1 - times)
        )
        return Prediction(found, found - below, found + above, every.size)

    def _reason(
        self, times: FloatArray, doubtful: AnyArray, planned: float, measured: float
    ) -> str:
        """Return why no interval can be given, empty where one can."""
        # On another machine the same rank may lose a little more.
        more = doubtful & (times > 1.01)
        beyond = [one.name for one, far in zip(self.every, more, strict=True) if far]
        if beyond:
            return f"what {some_of(beyond)} loses of its outputs is hardly known"
        if times.any() and planned * _LESS < measured:
            return f"the plan that was measured loses more than {_LESS:g} times as much"
        return ""

    def _changes(
        self, matrices: Sequence[MatrixSensitivity], outputs: Mapping[str, float]
    ) -> tuple[FloatArray, FloatArray]:
        """Return outputs lost, over those lost when it was measured, and losses by document."""
        lost = [outputs.get(one.name, 0.0) / one.outputs for one in matrices]
        losses = np.array([one.losses for one in matrices])
        return np.array(lost), losses.reshape(-1, len(self.before))

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write the JSON document, whole or not at all, and return its path.

        Raises
        ------
        FileAccessError
            When `path` cannot be written.
        """
        text = json.dumps({"schema": SCHEMA} | asdict(self), allow_nan=False, indent=1)
        return self.write(path, text + "\n")

    @classmethod
    def _from_dict(cls, values: dict[str, Any]) -> "Sensitivities":
        try:
            found: Sensitivities = decoded(cls, values)
        except InvalidInputError as error:
            check(False, "", str(error).rstrip("."))
            raise
        return found

    def _inputs(self) -> Sequence[str | os.PathLike[str]]:
        return ()

    def __str__(self) -> str:
        lines = [f"{'matrix':40}  {'outputs lost':>12}  more loss"]
        for one in self.matrices:
            more = f"{number(one.mean)} ± {number(one.error)}"
            lines.append(f"{one.name:40}  {one.outputs:12.2%}  {more}")
        joint = number(float(np.mean(self.together)))
        lines.append(f"All together: {joint}. {len(self.before)} documents.")
        return "\n".join(lines)


def _combined(lost: FloatArray, alone: FloatArray, steps: FloatArray, way: FloatArray) -> float:
    """Return the loss of a plan, from those of another on the way to it.

    Each matrix counts in proportion to the outputs that it loses; and the model loses for all of
    them what it loses where all have gone a part of the way and have the same sum: where much is
    lost, each further loss costs less.

    Parameters
    ----------
    lost : array, shape (matrices,)
        Outputs lost, over those lost when it was measured.
    alone : array, shape (matrices, documents)
    steps : array, shape (parts,)
        The last is 1.
    way : array, shape (parts, documents)
    """
    each, losses = alone.mean(axis=1), way.mean(axis=1)
    total = float(each.sum())
    # Where the sum of the parts is no guide, all of them have the mean share.
    share = float(lost @ each) / total if total > 0 else float(lost.mean())
    if steps.size == 1 or not 0 < share < 1:
        return share * float(losses[-1])
    # Outputs are lost in proportion to the square of the part.
    part = np.sqrt(share)
    return float(part * np.polyval(np.polyfit(steps, losses / steps, steps.size - 1), part))


def _distance(planned: FloatArray, measured: FloatArray) -> float:
    """Return how far a plan is from one that was measured, 0 for the same mixture.

    The share of the loss that other matrices have, and more where more is lost in all.

    Parameters
    ----------
    planned, measured : array, shape (matrices,)
        What each matrix costs.
    """
    here, there = float(planned.sum()), float(measured.sum())
    if not (there > 0 and here > 0):
        return 1.0
    other = float(np.abs(planned / here - measured / there).sum() / 2)
    return other + max(float(np.log(here / there)), 0.0)
