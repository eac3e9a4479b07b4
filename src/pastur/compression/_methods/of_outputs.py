"""Methods that keep the leading directions of a layer's outputs, for inputs that were collected."""

from functools import partial

import numpy as np

from pastur._format import percent
from pastur._typing import AnyArray
from pastur.compression._inputs.inputs_used import InputsUsed, Side
from pastur.compression._inputs.output_losses import OutputLosses, losses_of_layer
from pastur.compression._methods.menu import (
    REACH,
    Menu,
    Subject,
    SubjectInputs,
    on_hull,
    only_kept,
    promise,
)
from pastur.compression._methods.spectral import ranks, unavailable
from pastur.compression._plan.matrix_plan import Action, Choice, OutputPromise, Promise

_UNSEEN = "its inputs were not collected: kept"
_UNFOLDED = "unfolded otherwise than its inputs: kept"
_UNMEASURED = "its sensitivity was not measured: kept"
# A share of the outputs that is left without the strongest direction.
_STRONG = 0.1
_TOO_MUCH = f"it would lose more than {REACH:g} times what was measured: kept"
_SILENT = "its outputs are zero, or its inputs below 1e-15, in all documents: kept"


def outputs(subject: Subject) -> Menu:
    """Return ranks by the share of outputs that is lost, the moments of the inputs shrunk."""
    return _of_outputs(subject, clean=True)


def whitened(subject: Subject) -> Menu:
    """Return ranks by the share of outputs that is lost, the moments of the inputs as measured."""
    return _of_outputs(subject, clean=False)


def _of_outputs(subject: Subject, *, clean: bool) -> Menu:
    if reason := unavailable(subject):
        return only_kept(subject.entries, reason)
    given = subject.inputs
    if given is None or given.side is None:
        return only_kept(subject.entries, _UNSEEN if given is None else _UNFOLDED)
    if given.weight is None:
        return only_kept(subject.entries, _UNMEASURED)
    chosen = ranks(subject)
    # Outputs for fewer inputs than there are ranks lie in a span of that many dimensions.
    chosen = chosen[chosen < min(subject.shape)]
    if chosen.size == 0:
        return only_kept(subject.entries, "no rank is smaller: kept")
    w = subject.load()
    tall = w.T if given.side == Side.ROWS else w
    found = losses_of_layer(tall, given.moments, given.tensor, int(chosen[0]), clean=clean)
    if found is None:
        return only_kept(subject.entries, _SILENT)
    chosen = chosen[found.losses[chosen] <= given.most]
    if chosen.size == 0:
        return only_kept(subject.entries, _TOO_MUCH)
    n, m = subject.shape
    sizes = np.append(n * m, np.minimum(chosen * (n + m), n * m)).astype(np.float64)
    losses = np.append(0.0, found.losses[chosen])
    ladder, levels = on_hull(sizes, losses, given.weight)
    choose = partial(_choice, subject, given, found)
    notes = [f"inputs shrunk by {found.shrinkage:.2f}"] if clean else []
    if found.losses[1] < _STRONG:
        notes.append(f"one direction has {percent(1 - float(found.losses[1]))} of the outputs")
    return Menu(
        sizes,
        losses,
        ladder,
        levels,
        lambda k: choose(int(chosen[k - 1])),
        note="; ".join(notes),
        unknown=np.append(False, _unknown(given, found)[chosen]),
    )


def _unknown(given: SubjectInputs, found: OutputLosses) -> AnyArray:
    """Return of which ranks it is not known how many times as much is lost as was when measured.

    Where a few documents have most of either, the ratio of both says nothing.
    """
    there = min(int(np.searchsorted(-found.losses, -given.most / REACH)), found.losses.size - 1)
    known = found.known & found.known[there]
    return np.asarray(~known & (found.losses != found.losses[there]))


def _choice(
    subject: Subject, given: SubjectInputs, found: OutputLosses, rank: int
) -> tuple[Choice, Promise]:
    assert given.side is not None
    used = InputsUsed(
        path=str(given.moments.path.absolute()),
        digest=given.moments.digest,
        tensor=given.tensor,
        side=given.side,
        shrinkage=found.shrinkage,
    )
    choice = Choice(Action.LOW_RANK, rank=rank, inputs=used)
    loss, inside = float(found.losses[rank]), float(found.inside[rank])
    low, high = float(found.low[rank]), float(found.high[rank])
    moved = float(found.moved[rank])
    kept = 1 - moved
    # ‖δV VᵀW + V δ(VᵀW)‖: the columns of V have length 1.
    norm = np.sqrt(kept) * 2
    return choice, promise(
        choice,
        moved,
        energy=kept,
        stored=subject.storage_error(float(norm)),
        reach=found.rounding,
        outputs=OutputPromise(loss, low, high, inside),
    )
