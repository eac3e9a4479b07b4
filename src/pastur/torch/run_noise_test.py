"""Does what counts as noise matter to what a network computes?"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from pastur._checks import finite_number, needed, non_negative_integer, positive_integer
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._foreign import shown, suggestion
from pastur._typing import AnyArray, FloatArray
from pastur._versions import package_versions
from pastur.analysis import Analysis, MatrixAnalysis, MatrixNoiseTest, NoiseTest, analyze
from pastur.analysis._noise_test.parts import MatrixParts
from pastur.compression._matrix.blocks import rows_of
from pastur.compression._source.checkpoint import matrices_of
from pastur.compression._source.orientation import put_back
from pastur.weights import Matrix, Weights, open_weights

_UNFOLDINGS = ("outputs", "inputs", "window")
# ‖W‖² of a matrix, relative to that of the analysis.
_SAME = 1e-6


def noise_test(
    module: Any,
    evaluate: Callable[[Any], Any],
    *,
    analysis: Analysis | None = None,
    draws: int = 19,
    seed: int = 0,
) -> NoiseTest:
    """Measure what a network loses without the noise of a matrix, with other noise, without signal.

    Each matrix W is taken apart: the directions that its fit counts as signal (spikes, or what
    stands out where no law of noise is claimed), and the rest, which holds the noise. One matrix at
    a time is changed, `evaluate` called, and the matrix put back:

    - *rest removed*: the signal alone;
    - *fresh rest*: another one of the same law, several draws. If the rest is noise to the network,
      the loss does not change but by chance;
    - *signal removed*: the rest alone;
    - *deciles*: W without each tenth of its singular directions.

    Parameters
    ----------
    module : torch.nn.Module
        It is changed and restored, to the bit, also where `evaluate` raises an error.
    evaluate : callable
        ``evaluate(module)`` returns a loss: a number, smaller is better. It must leave the module
        as it is (``module.eval()`` before), and should give the same number for the same module.
    analysis : Analysis, optional
        The matrices to test and the noise of each: `pastur.analyze` of this module, with other
        noise or fewer matrices, say. Default: ``pastur.analyze(module)``.
    draws : int, default 19
        Draws of a fresh rest for each matrix; the smallest p-value is 1/(draws + 1).
    seed : int, default 0
        Seed for them; those of a matrix depend on this and its name alone.

    Returns
    -------
    NoiseTest

    Raises
    ------
    InvalidInputError
        When the analysis is of another model, nothing can be tested, or the loss of the model is
        not a finite number.
    InvalidTypeError
        When `evaluate` cannot be called, or returns something else than a number.
    MissingExtraError
        When PyTorch is not installed.

    Notes
    -----
    A fresh rest is orthogonal to the signal on both sides, so that the signal keeps its directions
    and strengths. Under white noise and with a profile its entries are Gaussian, of the fitted
    level. *Where no law is claimed, none is drawn from, and the rest is not noise*: it is
    everything that does not stand out, which may hold directions nearly as strong as those that do.
    It keeps its singular values, and its directions are drawn at random. That tests whether the
    directions of the rest matter, not whether it is noise of some law.

    The rest also holds what signal never left it, or does not stand out. That serves the network
    too, and is lost with the rest: a small p-value says that the rest matters, not that a part of
    it was wrongly taken for noise.

    For each matrix it takes 12 evaluations and one for each draw; two more in all. Where no law is
    claimed a draw takes two QR decompositions as well.

    Examples
    --------
    ::

        test = pastur.torch.noise_test(module.eval(), lambda module: validation_loss(module))
        print(test)
        pastur.figures.plot_noise_test(test)

    >>> import torch
    >>> from torch import nn
    >>> import pastur
    >>> _ = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(30, 60), nn.ReLU(), nn.Linear(60, 40))
    >>> x = torch.randn(100, 30)
    >>> def evaluate(module):
    ...     with torch.no_grad():
    ...         return float(module(x).square().mean())
    >>> found = pastur.torch.noise_test(module, evaluate, draws=2)
    >>> [matrix.name for matrix in found.matrices]
    ['0.weight', '2.weight']
    """
    with needed("pastur.torch.noise_test", "torch", "torch"):
        from pastur.torch._layers.owners import Owners, check_module
    check_module(module)
    if not callable(evaluate):
        raise InvalidTypeError(
            f"`evaluate` must be a function of the module. Got {type(evaluate).__name__}."
        )
    count, start = positive_integer("draws", draws), non_negative_integer("seed", seed)
    found = analyze(module) if analysis is None else analysis
    if not isinstance(found, Analysis):
        raise InvalidTypeError(
            f"`analysis` must be the result of `pastur.analyze`. Got {type(found).__name__}."
        )
    weights = open_weights(module)
    there = _matrices(weights, found)
    skipped = {one.name: one.reason for one in found.skipped if len(one.shape) > 1}
    run = _Run(module, evaluate, weights, Owners(module), count, start, skipped)
    before = run.loss()
    if not isfinite(before):
        raise InvalidInputError(
            f"`evaluate` must return a finite loss for the module as it is. Got {before}."
        )
    tested = [run.tested(one, there[one.name], before) for one in found.matrices]
    done = tuple(one for one in tested if one is not None)
    if not done:
        reasons = "; ".join(f"{shown(name)} {why}" for name, why in run.skipped.items())
        raise InvalidInputError(f"No matrix can be tested: {reasons}.")
    return NoiseTest(
        loss=before,
        repeated=run.loss(),
        draws=count,
        seed=start,
        matrices=done,
        skipped=run.skipped,
        versions=package_versions() | _torch_version(),
    )


@dataclass(eq=False)
class _Run:
    """A module with what is asked of it."""

    module: Any
    evaluate: Callable[[Any], Any]
    weights: Weights
    owners: Any
    draws: int
    seed: int
    skipped: dict[str, str] = field(default_factory=dict)

    def loss(self) -> float:
        """Return the loss of the module as it is; NaN or infinite where it is that."""
        value = self.evaluate(self.module)
        try:
            # A tensor that remembers how it was computed warns when it becomes a number.
            return float(value.detach() if hasattr(value, "detach") else value)
        except (TypeError, ValueError, RuntimeError):
            return finite_number("evaluate(module)", value)

    def tested(
        self, analysed: MatrixAnalysis, matrix: Matrix, before: float
    ) -> MatrixNoiseTest | None:
        """Return the test of one matrix; None where it is skipped."""
        tensor = self.owners.parameter(matrix.tensor)
        reason = _why_skipped(analysed, tensor)
        if reason:
            self.skipped[matrix.name] = reason
            return None
        # Not the memory of the tensor itself, which is about to change.
        array = np.array(self.weights.read(matrix.tensor))
        w = np.asarray(matrix.cut(array), dtype=np.float64)
        _check_same(analysed, w)
        parts = MatrixParts.of(w, analysed.fit)
        signal, rest = parts.signal, parts.rest
        rng = np.random.default_rng([self.seed, *matrix.name.encode("utf-8", "replace")])

        with _restored(tensor):

            def change(values: FloatArray) -> float | None:
                loss = self._loss_with(tensor, matrix, array, values)
                return loss - before if isfinite(loss) else None

            rest_removed, fresh, energies = change(signal), [], []
            for _ in range(self.draws):
                drawn = parts.fresh(rng)
                energies.append(float(np.sum(drawn**2)))
                fresh.append(change(signal + drawn))
            signal_removed = change(rest)
            deciles = tuple(change(values) for values in parts.without_deciles())
        energy = float(np.sum(rest**2))
        return MatrixNoiseTest(
            name=matrix.name,
            shape=matrix.shape,
            noise=parts.noise,
            directions=len(parts.chosen),
            rest_energy=energy / float(np.sum(w**2)),
            fresh_energy=float(np.mean(energies)) / energy,
            rest_removed=rest_removed,
            fresh=tuple(fresh),
            signal_removed=signal_removed,
            deciles=deciles,
        )

    def _loss_with(self, tensor: Any, matrix: Matrix, array: AnyArray, values: FloatArray) -> float:
        """Return the loss with other values for a matrix, in the type of its tensor."""
        import torch

        changed = np.array(array, dtype=np.float64)
        put_back(matrix, changed, rows_of(values))
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(changed))
        return self.loss()


@contextmanager
def _restored(tensor: Any) -> Iterator[None]:
    """Give a tensor back the bits that it had, whatever happens inside."""
    import torch

    saved = tensor.detach().clone()
    try:
        yield
    finally:
        with torch.no_grad():
            tensor.copy_(saved)


def _why_skipped(analysed: MatrixAnalysis, tensor: Any) -> str:
    if tensor is None or not tensor.is_floating_point():
        return "is not a parameter of real numbers that can be changed"
    return "has no noise" if analysed.fit.sigma == 0.0 else ""


def _matrices(weights: Weights, analysis: Analysis) -> dict[str, Matrix]:
    """Return the matrices of a module that an analysis has, unfolded as they are there."""
    for unfold in _UNFOLDINGS:
        there = matrices_of(weights, unfold)
        missing = [
            one
            for one in analysis.matrices
            if one.name not in there or there[one.name].shape != one.shape
        ]
        if not missing:
            return there
    name = missing[0].name
    hint = "" if name in there else suggestion(name, there)
    raise InvalidInputError(
        f"The analysis is of another model: the module has no matrix {shown(name)} of shape "
        f"{missing[0].shape}.{hint}"
    )


def _check_same(analysed: MatrixAnalysis, w: FloatArray) -> None:
    one, other = float(np.sum(analysed.singular_values**2)), float(np.sum(w**2))
    if abs(one - other) > _SAME * one:
        raise InvalidInputError(
            f"The analysis is of another model: matrix {shown(analysed.name)} has other numbers. "
            "Analyse the module as it is now."
        )


def _torch_version() -> dict[str, str]:
    import torch

    return {"torch": str(torch.__version__)}
