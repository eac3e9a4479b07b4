"""What each matrix costs of the loss that a plan adds to a module, from gradients along the way."""

from collections.abc import Callable, Iterable
from typing import Any

from pastur._checks import items, needed, positive_integer
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur.compression import CompressionPlan, Sensitivities
from pastur.compression._sensitivities.sensitivities import (
    LEAST_DOCUMENTS,
    check_plan,
    model_mark,
)


def attribute_loss(
    module: Any,
    plan: CompressionPlan,
    *,
    documents: Iterable[Any],
    loss: Callable[[Any, Any], Any],
    nodes: int = 3,
) -> Sensitivities:
    """Attribute to each matrix its part of what a model loses by a plan.

    All matrices go from W to W′ at once. The gradient of the loss at W + t (W′ − W), integrated
    over t from 0 to 1 and multiplied with W′ − W of each matrix, is its part: the parts add up to
    what the model loses, whatever the order of it, and what matrices lose only together is divided
    between them (the value of Aumann and Shapley, known as integrated gradients). One pass forward
    and backward on each document at each node gives the parts of all matrices.

    Parameters
    ----------
    module : torch.nn.Module
        Of the model that was planned, in evaluation mode. It is changed and restored, to the bit,
        also where `loss` raises an error.
    plan : CompressionPlan
        By the method ``"outputs"`` or ``"whitened"``, at about the size that is wanted in the end.
        Matrices that it keeps are not measured: start from ``target={"each": 0.8}``.
    documents : iterable
        At least 5, others than those whose inputs were collected.
    loss : callable
        ``loss(module, document)`` returns a tensor of one number that can be differentiated, such
        as the mean of −log p over the tokens of the document.
    nodes : int, default 3
        Of the Gauss–Legendre rule: exact where the loss is a polynomial in t of degree 2 `nodes`.

    Returns
    -------
    Sensitivities

    Raises
    ------
    InvalidInputError
        When the plan is of another model or changes no matrix by its outputs, there are fewer than
        5 different documents, the module is in training, losses or gradients are not finite, the
        loss is not the same each time, or no change changes it.
    InvalidTypeError
        When `loss` cannot be called, or returns something else.
    MissingExtraError
        When PyTorch is not installed.

    See Also
    --------
    measure_sensitivities : for losses that cannot be differentiated.

    Notes
    -----
    Parts are those of one plan. For another plan, measure again: a second round along the plan that
    the first one gave is often worth it, `Sensitivities.joined` to the first. Where the errors of
    two matrices cancel each other, as in branches of which one is subtracted, both have parts near
    0, and what a plan loses that changes only one of them is not predicted; `measure_sensitivities`
    changes each alone.

    Sundararajan, Taly, Yan (2017), arXiv:1703.01365.

    Examples
    --------
    >>> import tempfile
    >>> import torch
    >>> from torch import nn
    >>> import pastur.torch
    >>> _ = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(30, 60), nn.ReLU(), nn.Linear(60, 40)).eval()
    >>> texts = [torch.randn(50, 30) for _ in range(32)]
    >>> pairs = [(x, module(x).detach()) for x in texts[16:]]
    >>> def loss(module, pair):
    ...     x, y = pair
    ...     return (module(x) - y).square().mean()
    >>> analysis = pastur.analyze(module)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = folder + "/inputs.safetensors"
    ...     inputs = pastur.torch.collect_inputs(module, texts[:16], path=path)
    ...     plan = pastur.plan_compression(
    ...         analysis, module, method="outputs", target={"each": 0.7}, inputs=inputs
    ...     )
    ...     found = pastur.torch.attribute_loss(module, plan, documents=pairs, loss=loss)
    >>> parts = sum(one.mean for one in found.matrices)
    >>> abs(parts / (sum(found.together) / 16) - 1) < 0.05
    True
    """
    with needed("pastur.torch.attribute_loss", "torch", "torch"):
        from pastur.torch._layers.owners import check_evaluating, check_module
        from pastur.torch._layers.path_parts import path_parts
        from pastur.torch._layers.planned_changes import planned_changes
    check_module(module)
    check_plan(plan)
    if not callable(loss):
        raise InvalidTypeError(
            f"`loss` must be a function of module and document. Got {type(loss).__name__}."
        )
    check_evaluating(module, "losses")
    given = items("documents", documents)
    if len(given) < LEAST_DOCUMENTS:
        raise InvalidInputError(
            f"`documents` must be at least {LEAST_DOCUMENTS}. Got {len(given)}."
        )
    changes, mark = planned_changes(module, plan), model_mark(plan.tensors)
    return path_parts(
        module, changes, given, loss, nodes=positive_integer("nodes", nodes), model=mark
    )
