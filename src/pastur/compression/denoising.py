"""A model without what its fits take for noise: analysed, planned and written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pastur._errors import InvalidInputError
from pastur._files import PathLike
from pastur._foreign import shown
from pastur._format import count
from pastur.analysis import Analysis, analyze
from pastur.compression._plan.whole_plan import CompressionPlan
from pastur.compression._planning.plan_compression import plan_compression
from pastur.compression._writing.apply_compression import Compressed, apply_compression


@dataclass(frozen=True, eq=False)
class Denoised:
    """A model that was written without its noise.

    Attributes
    ----------
    plan : CompressionPlan
        What became of each matrix, with the energy that is left and the error.
    written : Compressed
        The file or folder, and the errors as they are in it.
    assumptions : dict of str to tuple of str
        What was assumed, with the names of the matrices that were changed under it.

    Examples
    --------
    >>> import numpy as np, pastur, tempfile
    >>> W = 1 + np.random.default_rng(0).normal(size=(60, 90))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = pastur.denoise_model({"a": W}, folder + "/denoised.safetensors")
    >>> list(done.assumptions.values())
    [('a',)]
    """

    plan: CompressionPlan
    written: Compressed
    assumptions: dict[str, tuple[str, ...]]

    @property
    def assumed(self) -> list[str]:
        """The assumptions in a sentence each."""
        return [f"{text} ({_of(names)})." for text, names in self.assumptions.items()]

    def __str__(self) -> str:
        changed = sum(not matrix.kept for matrix in self.plan.matrices)
        done = f"{changed} of {len(self.plan.matrices)} matrices denoised."
        return "\n".join([done, *self.assumed, self.plan.assumption, str(self.written)])


def denoise_model(
    source: Any,
    target: PathLike,
    *,
    analysis: Analysis | None = None,
    include: Sequence[str] | str | None = None,
    exclude: Sequence[str] | str | None = None,
    noise: str = "auto",
) -> Denoised:
    """Write a model with each matrix denoised, names and shapes as before.

    Each matrix becomes ``fit.denoise(W)`` under the noise of its fit, which `Denoised.assumptions`
    lists. Where nothing would be left, or no fit was made, it stays as it is, bit by bit. What is
    noise to a fit may be of use to the model: evaluate it.

    Parameters
    ----------
    source : path, module, array or dict of arrays
        The model.
    target : path
        The file to write, or the folder where the source is one; see `apply_compression`.
    analysis : Analysis, optional
        Of the model, so that it is not analysed again; then without the options below.
    include, exclude : sequence of str, optional
        Which matrices; see `analyze`.
    noise : str
        What the noise is; see `analyze`.

    Returns
    -------
    Denoised

    Raises
    ------
    FileAccessError, FileFormatError
        When the source cannot be read or the target not be written.
    InvalidInputError
        When the analysis is of another model, or the target belongs to the source.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np, pastur
    >>> rng = np.random.default_rng(0)
    >>> w = rng.normal(size=(200, 300)) + 3 * rng.normal(size=(200, 3)) @ rng.normal(size=(3, 300))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = pastur.denoise_model({"fc.weight": w}, f"{folder}/clean.safetensors")
    >>> done.plan["fc.weight"].choice.rank, round(done.plan.error, 2)
    (3, 0.2)
    """
    if analysis is None:
        analysis = analyze(source, include=include, exclude=exclude, noise=noise, outputs=[target])
    elif include is not None or exclude is not None:
        raise InvalidInputError(
            "`include` and `exclude` choose what is analysed: leave them out where an `analysis` "
            f"is given, or use `analysis.filter`. Got {shown(include or exclude)}."
        )
    plan = plan_compression(analysis, source, method="denoise", form="dense")
    return Denoised(plan, apply_compression(plan, source, target), _assumptions(analysis, plan))


def _assumptions(analysis: Analysis, plan: CompressionPlan) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for matrix in plan.matrices:
        if not matrix.kept:
            noise = analysis[matrix.name].fit.noise
            text = f"{noise.name.label}: this assumes that {noise.assumption}"
            found[text] = (*found.get(text, ()), matrix.name)
    return found


def _of(names: Sequence[str]) -> str:
    return shown(names[0]) if len(names) == 1 else count(len(names), "matrix", "matrices")
