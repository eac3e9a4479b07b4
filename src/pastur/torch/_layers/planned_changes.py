"""The matrices of a module on their way to a plan, and back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pastur._errors import InvalidInputError
from pastur._foreign import shown
from pastur._typing import AnyArray, FloatArray
from pastur.compression import CompressionPlan
from pastur.compression._matrix.blocks import rows_of
from pastur.compression._plan.fingerprint import check_same, records
from pastur.compression._plan.outcome import carried_out
from pastur.compression._source.checkpoint import matrices_of, open_checkpoint
from pastur.compression._source.orientation import put_back
from pastur.torch._layers.owners import Owners
from pastur.weights import Matrix


@dataclass(frozen=True, eq=False)
class PlannedChange:
    """A matrix of a module, and where it goes.

    Attributes
    ----------
    name : str
    outputs : float
        Share of its outputs that is lost with all of the change.
    matrix : Matrix
    parameter : torch.Tensor
    difference : array
        W′ − W, in float32 unless the tensor is of float64.
    """

    name: str
    outputs: float
    matrix: Matrix
    parameter: Any
    difference: AnyArray

    def slope(self, gradient: FloatArray) -> float:
        """Return the derivative along the change, from the gradient of the tensor."""
        return float(np.vdot(self.matrix.cut(gradient), self.difference))


def planned_changes(module: Any, plan: CompressionPlan) -> list[PlannedChange]:
    """Return the changes that a plan makes by outputs.

    Raises
    ------
    InvalidInputError
        When the plan is of another model, or makes none.
    """
    checkpoint = open_checkpoint(module)
    there = matrices_of(checkpoint.weights, plan.unfold)
    check_same(
        plan.tensors,
        list(records(checkpoint.tensors, checkpoint.stored)),
        f"this {checkpoint.source}",
    )
    owners, found = Owners(module), []
    for one in plan.matrices:
        lost = None if one.promise is None else one.promise.outputs
        if one.kept or lost is None or not lost.loss > 0:
            continue
        parameter = owners.parameter(one.tensor)
        if parameter.is_inference():
            raise InvalidInputError(
                f"{shown(one.tensor)} was made under `torch.inference_mode()` and cannot be "
                "changed for a while: make or load the module outside of it."
            )
        w = there[one.name].cut(on_cpu(parameter))
        difference = carried_out(one.choice, w).dense() - w
        kind = np.float64 if parameter.dtype == torch.float64 else np.float32
        found.append(
            PlannedChange(one.name, lost.loss, there[one.name], parameter, difference.astype(kind))
        )
    if not found:
        raise InvalidInputError(
            "The plan changes no matrix of which it is known what its outputs lose: plan with the "
            "method 'outputs' and `inputs`, and do not edit the choices."
        )
    return found


@contextmanager
def changed(changes: Sequence[PlannedChange], step: float) -> Iterator[None]:
    """Have matrices at W + t (W′ − W), and as they were afterwards, to the bit."""
    saved = {id(one.parameter): (one.parameter, one.parameter.detach().clone()) for one in changes}
    try:
        for key, (parameter, before) in saved.items():
            tensor = on_cpu(before)
            for one in changes:
                if id(one.parameter) == key:
                    there = one.matrix.cut(tensor) + step * one.difference
                    put_back(one.matrix, tensor, rows_of(there))
            with torch.no_grad():
                parameter.copy_(torch.from_numpy(tensor))
        yield
    finally:
        with torch.no_grad():
            for parameter, before in saved.values():
                parameter.copy_(before)


def on_cpu(tensor: Any) -> FloatArray:
    """Return a copy of the numbers of a tensor, which may be about to change."""
    copied: FloatArray = tensor.detach().to(device="cpu", dtype=torch.float64).numpy().copy()
    return copied
