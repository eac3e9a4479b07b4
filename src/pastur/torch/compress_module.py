"""A module made smaller after a plan, in place."""

from typing import Any

import numpy as np

from pastur._checks import needed
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._foreign import shown, suggestion
from pastur._typing import AnyArray
from pastur.compression import CompressionPlan, Form
from pastur.compression._matrix.parts import LEFT, RIGHT
from pastur.compression._plan.fingerprint import TensorRecord, check_tensor, tensor_digest
from pastur.compression._plan.matrix_plan import MatrixPlan
from pastur.compression._source.checkpoint import matrices_of
from pastur.compression._writing.replaced_tensors import planned_by_tensor, replaced
from pastur.weights import Matrix, Weights, open_weights


def compress(module: Any, plan: CompressionPlan) -> Any:
    """Replace the layers of a module after a plan, and return the module.

    In the factored form, `Linear`, `Conv2d` and `Embedding` are replaced by layers with the
    parameters ``weight_left`` and ``weight_right``, two products instead of one; layers that share
    a weight share its factors. In the dense form, and where entries are rounded, the weights get
    their new numbers. The state of the module then has the names and numbers of the file that
    `pastur.apply_compression` writes. Nothing is changed where anything is refused.

    Parameters
    ----------
    module : torch.nn.Module
        Whose state has the names and numbers of the model that was planned.
    plan : CompressionPlan
        See `pastur.plan_compression`.

    Returns
    -------
    torch.nn.Module
        The same module.

    Raises
    ------
    InvalidInputError
        When the plan is of another model, or a layer that it factors is of a class that cannot be
        replaced.
    InvalidTypeError
        When `plan` is not a plan.
    MissingExtraError
        When PyTorch is not installed.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> import pastur
    >>> _ = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(30, 60), nn.ReLU(), nn.Linear(60, 40))
    >>> plan = pastur.plan_compression(pastur.analyze(module), module, target={"size": 0.5})
    >>> smaller = pastur.torch.compress(module, plan)
    >>> sum(p.numel() for p in module.parameters())
    1620
    """
    with needed("pastur.torch.compress", "torch", "torch"):
        from pastur.torch._layers.owners import Owners, as_parameter, check_module
    check_module(module)
    if not isinstance(plan, CompressionPlan):
        raise InvalidTypeError(
            f"`plan` must be the result of `pastur.plan_compression`. Got {type(plan).__name__}."
        )
    weights, owners = open_weights(module), Owners(module)
    found = planned_by_tensor(plan.matrices, _matrices(weights, plan))
    records = {record.name: record for record in plan.tensors}
    put: list[tuple[str, dict[str, AnyArray]]] = []
    for name, planned in found.items():
        tensor = weights.read(name)
        _check(records[name], tensor, weights.source)
        reason = owners.cannot_factor(name) if _in_factors(planned, plan.form) else ""
        if reason:
            raise InvalidInputError(
                f"{shown(name)} cannot be replaced by factors: {reason}. Plan with "
                "`form='dense'`, or analyse without it (`exclude`)."
            )
        form = plan.form if _in_factors(planned, plan.form) else Form.DENSE
        put.append((name, replaced(name, tensor, planned, form).tensors))
    for name, arrays in put:
        if name in arrays:
            owners.put_dense(name, as_parameter(arrays[name]))
        else:
            sides = (as_parameter(arrays[f"{name}{end}"]) for end in (LEFT, RIGHT))
            owners.put_factors(name, *sides)
    return module


def _matrices(weights: Weights, plan: CompressionPlan) -> dict[str, Matrix]:
    there = matrices_of(weights, plan.unfold)
    for matrix in plan.matrices:
        found = there.get(matrix.name)
        if not matrix.kept and (found is None or found.shape != matrix.shape):
            hint = suggestion(matrix.name, there) if found is None else ""
            raise InvalidInputError(
                f"The plan is of another model than this {weights.source}: it has no matrix "
                f"{shown(matrix.name)} of shape {matrix.shape}.{hint}"
            )
    return there


def _in_factors(planned: list[tuple[MatrixPlan, Matrix]], form: Form) -> bool:
    """Whether a tensor is replaced by factors alone."""
    plan, _ = planned[0]
    return plan.written(form) == Form.FACTORED and plan.choice.bits is None


def _check(record: TensorRecord, tensor: AnyArray, source: str) -> None:
    digest = tensor_digest(np.asarray(tensor))
    other = TensorRecord(record.name, tensor.shape, record.dtype, record.nbytes, digest)
    check_tensor(record, other, f"this {source}")
