"""The package's own methods at several sizes, the decompositions made once.

The numbers are those of `pastur.plan_compression` and `pastur.torch.compress`, which a test checks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import baselines
import numpy as np
from blocks import Matrices

from pastur._typing import AnyArray, FloatArray
from pastur.compression import InputMoments
from pastur.compression._inputs.output_losses import (
    OutputForms,
    OutputLosses,
    directions,
    output_losses,
)
from pastur.compression._methods.menu import Menu, on_hull
from pastur.compression._plan.matrix_plan import Choice, Promise
from pastur.compression._planning.allocation import choices_of_size

_MULTIPLE = 8


@dataclass(frozen=True, eq=False)
class Layer:
    """One matrix with the directions of its outputs, and what it loses by rank."""

    w: AnyArray
    left: AnyArray
    ranks: AnyArray
    found: OutputLosses

    @classmethod
    def of(cls, w: AnyArray, inputs: InputMoments, name: str, *, clean: bool) -> "Layer":
        """Return the layer for the inputs that were collected."""
        forms = OutputForms.of(w, inputs.each_fold(name))
        n, d = w.shape
        most = (n * d - 1) // (n + d)
        ranks = np.arange(most // _MULTIPLE * _MULTIPLE, 0, -_MULTIPLE)
        ranks = ranks[ranks < len(forms.total)]
        found = output_losses(forms, ranks, clean=clean)
        vectors = directions(forms.shrunk(found.shrinkage))
        left = vectors if forms.basis is None else forms.basis @ vectors
        return cls(w, left[:, :most].astype(np.float32), ranks, found)

    def cut(self, rank: int) -> AnyArray:
        """Return the matrix of a rank."""
        kept = self.left[:, :rank]
        return np.asarray(kept @ (kept.T @ self.w))

    def menu(self, weight: float) -> Menu:
        """Return the choices, all of the matrix first."""
        n, d = self.w.shape
        sizes = np.append(n * d, self.ranks * (n + d)).astype(np.float64)
        losses = np.append(0.0, self.found.losses[self.ranks])
        return Menu(sizes, losses, *on_hull(sizes, losses, weight), _unused)


def _unused(k: int) -> tuple[Choice, Promise]:
    raise NotImplementedError


@dataclass(frozen=True)
class Chosen:
    """What becomes of each matrix, and the share of its outputs that is said to be lost."""

    matrices: dict[str, AnyArray]
    lost: dict[str, float]
    parameters: float


def layers(given: Matrices, inputs: InputMoments, *, clean: bool) -> dict[str, Layer]:
    """Return all layers; with the inputs as measured, or shrunk."""
    return {name: Layer.of(w, inputs, name, clean=clean) for name, w in given.items()}


def uniform(found: Mapping[str, Layer], share: float) -> Chosen:
    """Return the same share of the parameters of each matrix."""
    ranks = {
        name: baselines.uniform_rank((layer.w.shape[0], layer.w.shape[1]), share)
        for name, layer in found.items()
    }
    return _chosen(found, ranks)


def by_level(
    found: Mapping[str, Layer], share: float, weights: Mapping[str, float] | None = None
) -> Chosen:
    """Return ranks at one level of loss for each parameter, all layers alike or by their weight."""
    menus = [layer.menu(1.0 if weights is None else weights[name]) for name, layer in found.items()]
    total = float(sum(menu.sizes[0] for menu in menus))
    picked = choices_of_size(menus, share, total=total, others=0.0, unit="parameters")
    return _chosen(
        found,
        {
            name: int(layer.ranks[k - 1]) if k else None
            for (name, layer), k in zip(found.items(), picked, strict=True)
        },
    )


def _chosen(found: Mapping[str, Layer], ranks: Mapping[str, int | None]) -> Chosen:
    left = total = 0
    matrices, lost = {}, {}
    for name, layer in found.items():
        rank, (n, d) = ranks[name], layer.w.shape
        total += n * d
        left += n * d if rank is None else rank * (n + d)
        if rank is not None:
            matrices[name] = layer.cut(rank)
            lost[name] = float(layer.found.losses[rank])
    return Chosen(matrices, lost, left / total)


def mean_shrinkage(found: Sequence[Layer]) -> float:
    """Return the mean of what the moments of the inputs were shrunk by."""
    values: FloatArray = np.array([layer.found.shrinkage for layer in found])
    return float(values.mean())
