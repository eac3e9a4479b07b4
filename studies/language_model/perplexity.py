"""Log-perplexities of documents, and how much higher they are than those of another model."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pastur._typing import AnyArray, FloatArray


def loss_of(model: Any, tokens: Sequence[int]) -> Any:
    """Return the mean of −log p over the tokens of a document but its first, as a tensor."""
    import torch

    given = torch.tensor([tokens])
    return torch.nn.functional.cross_entropy(model(given).logits[0, :-1], given[0, 1:])


def document_losses(model: Any, documents: Sequence[Sequence[int]]) -> FloatArray:
    """Return the losses of documents."""
    import torch

    with torch.inference_mode():
        return np.array([float(loss_of(model, tokens)) for tokens in documents])


# Of products of 256 numbers, relative to their size: rounding to float32 makes a tenth of it.
_EXACT = 1e-5


class Excess(NamedTuple):
    """More log-perplexity than a model had before, and its standard error over documents."""

    value: float
    error: float


def excess(losses: AnyArray, before: AnyArray) -> Excess:
    """Return the mean of the differences, document by document, and its standard error."""
    more = np.subtract(losses, before, dtype=np.float64)
    return Excess(float(more.mean()), float(more.std(ddof=1) / np.sqrt(more.size)))


def one_quick_core() -> None:
    """Let PyTorch use one core, and the quickest products in float32 that do not round to 16 bits.

    On some processors those that may do so are twice as quick, and as exact as the others.
    """
    import torch

    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("medium")
    a, b = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 256, 256)))
    error = (a.float() @ b.float()).double() - a @ b
    if float(error.abs().max()) > _EXACT * float((a @ b).std()):
        torch.set_float32_matmul_precision("highest")
