"""The matrices in the blocks of a network, changed by a method, and put in for a while.

The embedding, which is the output layer as well, and the norms stay as they are throughout.
"""

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import baselines
import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.compression import InputMoments

PATTERN = "model.layers.*.weight"

Matrices = Mapping[str, AnyArray]


def matrices(network: Any) -> dict[str, AnyArray]:
    """Return the matrices of all blocks by name; they share the memory of the network."""
    return {
        name: parameter.detach().numpy()
        for name, parameter in network.named_parameters()
        if parameter.ndim == 2 and fnmatch.fnmatchcase(name, PATTERN)
    }


@contextmanager
def put_in(network: Any, new: Matrices) -> Iterator[None]:
    """Give matrices other numbers, and their own back at the end."""
    there = matrices(network)
    kept = {name: there[name].copy() for name in new}
    try:
        for name, numbers in new.items():
            there[name][:] = numbers
        yield
    finally:
        for name, numbers in kept.items():
            there[name][:] = numbers


def moments_of(inputs: InputMoments, name: str) -> FloatArray:
    """Return Σ x xᵀ of all folds."""
    found = np.zeros((inputs[name].size,) * 2)
    for one in inputs.each_fold(name):
        found += one
    return found


def summed_moments(network: Any, documents: Sequence[Sequence[int]]) -> dict[str, FloatArray]:
    """Return Σ x xᵀ of the inputs of each matrix, quickly: products in float32, sums in float64.

    `pastur.torch.collect_inputs` has folds and float64 throughout, which takes several times as
    long and is not needed where all but chance is averaged away.
    """
    import torch

    sums: dict[str, FloatArray] = {}
    # The last input, and whose it was: queries, keys and values have the same.
    last: list[Any] = [None, ""]

    def hook(name: str) -> Callable[..., None]:
        def see(layer: Any, given: tuple[Any, ...]) -> None:
            if given[0] is last[0]:
                sums[name] = sums[last[1]]
                return
            last[:] = given[0], name
            x = given[0].reshape(-1, given[0].shape[-1]).numpy()
            sums.setdefault(name, np.zeros((x.shape[1],) * 2))
            sums[name] += x.T @ x

        return see

    handles = [
        network.get_submodule(name.removesuffix(".weight")).register_forward_pre_hook(hook(name))
        for name in matrices(network)
    ]
    try:
        with torch.inference_mode():
            for tokens in documents:
                network(torch.tensor([tokens]))
    finally:
        for handle in handles:
            handle.remove()
    return sums


def _with_moments(
    given: Matrices, inputs: InputMoments
) -> Iterator[tuple[str, AnyArray, FloatArray]]:
    """Yield each matrix with the moments of its inputs; those of one group are read once."""
    group, moments = "", np.zeros(0)
    for name in sorted(given, key=lambda name: inputs[name].group):
        if inputs[name].group != group:
            group, moments = inputs[name].group, moments_of(inputs, name)
        yield name, given[name], moments


def directions(
    given: Matrices, inputs: InputMoments | None, weighing: Callable[[FloatArray], FloatArray]
) -> dict[str, baselines.Directions]:
    """Return the leading directions of the outputs of each matrix."""
    pairs = (
        ((name, w, np.eye(w.shape[1])) for name, w in given.items())
        if inputs is None
        else _with_moments(given, inputs)
    )
    return {name: baselines.Directions.of(w, weighing(moments)) for name, w, moments in pairs}


def low_rank(found: Mapping[str, baselines.Directions], share: float) -> dict[str, AnyArray]:
    """Return matrices of low rank, the same share of the parameters of each."""
    return {
        name: one.cut(baselines.uniform_rank((one.w.shape[0], one.w.shape[1]), share))
        for name, one in found.items()
    }


def zeros(
    given: Matrices, inputs: InputMoments, method: str, pattern: tuple[int, int] | None
) -> dict[str, AnyArray]:
    """Return matrices of which half of the entries are zero."""
    return {
        name: baselines.ZEROS[method](w, moments, pattern).astype(np.float32)
        for name, w, moments in _with_moments(given, inputs)
    }


def few_bits(given: Matrices, bits: int, group: int) -> dict[str, AnyArray]:
    """Return rounded matrices."""
    return {name: baselines.rounded(w, bits, group).astype(np.float32) for name, w in given.items()}


def fewer_neurons(given: Matrices, inputs: InputMoments, share: float) -> dict[str, AnyArray]:
    """Return blocks without neurons, their attention as it was.

    The share is of the parameters of all matrices, so that more neurons go.
    """
    total = sum(w.size for w in given.values())
    gated = sum(w.size for name, w in given.items() if ".mlp." in name)
    found: dict[str, AnyArray] = {}
    for last in (name for name in given if name.endswith("down_proj.weight")):
        names = [last.replace("down", part) for part in ("gate", "up", "down")]
        gate, up, down = (given[name] for name in names)
        moments = moments_of(inputs, last)
        kept = int(len(moments) * (1 - (1 - share) * total / gated))
        less = baselines.fewer_neurons(gate, up, down, moments, kept)
        found |= {name: w.astype(np.float32) for name, w in zip(names, less, strict=True)}
    return found
