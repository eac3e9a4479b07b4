"""Pruning of a network while it is trained, after the law of noise in its weights."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from pastur._checks import (
    finite_number,
    needed,
    non_negative_integer,
    one_of,
    positive_integer,
    positive_number,
    probability,
    significance,
)
from pastur._errors import InvalidInputError
from pastur._foreign import shown, suggestion
from pastur._stored import Damaged
from pastur._typing import FloatArray
from pastur.compression._matrix.low_rank import Directions, Factors
from pastur.torch._pruning.bulk import (
    ALIGNMENT,
    Bulk,
    EstimatorName,
    Rules,
    estimated_bulk,
)
from pastur.torch._pruning.records import PrunedLayer, PruningAction, PruningStep

_NONE = np.empty(0)


class MPPruning:
    """MP-pruning: keep what lies above the edge of the noise, and ever less of what lies below.

    Called once after each epoch. Every few epochs each linear layer and convolution is taken apart:
    W = R + S with R noise. Where the middle of its spectrum follows the Marchenko–Pastur law (the
    alignment test), the k singular values above the edge and the largest ``f·(p − k)`` of the
    others are kept, p the short side and f = max(0, 1 − epoch/until); the rest becomes zero. The
    weight is replaced by two factors where these have fewer numbers. At the end `sparsify` removes
    small entries.

    Parameters
    ----------
    module : torch.nn.Module
        It is changed in place. Its layers that cannot be pruned are listed in `left_out`.
    optimizer : torch.optim.Optimizer
        That trains it: factors take the place of the weight in its parameter group, and their
        momentum starts from zero. A dense weight stays the same parameter and keeps its momentum.
        LBFGS and Adagrad are refused, since their memory cannot change its parameters.
    every : int, default 4
        Epochs from one pruning to the next.
    until : int, default 300
        The epoch from which on nothing below the edge is kept.
    estimator : {"bema", "fit"}, default "bema"
        Whose noise level and edge: BEMA, as published, or `pastur.fit_rectangular` for white noise,
        which also counts signal that grows with the size.
    alignment : float between 0 and 1, optional
        A layer is pruned where the distribution function of the middle of its spectrum is at most
        that far from the law of noise; 1 prunes every layer. Default: 0.05 for "bema"; for "fit" no
        distance, but the fit's own verdict, that it is a "noise bulk".
    trimmed : float below one half, default 0.25
        Share of the spectrum at either end that is not its middle.
    alpha : float, default 0.1
        The edge is where pure noise has a value above it with this probability.

    Raises
    ------
    InvalidInputError
        When the module has no layer that can be pruned, or a parameter is out of its range.
    MissingExtraError
        When PyTorch is not installed.

    Attributes
    ----------
    epoch : int
        Epochs counted so far.
    history : tuple of PruningStep
        What was done, and why a layer was left.
    left_out : dict of str to str
        Layers that cannot be pruned, with the reason: those whose weight is shared, frozen or
        computed, that have hooks, or that are of other classes; and matrices that belong to no
        linear layer or convolution, such as embeddings and fused queries, keys and values.

    Notes
    -----
    A singular value that was removed still counts as noise in later steps, of the size that it had:
    without it the law of what is left would be another, and one step would be the last. As
    published, it counts as zero from then on. The exponent in the margin of BEMA's edge is the one
    of its authors, 4/3; the published program has (1 + √c)⁴/3. Layers with fewer than 40 singular
    values are left: of so few, pure noise itself is often as far from its law.

    Everything is deterministic. To resume a training, load this object's state first, which gives
    the layers their factors (of NaN), then those of module and optimizer::

        pruning.load_state_dict(state["pruning"])
        module.load_state_dict(state["module"])
        optimizer.load_state_dict(state["optimizer"])

    Prune before `torch.compile` or ``DistributedDataParallel`` wraps the module: they hold on to
    the parameters that it had.

    References
    ----------
    L. Berlyand, E. Sandier, Y. Shmalo, L. Zhang, J. Mach. Learn. 3 (2024), 347–412.
    Z. T. Ke, Y. Ma, X. Lin, J. Amer. Statist. Assoc. 118 (2023), algorithm 1 (BEMA).

    Examples
    --------
    After each epoch::

        pruning = pastur.torch.MPPruning(module, optimizer, every=4)
        for epoch in range(100):
            train_one_epoch(module, optimizer)
            step = pruning.step()
            if step is not None:
                print(step)
        pruning.sparsify(1e-3)

    >>> import torch
    >>> from torch import nn
    >>> import pastur
    >>> _ = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(30, 60), nn.ReLU(), nn.Linear(60, 40))
    >>> optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    >>> pruning = pastur.torch.MPPruning(module, optimizer, every=4, until=20)
    >>> steps = [pruning.step() for epoch in range(4)]
    >>> len(pruning.left_out), steps[0] is None, steps[3] is None
    (0, True, False)
    """

    def __init__(
        self,
        module: Any,
        optimizer: Any,
        *,
        every: int = 4,
        until: int = 300,
        estimator: str = "bema",
        alignment: float | None = None,
        trimmed: float = 0.25,
        alpha: float = 0.1,
    ) -> None:
        with needed("pastur.torch.MPPruning", "torch", "torch"):
            from pastur.torch._layers.owners import check_module
            from pastur.torch._layers.trained_layers import optimizer_fault
        check_module(module)
        if fault := optimizer_fault(optimizer):
            raise InvalidInputError(f"`optimizer`: {fault}.")
        self.module, self.optimizer = module, optimizer
        self.every, self.until = positive_integer("every", every), positive_integer("until", until)
        self.rules = _rules(estimator, alignment, trimmed, alpha)
        self.epoch = 0
        self._history: list[PruningStep] = []
        self._removed: dict[str, FloatArray] = {}
        if all(layer.why_left() for layer in self._layers()):
            reasons = "; ".join(f"{shown(name)}: {why}" for name, why in self.left_out.items())
            raise InvalidInputError(
                "The module has no layer that can be pruned: "
                f"{reasons or 'it has no linear layer and no convolution'}."
            )

    @property
    def history(self) -> tuple[PruningStep, ...]:
        """What was done, step by step."""
        return tuple(self._history)

    @property
    def left_out(self) -> dict[str, str]:
        """Layers that cannot be pruned, and matrices in layers of other kinds, with the reason."""
        from pastur.torch._layers.trained_layers import other_matrices

        found = {layer.name: layer.why_left() for layer in self._layers()}
        others = {
            name: f"it is a parameter of the class {kind}, neither linear nor a convolution"
            for name, kind in other_matrices(self.module).items()
        }
        return {name: reason for name, reason in (found | others).items() if reason}

    @property
    def fraction(self) -> float:
        """The share of the values below the edge that is kept after this epoch."""
        return max(0.0, 1.0 - self.epoch / self.until)

    def step(self) -> PruningStep | None:
        """Count an epoch, and prune where it is one of every few.

        Call it after the optimizer's last step in the epoch.

        Returns
        -------
        PruningStep or None
            What was done; None in the epochs between.
        """
        self.epoch += 1
        if self.epoch % self.every:
            return None
        layers = tuple(self._pruned(layer) for layer in self._layers())
        self._history.append(PruningStep(self.epoch, self.fraction, layers))
        return self._history[-1]

    def sparsify(self, threshold: float) -> PruningStep:
        """Make entries of weights and factors below a threshold ξ zero: the last step.

        Parameters
        ----------
        threshold : float, > 0

        Returns
        -------
        PruningStep
            What was done; its parameters are entries that are not zero.
        """
        limit = positive_number("threshold", threshold)
        layers = tuple(_sparsified(layer, limit) for layer in self._layers())
        self._history.append(PruningStep(self.epoch, self.fraction, layers))
        return self._history[-1]

    def state_dict(self) -> dict[str, Any]:
        """Return what a training needs to resume, next to the states of module and optimizer."""
        import torch

        ranks = {layer.name: layer.rank for layer in self._layers()}
        return {
            "settings": self._settings(),
            "epoch": self.epoch,
            "ranks": {name: rank for name, rank in ranks.items() if rank is not None},
            "removed": {
                name: torch.from_numpy(values.copy()) for name, values in self._removed.items()
            },
            "history": [step.to_dict() for step in self._history],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume: layers that had factors get some of the same rank, to be loaded into.

        Their numbers are NaN until the state of the module is loaded, which must come after this.

        Raises
        ------
        InvalidInputError
            When it is the state of another pruning, or of another module. Nothing is changed then.
        """
        layers = {layer.name: layer for layer in self._layers()}
        found = _checked(state, self._settings(), layers)
        for name, rank in found.ranks.items():
            if layers[name].rank != rank:
                n, m = layers[name].shape
                unknown = Factors(np.full((n, rank), np.nan), np.full((rank, m), np.nan))
                layers[name].put_factors(unknown)
        self.epoch, self._removed, self._history = found.epoch, found.removed, found.history

    def _settings(self) -> dict[str, Any]:
        rules = self.rules
        return {
            "every": self.every,
            "until": self.until,
            "estimator": str(rules.estimator),
            "alignment": rules.alignment,
            "trimmed": rules.trimmed,
            "alpha": rules.alpha,
        }

    def _layers(self) -> Any:
        from pastur.torch._layers.trained_layers import trained_layers

        return trained_layers(self.module, self.optimizer)

    def _pruned(self, layer: Any) -> PrunedLayer:
        """Prune one layer, and return what was done."""
        if reason := layer.why_left():
            return _left(layer, reason)
        w = layer.matrix()
        if not np.isfinite(w).all():
            return _left(layer, "its weight has NaN or infinite entries")
        directions = Directions.of(w)
        kept, removed = self._kept(layer, directions.values)
        spectrum = np.sort(np.append(kept, removed))[::-1]
        bulk = estimated_bulk(spectrum, layer.shape, self.rules, None if removed.size else w)
        if bulk.reason or bulk.edge is None:
            return _left(layer, bulk.reason, bulk)
        above = int(np.sum(kept > bulk.edge))
        # ⌊f · number below⌋ in whole numbers: (1 − 8/10)·115 is 22.99… in floating point.
        below = (spectrum.size - above) * max(0, self.until - self.epoch) // self.until
        rank = max(1, above + below)
        record = partial(_left, layer, bulk=bulk, above=above)
        if above == kept.size:
            return record("all that is left lies above the edge")
        if rank >= kept.size and (layer.rank is not None or rank == spectrum.size):
            return record("what is to be kept is all that is left")
        rank = min(rank, kept.size)
        self._removed[layer.name] = np.append(kept[rank:], removed)
        return _cut(layer, directions, record(""), rank)

    def _kept(self, layer: Any, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the singular values that are left of a layer, and those that it once had."""
        removed = self._removed.get(layer.name, np.empty(0))
        if layer.rank is not None and layer.rank != values.size - removed.size:
            # It came with its factors: what they lack is not known.
            removed = np.zeros(values.size - layer.rank)
        # Of a dense weight, training has filled up what was removed: that goes again.
        return values[: values.size - removed.size], removed


def _cut(layer: Any, directions: Directions, record: PrunedLayer, rank: int) -> PrunedLayer:
    """Cut a layer down to its leading directions, and return what was done."""
    values, (n, m) = directions.values, layer.shape
    # Square roots of sums that neither overflow nor vanish.
    power = (values / values[0]) ** 2
    factors = directions.factors(rank)
    smaller = rank * (n + m) < layer.size
    if layer.rank is not None or smaller:
        layer.put_factors(factors)
    else:
        layer.put_dense(factors)
    return replace(
        record,
        action=PruningAction.FACTORED if layer.rank is not None else PruningAction.CUT,
        rank=rank,
        parameters_after=layer.size,
        error=float(np.sqrt(power[rank:].sum() / power.sum())),
    )


def _left(
    layer: Any, reason: str, bulk: Bulk | None = None, above: int | None = None
) -> PrunedLayer:
    """Return the record of a layer that was left."""
    found = bulk or Bulk()
    return PrunedLayer(
        name=layer.name,
        shape=layer.shape,
        action=PruningAction.LEFT,
        parameters_before=layer.size,
        parameters_after=layer.size,
        reason=reason,
        sigma=found.sigma,
        edge=found.edge,
        distance=found.distance,
        above=above,
        rank=layer.rank,
    )


def _sparsified(layer: Any, threshold: float) -> PrunedLayer:
    """Remove the small entries of a layer, and return what was done."""
    reason = layer.why_left()
    before = None if reason else layer.matrix()
    if before is None or not np.isfinite(before).all():
        return _left(layer, reason or "its weight has NaN or infinite entries")
    entries = layer.entries()
    layer.zero_below(threshold)
    size = float(np.linalg.norm(before))
    return replace(
        _left(layer, ""),
        action=PruningAction.SPARSIFIED,
        parameters_before=entries,
        parameters_after=layer.entries(),
        error=float(np.linalg.norm(before - layer.matrix()) / size) if size else 0.0,
    )


def _rules(estimator: str, alignment: float | None, trimmed: float, alpha: float) -> Rules:
    name = EstimatorName(one_of("estimator", estimator, tuple(map(str, EstimatorName))))
    if alignment is not None:
        alignment = finite_number("alignment", alignment)
        if not 0 <= alignment <= 1:
            raise InvalidInputError(f"`alignment` must be 0 to 1. Got {alignment:g}.")
    elif name == EstimatorName.BEMA:
        alignment = ALIGNMENT
    share = probability("trimmed", trimmed)
    if share >= 0.5:
        raise InvalidInputError(f"`trimmed` must be less than one half. Got {share:g}.")
    return Rules(name, alignment, share, significance("alpha", alpha))


@dataclass(frozen=True, eq=False)
class _State:
    """A checked state."""

    epoch: int
    ranks: dict[str, int]
    removed: dict[str, FloatArray]
    history: list[PruningStep]


def _checked(
    state: Mapping[str, Any], settings: Mapping[str, Any], layers: Mapping[str, Any]
) -> _State:
    """Return what a state holds, or refuse it."""
    parts = {"settings", "epoch", "ranks", "removed", "history"}
    if not isinstance(state, Mapping) or not parts <= set(state):
        raise InvalidInputError("This is not what `MPPruning.state_dict` returned.")
    given = state["settings"]
    other = [name for name in settings if given.get(name) != settings[name]]
    if other:
        listed = ", ".join(f"{name}={given.get(name)!r}" for name in other)
        raise InvalidInputError(
            f"The state is that of a pruning with {listed}: make this one with the same."
        )
    removed = {name: values.double().cpu().numpy() for name, values in state["removed"].items()}
    for name in [*state["ranks"], *removed]:
        if name not in layers:
            hint = suggestion(name, layers)
            raise InvalidInputError(
                f"The state is that of another module: this one has no layer {shown(name)} that is "
                f"linear or a convolution.{hint}"
            )
        most = min(layers[name].shape)
        if not 1 <= state["ranks"].get(name, 1) <= most or removed.get(name, _NONE).size > most:
            raise InvalidInputError(
                f"The state does not go with layer {shown(name)} of shape {layers[name].shape}."
            )
        reason = layers[name].why_left()
        if reason:
            raise InvalidInputError(f"Layer {shown(name)} cannot get factors: {reason}.")
    try:
        history = [PruningStep.from_dict(step) for step in state["history"]]
    except Damaged as error:
        raise InvalidInputError(f"The history in the state is damaged: {error}.") from None
    epoch = non_negative_integer("epoch", state["epoch"])
    return _State(epoch, dict(state["ranks"]), removed, history)
