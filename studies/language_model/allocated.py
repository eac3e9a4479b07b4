"""The package's own methods at several sizes, the decompositions made once.

The numbers are those of `pastur.plan_compression` and `pastur.torch.compress`, which a test checks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import baselines
import numpy as np
from blocks import Matrices

from pastur._typing import AnyArray, FloatArray
from pastur.analysis import Analysis
from pastur.compression import Action, Choice, Form, InputMoments, Sensitivities
from pastur.compression._inputs.inputs_used import Side
from pastur.compression._matrix.low_rank import Factors
from pastur.compression._methods.menu import Menu, Subject, SubjectInputs, on_hull, promise
from pastur.compression._methods.methods import METHODS, MethodName
from pastur.compression._plan.matrix_plan import Promise
from pastur.compression._plan.outcome import carried_out
from pastur.compression._planning.allocation import choices_of_size
from pastur.compression._planning.model_inputs import most_lost

_MIN_SIDE, _MULTIPLE = 20, 8
# Any will do: menus have all sizes.
_TARGET = {"size": 0.5}


@dataclass(frozen=True)
class Chosen:
    """What becomes of each matrix, and the share of its outputs that is said to be lost."""

    matrices: dict[str, AnyArray]
    lost: dict[str, float]
    parameters: float


@dataclass(frozen=True, eq=False)
class Layer:
    """One matrix with its menu, and its factors of the highest rank, from which all are cut."""

    w: AnyArray
    menu: Menu
    factors: Factors

    @classmethod
    def of(cls, w: AnyArray, menu: Menu) -> "Layer":
        """Return the layer of a menu that has a choice besides keeping it."""
        n, d = w.shape
        # Up to the rank at which two factors are as large as the matrix.
        choice = replace(menu.choice(1)[0], rank=(n * d - 1) // (n + d))
        factors = carried_out(choice, w).factors
        assert factors is not None
        sides = (factors.left.astype(np.float32), factors.right.astype(np.float32))
        return cls(w, menu, Factors(*sides))

    @classmethod
    def of_moments(cls, w: AnyArray, moments: FloatArray) -> "Layer":
        """Return the layer for moments that are known, losses being those on them."""
        n, d = w.shape
        most = (n * d - 1) // (n + d)
        found = baselines.Directions.of(w, moments)
        right = found.left.T @ w
        energies = np.einsum("ij,ij->i", right @ moments, right)
        lost = np.append(np.cumsum(energies[::-1])[::-1], 0.0) / energies.sum()
        ranks = np.arange(most // _MULTIPLE * _MULTIPLE, 0, -_MULTIPLE)
        sizes = np.append(n * d, ranks * (n + d)).astype(np.float64)
        losses = np.append(0.0, np.maximum(lost[ranks], 0.0))

        def choose(k: int) -> tuple[Choice, Promise]:
            choice = Choice(Action.LOW_RANK, rank=int(ranks[k - 1]))
            return choice, promise(choice, float(losses[k]), energy=1.0, stored=0.0)

        menu = Menu(sizes, losses, *on_hull(sizes, losses, 1.0), choose)
        return cls(w, menu, Factors(found.left[:, :most], right[:most]))

    def cut(self, rank: int) -> AnyArray:
        """Return the matrix of a rank."""
        return np.asarray(self.factors.left[:, :rank] @ self.factors.right[:rank])

    def weighed(self, weight: float, most: float) -> Menu:
        """Return the menu with a loss counting for more or less, of choices that lose no more."""
        places = np.flatnonzero(self.menu.losses <= most)
        sizes, losses = self.menu.sizes[places], self.menu.losses[places]
        choose = self.menu.choose
        return Menu(
            sizes, losses, *on_hull(sizes, losses, weight), lambda k: choose(int(places[k]))
        )


def layers(
    given: Matrices, analysis: Analysis, method: str, inputs: InputMoments | None
) -> dict[str, Layer]:
    """Return all layers of the matrices that were analysed, for a method of the package."""
    subjects = [
        Subject(
            name=one.name,
            shape=one.shape,
            dtype="float32",
            itemsize=4,
            packs=True,
            values=one.singular_values,
            fit=one.fit,
            depth=0.0,
            form=Form.FACTORED,
            bits=4,
            min_side=_MIN_SIDE,
            load=lambda name=one.name: given[name],  # type: ignore[misc]
            inputs=None if inputs is None else SubjectInputs(inputs, one.name, Side.COLUMNS),
        )
        for one in analysis.matrices
    ]
    menus = METHODS[MethodName(method)].menus(subjects, _TARGET)
    return {
        one.name: Layer.of(given[one.name], menu) for one, menu in zip(subjects, menus, strict=True)
    }


def uniform(found: Mapping[str, Layer], share: float) -> Chosen:
    """Return the same share of the parameters of each matrix."""
    ranks: dict[str, int | None] = {}
    lost = {}
    for name, layer in found.items():
        n, d = layer.w.shape
        ranks[name] = baselines.uniform_rank((n, d), share)
        sizes = layer.menu.sizes
        # Between two ranks of the menu, where it has no loss of its own.
        lost[name] = float(np.interp(ranks[name] * (n + d), sizes[::-1], layer.menu.losses[::-1]))
    return _chosen(found, ranks, lost)


def by_level(
    found: Mapping[str, Layer], share: float, sensitivities: Sensitivities | None = None
) -> Chosen:
    """Return ranks at one level of the method's own, or of what the model loses by outputs.

    Layers that were not measured stay as they are, and none loses more than a few times what it
    lost then.
    """
    known, menus = dict(found), [layer.menu for layer in found.values()]
    if sensitivities is not None:
        weights, most = sensitivities.weights, most_lost(sensitivities)
        known = {name: layer for name, layer in found.items() if name in weights}
        menus = [layer.weighed(weights[name], most[name]) for name, layer in known.items()]
    total = float(sum(layer.w.size for layer in found.values()))
    others = total - sum(layer.w.size for layer in known.values())
    picked = choices_of_size(menus, share, total=total, others=others, unit="parameters")
    ranks: dict[str, int | None] = dict.fromkeys(found)
    lost = {}
    for name, menu, k in zip(known, menus, picked, strict=True):
        if k:
            ranks[name] = menu.choice(k)[0].rank
            lost[name] = float(menu.losses[k])
    return _chosen(found, ranks, lost)


def _chosen(
    found: Mapping[str, Layer], ranks: Mapping[str, int | None], lost: dict[str, float]
) -> Chosen:
    left = total = 0
    matrices = {}
    for name, layer in found.items():
        rank, (n, d) = ranks[name], layer.w.shape
        total += n * d
        left += n * d if rank is None else rank * (n + d)
        if rank is not None:
            matrices[name] = layer.cut(rank)
    return Chosen(matrices, lost, left / total)
