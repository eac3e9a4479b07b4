"""From an analysis to a plan."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pastur._checks import (
    finite_number,
    non_negative_integer,
    one_of,
    positive_integer,
    positive_number,
)
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._files import PathLike
from pastur._foreign import shown, some_of
from pastur._format import percent
from pastur._typing import AnyArray, FloatArray
from pastur._versions import package_versions
from pastur.analysis import Analysis, MatrixAnalysis
from pastur.analysis._result.ranks_file import read_ranks
from pastur.compression._inputs.moments import InputMoments
from pastur.compression._matrix.blocks import row_blocks, rows_of
from pastur.compression._matrix.codes import BITS
from pastur.compression._methods.menu import Menu, Subject, SubjectInputs
from pastur.compression._methods.methods import METHODS, Method, MethodName
from pastur.compression._plan.fingerprint import TensorRecord, parameters_of, records
from pastur.compression._plan.matrix_plan import Form, MatrixPlan
from pastur.compression._plan.prediction import Prediction
from pastur.compression._plan.whole_plan import CompressionPlan
from pastur.compression._planning.allocation import (
    choices_of_each,
    choices_of_error,
    choices_of_loss,
    choices_of_size,
    first_step,
    own_choices,
)
from pastur.compression._planning.model_inputs import inputs_of, weighted
from pastur.compression._sensitivities.sensitivities import Sensitivities, check_model
from pastur.compression._source.checkpoint import (
    FLOATS,
    UNFOLDINGS,
    Checkpoint,
    matrices_of,
    open_checkpoint,
)
from pastur.compression._source.orientation import orientation
from pastur.weights import Matrix, Weights

TARGETS = ("size", "error")
MIN_SIDE = 20
# By how much the norm of a matrix and of its singular values may differ, relative.
_ROUNDING = 1e-6


def plan_compression(
    analysis: Analysis,
    source: Any = None,
    *,
    method: str = "truncate",
    target: Mapping[str, float] | None = None,
    form: str = "factored",
    bits: int = 4,
    ranks: Mapping[str, int] | PathLike | None = None,
    inputs: InputMoments | PathLike | None = None,
    sensitivities: Sensitivities | PathLike | None = None,
    min_side: int = MIN_SIDE,
) -> CompressionPlan:
    """Plan what becomes of each matrix of a model, and what that costs.

    No data are needed but by the methods that have `inputs`, and nothing is written:
    `apply_compression` does that. The error of a matrix is ‖W − W′‖/‖W‖ in Frobenius norm; it says
    how far the weights move, not what the model loses.

    Parameters
    ----------
    analysis : Analysis
        Of the model itself, not of a difference; stored ones will do.
    source : path, module, array or dict of arrays, optional
        The model. Default: the path that was analysed.
    method : str
        - ``"truncate"`` (default): leading directions of each matrix, by marginal cost;
        - ``"edge"``: those beyond the edge of the noise;
        - ``"denoise"``: the denoised matrix of each fit (white, profile or free, as the analysis
          has it); ``"shrink"``: optimal shrinkage for white noise, σ by the median rule;
        - ``"energy"``, ``"rank"``, ``"stable_rank"``: directions by the share of the energy, of the
          parameters, or in proportion to the stable rank;
        - ``"magnitude"``: the smallest entries of the model become zero; ``"edge_budget"``: with a
          budget by edges; ``"ramp"``: with one that is linear in depth;
        - ``"round"``: all entries rounded to `bits` bits; ``"split"``: leading directions in 16
          bits, the rest in `bits`;
        - ``"ranks"``: as many directions of each matrix as `ranks` says;
        - ``"outputs"``: leading directions of the *outputs* of each layer for inputs like `inputs`,
          whose moments are shrunk; ``"whitened"``: the same with the moments as measured.
    target : mapping of one of "size", "error", "loss", "each" to float, optional
        For the whole model, allocated over the matrices. ``{"size": 0.6}``: at most that share of
        the numbers of all tensors is left, but for values before training (factors and entries that
        are not zero; bytes for ``"round"`` and ``"split"``, counted as packed). ``{"error": 0.1}``:
        the error of all matrices together, each scaled to entries of rms 1, is at most that.
        ``{"loss": 0.02}``, with `sensitivities`: the model is predicted to lose at most so much
        more. ``{"each": 0.8}``, for methods by outputs: at most that share is left of each matrix,
        which is where `pastur.torch.attribute_loss` starts from. Without a target each matrix has
        the method's own choice, which ``"truncate"``, ``"energy"``, ``"rank"``, ``"magnitude"``,
        ``"edge_budget"``, ``"ramp"`` and those by outputs have not.
    form : {"factored", "dense"}
        How it will be written. "factored" (default): two factors, of a rank that is a multiple of
        8, where they are smaller than the matrix, and packed codes. "dense": names and shapes as
        before; what is left out is zero, or the product of the factors.
    bits : int, 2 to 8
        Default 4.
    ranks : mapping of str to int, or path, optional
        For the method ``"ranks"``, by name of the matrix; those without one, or with rank 0, stay
        as they are. A path is that of the JSON of `Analysis.to_ranks`, edited or not. Default: the
        suggested ranks of the analysis.
    inputs : InputMoments or path, optional
        For the methods ``"outputs"`` and ``"whitened"``: what `pastur.torch.collect_inputs` wrote,
        of this model. Matrices without inputs stay as they are.
    sensitivities : Sensitivities or path, optional
        With `inputs`: what `pastur.torch.attribute_loss` found, of this model. Outputs then
        count for what the model loses by them, and what the plan costs it is predicted. Matrices
        that were not measured stay as they are.
    min_side : int, default 20
        Methods that leave directions out keep all of a matrix with fewer rows or columns: as a
        rule each of them is an output of its own, such as a class, and leaving one out saves next
        to nothing. 1: they may cut every matrix, as `ranks` that are given do.

    Returns
    -------
    CompressionPlan

    Raises
    ------
    FileAccessError, FileFormatError
        When the source cannot be read.
    InvalidInputError, InvalidTypeError
        When an argument is wrong, the analysis is of another model, or the target cannot be
        reached.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> rng = np.random.default_rng(0)
    >>> w = rng.normal(size=(200, 300)) + 3 * rng.normal(size=(200, 8)) @ rng.normal(size=(8, 300))
    >>> model = {"fc.weight": w, "fc.bias": np.zeros(200)}
    >>> plan = pastur.plan_compression(pastur.analyze(model), model, method="edge")
    >>> plan["fc.weight"].choice.rank, round(plan.error, 3)
    (8, 0.116)
    """
    if not isinstance(analysis, Analysis):
        raise InvalidTypeError(
            "`analysis` must be the result of `pastur.analyze`, or of `Analysis.from_json`. Got "
            f"{type(analysis).__name__}."
        )
    asked = METHODS[MethodName(one_of("method", method, tuple(METHODS)))]
    wanted = Form(one_of("form", form, tuple(Form)))
    goal = _checked_target(target, method, asked, measured=sensitivities is not None)
    count = one_of("bits", positive_integer("bits", bits), BITS)
    least = positive_integer("min_side", min_side)
    wanted_ranks = _checked_ranks(ranks, method, analysis)
    moments = _checked_inputs(inputs, method, asked)
    measured = _checked_sensitivities(sensitivities, moments)
    checkpoint = open_checkpoint(_named(analysis) if source is None else source)
    model = _matched(analysis, checkpoint)
    tensors = tuple(records(checkpoint.tensors, checkpoint.stored))
    least = 1 if ranks is not None else least
    seen = {} if moments is None else inputs_of(model.matrices, tensors, moments)
    if measured is not None:
        check_model(measured, tensors, checkpoint.source)
        seen = weighted(seen, measured)
    subjects = list(model.subjects(wanted, count, least, wanted_ranks, seen))
    menus = asked.menus(subjects, goal)

    def predicted(choices: list[int]) -> Prediction | None:
        changed = [
            (subject.name, menu, k)
            for subject, menu, k in zip(subjects, menus, choices, strict=True)
            if k
        ]
        lost = {name: float(menu.losses[k]) for name, menu, k in changed}
        unknown = {
            name for name, menu, k in changed if menu.unknown is not None and menu.unknown[k]
        }
        return None if measured is None else measured.predicted(lost, unknown=unknown)

    if "loss" in goal:
        chosen = choices_of_loss(menus, goal["loss"], lambda choices: _loss(predicted(choices)))
    else:
        parameters = parameters_of(tensors, {matrix.tensor for _, matrix in model.found})
        chosen = _chosen(menus, subjects, tensors, parameters, goal, method)
    return CompressionPlan(
        source=checkpoint.source,
        method=method,
        target=goal,
        form=wanted,
        unfold=model.unfold,
        matrices=tuple(
            _planned(matrix, subject, menu, k)
            for (_, matrix), subject, menu, k in zip(
                model.found, subjects, menus, chosen, strict=True
            )
        ),
        tensors=tensors,
        versions=package_versions(),
        assumption=" ".join(
            [
                asked.sentence,
                *([] if moments is None else [str(moments)]),
                *_nothing_done(menus, subjects, chosen, goal),
            ]
        ),
        left_out=model.left_out,
        files=checkpoint.files,
        predicted=predicted(chosen),
    )


def _loss(prediction: Prediction | None) -> float:
    assert prediction is not None
    return prediction.loss


def _checked_target(
    target: Mapping[str, float] | None, method: str, asked: Method, *, measured: bool
) -> dict[str, float]:
    if target is None:
        if asked.needs:
            raise InvalidInputError(
                f"The method '{method}' needs a target: pass `target={{'{asked.needs[0]}': 0.6}}`."
            )
        return {}
    names = asked.needs or TARGETS
    if not isinstance(target, Mapping) or len(target) != 1:
        raise InvalidTypeError(
            f"`target` must be a dictionary of one item, such as {{'{names[0]}': 0.6}} or "
            f"{{'{names[-1]}': 0.1}}. Got {shown(target)}."
        )
    ((name, value),) = target.items()
    one_of("target", name, names)
    number = finite_number(f"target['{name}']", value)
    if name == "loss":
        if not measured:
            raise InvalidInputError(
                "A target for the loss needs `sensitivities`: a file of "
                "`pastur.torch.attribute_loss`."
            )
        return {name: positive_number(f"target['{name}']", value)}
    if not 0 < number <= 1:
        raise InvalidInputError(
            f"`target['{name}']` must be a share, above 0 and at most 1. Got {number:g}."
        )
    return {name: number}


def _checked_ranks(
    ranks: Mapping[str, int] | PathLike | None, method: str, analysis: Analysis
) -> dict[str, int]:
    """Return the ranks by name of the matrix, those of the analysis where none are given."""
    if ranks is None:
        found = {matrix.name: matrix.suggested_rank.rank for matrix in analysis}
        return {name: rank for name, rank in found.items() if rank is not None}
    if method != MethodName.RANKS:
        raise InvalidInputError(f"`ranks` goes with the method 'ranks'. Got '{method}'.")
    given = ranks if isinstance(ranks, Mapping) else read_ranks(ranks)
    for name, rank in given.items():
        most = min(analysis[name].shape)
        if non_negative_integer(f"ranks[{name!r}]", rank) > most:
            raise InvalidInputError(
                f"`ranks` has {rank} for {shown(name)}, whose short side is {most}."
            )
    return dict(given)


def _checked_inputs(
    inputs: InputMoments | PathLike | None, method: str, asked: Method
) -> InputMoments | None:
    if inputs is None:
        if asked.reads_inputs:
            raise InvalidInputError(
                f"The method '{method}' needs `inputs`: a file of `pastur.torch.collect_inputs`."
            )
        return None
    if not asked.reads_inputs:
        raise InvalidInputError(f"The method '{method}' has no use for `inputs`: try 'outputs'.")
    return inputs if isinstance(inputs, InputMoments) else InputMoments.from_file(inputs)


def _checked_sensitivities(
    sensitivities: Sensitivities | PathLike | None, moments: InputMoments | None
) -> Sensitivities | None:
    if sensitivities is None:
        return None
    if moments is None:
        raise InvalidInputError("`sensitivities` go with `inputs`. Pass both.")
    if isinstance(sensitivities, Sensitivities):
        return sensitivities
    return Sensitivities.from_json(sensitivities)


def _named(analysis: Analysis) -> str:
    if not os.path.exists(analysis.source):
        raise InvalidInputError(
            f"The analysis is of {shown(analysis.source)}, which is not a file here. Pass the "
            "model as `source`."
        )
    return analysis.source


@dataclass(frozen=True, eq=False)
class _Model:
    """Matrices of a source with their analyses."""

    checkpoint: Checkpoint
    unfold: str
    found: tuple[tuple[MatrixAnalysis, Matrix], ...]
    left_out: dict[str, str]

    @property
    def matrices(self) -> list[Matrix]:
        """The matrices alone."""
        return [matrix for _, matrix in self.found]

    def subjects(
        self,
        form: Form,
        bits: int,
        min_side: int,
        ranks: Mapping[str, int],
        seen: Mapping[str, SubjectInputs],
    ) -> Iterator[Subject]:
        """Yield what the methods see of each matrix, and check that it is the one analysed."""
        entries = {entry.name: entry for entry in self.checkpoint.stored.entries}
        last = max(len(self.found) - 1, 1)
        for place, (analysed, matrix) in enumerate(self.found):
            entry = entries[matrix.tensor]
            yield Subject(
                name=matrix.name,
                shape=matrix.shape,
                dtype=entry.dtype,
                itemsize=entry.nbytes // max(int(np.prod(entry.shape)), 1),
                packs=orientation(matrix, entry.shape) is not None,
                values=analysed.singular_values,
                fit=analysed.fit,
                depth=place / last,
                form=form,
                bits=bits,
                min_side=min_side,
                load=partial(_entries, self.checkpoint.stored, matrix),
                wanted=ranks.get(matrix.name),
                inputs=seen.get(matrix.name),
            )


def _entries(weights: Weights, matrix: Matrix) -> AnyArray:
    stored = matrix.cut(weights.read(matrix.tensor))
    return np.asarray(stored, dtype=np.float64 if stored.dtype.itemsize > 4 else np.float32)


def _matched(analysis: Analysis, checkpoint: Checkpoint) -> _Model:
    """Return the matrices of the analysis in the source.

    Raises
    ------
    InvalidInputError
        Where one is not there, or has other numbers.
    """
    wanted = {matrix.name: matrix for matrix in analysis.matrices}
    unfold, there = _unfolded(wanted, checkpoint)
    stored = {entry.name: entry for entry in checkpoint.stored.entries}
    listed = {entry.name: entry for entry in checkpoint.weights.entries}
    found, left_out = [], {}
    for name, analysed in wanted.items():
        matrix, entry = there[name], stored.get(there[name].tensor)
        if entry is None or entry.shape != listed[matrix.tensor].shape or entry.quantised:
            left_out[name] = "is made of several tensors of the file, or of codes"
        elif entry.dtype not in FLOATS:
            left_out[name] = (
                f"is stored as {entry.dtype}, which does not hold other numbers as well"
            )
        else:
            found.append((analysed, matrix))
    if not found:
        reasons = "; ".join(dict.fromkeys(left_out.values()))
        raise InvalidInputError(
            f"Nothing in {checkpoint.source} can be compressed: {some_of(left_out)} {reasons}."
        )
    for analysed, matrix in found:
        _check_norm(analysed, matrix, checkpoint)
    return _Model(checkpoint, unfold, tuple(found), left_out)


def _unfolded(
    wanted: Mapping[str, MatrixAnalysis], checkpoint: Checkpoint
) -> tuple[str, dict[str, Matrix]]:
    """Return the unfolding under which all matrices are there, and them."""
    lacking: list[str] | None = None
    for unfold in UNFOLDINGS:
        there = matrices_of(checkpoint.weights, unfold)
        missing = [
            name
            for name, matrix in wanted.items()
            if name not in there or there[name].shape != matrix.shape
        ]
        if not missing:
            return unfold, there
        lacking = missing if lacking is None or len(missing) < len(lacking) else lacking
    first = next(iter(lacking or ()))
    raise InvalidInputError(
        f"The analysis is of another model than {checkpoint.source}: that has no matrix "
        f"{shown(first)} of shape {wanted[first].shape}. Analyse this one."
    )


def _check_norm(analysed: MatrixAnalysis, matrix: Matrix, checkpoint: Checkpoint) -> None:
    unit = float(analysed.singular_values[0])
    w = _entries(checkpoint.stored, matrix)
    norm = sum(_square(rows_of(w)(part) / unit) for part in row_blocks(w.shape)) ** 0.5
    seen = float(np.linalg.norm(analysed.singular_values / unit))
    if not abs(norm - seen) <= _ROUNDING * seen:
        raise InvalidInputError(
            f"The analysis is of other numbers than {checkpoint.source} has: the norm of "
            f"{shown(matrix.name)} is {norm * unit:.6g}, and {seen * unit:.6g} was analysed. "
            "Analyse this model, not a difference or an adapter."
        )


def _square(numbers: FloatArray) -> float:
    return float(np.vdot(numbers, numbers))


def _chosen(
    menus: list[Menu],
    subjects: list[Subject],
    tensors: Sequence[TensorRecord],
    parameters: Sequence[TensorRecord],
    goal: Mapping[str, float],
    method: str,
) -> list[int]:
    if not goal:
        return own_choices(menus, method)
    if "each" in goal:
        return choices_of_each(menus, goal["each"])
    if "error" in goal:
        weights = [float(subject.entries) for subject in subjects]
        return choices_of_error(menus, goal["error"], weights=weights)
    unit = METHODS[MethodName(method)].unit
    counted = [r.nbytes for r in tensors] if unit == "bytes" else [r.entries for r in parameters]
    total = float(sum(counted))
    others = total - sum(float(menu.sizes[0]) for menu in menus)
    return choices_of_size(menus, goal["size"], total=total, others=others, unit=unit)


def _nothing_done(
    menus: Sequence[Menu],
    subjects: Sequence[Subject],
    chosen: Sequence[int],
    goal: Mapping[str, float],
) -> list[str]:
    """Return why a target changes no matrix."""
    if any(chosen) or not goal or "size" in goal or goal.get("each") == 1:
        return []
    step = first_step(menus, weights=[float(subject.entries) for subject in subjects])
    if step is None:
        return ["No matrix can be changed by this method."]
    if "each" in goal:
        return [f"Nothing is changed: no matrix has a choice of {percent(goal['each'])} or less."]
    name = shown(subjects[step.place].name)
    if "loss" in goal:
        return [f"Nothing is changed: the first step, in {name}, loses more than was asked for."]
    return [
        f"Nothing is changed: the first step, in {name}, has an error of {percent(step.error)} of "
        "all matrices together, which is more than was asked for."
    ]


def _planned(matrix: Matrix, subject: Subject, menu: Menu, k: int) -> MatrixPlan:
    choice, promise = menu.choice(k)
    return MatrixPlan(
        name=subject.name,
        tensor=matrix.tensor,
        part=matrix.part,
        shape=subject.shape,
        dtype=subject.dtype,
        itemsize=subject.itemsize,
        packs=subject.packs,
        choice=choice,
        promise=promise,
        note=menu.note,
    )
