"""What a model loses, as its plan predicts it, against what it loses on other documents."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any
from unittest.mock import patch

import numpy as np

import pastur
import pastur.torch
from pastur._errors import InvalidInputError
from pastur._format import percent
from pastur._typing import FloatArray
from pastur.analysis import Analysis
from pastur.compression import CompressionPlan, InputMoments
from pastur.compression._inputs.output_losses import losses_of_layer

METHODS = ("outputs", "whitened")
# Of which predictions are meant to hold.
MOST = 0.1
# Smaller losses than these are not worth an interval.
LEAST = 1e-3


def compared(
    module: Any,
    analysis: Analysis,
    inputs: InputMoments,
    *,
    documents: Sequence[Any],
    loss: Callable[[Any, Any], Any],
    judge: Callable[[Any], FloatArray],
    first: float,
    sizes: Sequence[float],
    rounds: int = 2,
) -> Iterator[dict[str, Any]]:
    """Yield what was predicted and what is so, for each method, round and size.

    Parameters
    ----------
    module : torch.nn.Module
    analysis : Analysis
    inputs : InputMoments
    documents : sequence
        Those that sensitivities are measured on.
    loss : callable
        Of one of them.
    judge : callable
        ``judge(module)`` returns the losses of documents that neither chose nor were measured.
    first : float
        Size of the plan along which sensitivities are measured, at first the same share of each
        matrix.
    sizes : sequence of float
    rounds : int
        How often they are measured, each time along the plan that follows.
    """
    before = judge(module)
    for method in METHODS:
        sensitivities, last = None, None
        for number in range(1, rounds + 1):
            goal = {"each" if sensitivities is None else "size": first}
            plan = _plan(module, analysis, inputs, method, goal, sensitivities)
            found = pastur.torch.attribute_loss(module, plan, documents=documents, loss=loss)
            sensitivities = found if sensitivities is None else found.joined(sensitivities)
            for size in sizes:
                try:
                    chosen = _plan(module, analysis, inputs, method, {"size": size}, sensitivities)
                except InvalidInputError:
                    # A matrix loses no more than a few times what was measured.
                    continue
                if last == (number, chosen.choices):
                    # Of few layers, a plan often meets several targets.
                    continue
                last = number, chosen.choices
                small = pastur.torch.compress(copy.deepcopy(module), chosen)
                more = judge(small) - before
                said = chosen.predicted
                assert said is not None
                yield {
                    "method": method,
                    "round": number,
                    "size": size,
                    "together": round(float(np.mean(sensitivities.together)), 6),
                    "loss": round(said.loss, 6),
                    "low": said.low and round(said.low, 6),
                    "high": said.high and round(said.high, 6),
                    "apart": round(float(more.mean()), 6),
                    "apart_se": round(float(more.std(ddof=1) / np.sqrt(more.size)), 6),
                }


@contextmanager
def losses_measured_once() -> Iterator[None]:
    """Have the losses of each layer's outputs kept from one plan to the next."""
    kept: dict[Any, Any] = {}

    def once(w: Any, inputs: InputMoments, tensor: str, most: int, *, clean: bool) -> Any:
        key = inputs.digest, tensor, most, clean
        if key not in kept:
            kept[key] = losses_of_layer(w, inputs, tensor, most, clean=clean)
        return kept[key]

    with patch("pastur.compression._methods.of_outputs.losses_of_layer", once):
        yield


def _plan(
    module: Any,
    analysis: Analysis,
    inputs: InputMoments,
    method: str,
    target: dict[str, float],
    sensitivities: Any,
) -> CompressionPlan:
    return pastur.plan_compression(
        analysis,
        module,
        method=method,
        target=target,
        form="dense",
        inputs=inputs,
        sensitivities=sensitivities,
    )


def summary(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return how many intervals hold and how wide they are, by method and round."""
    found = []
    some = [row for row in rows if LEAST < row["apart"] <= MOST]
    for (method, number), group in groupby(sorted(some, key=_order), key=_order):
        plans = list(group)
        # Of plans far from the one that was measured no interval is given.
        cases = [row for row in plans if row["low"] is not None]
        apart = np.array([row["apart"] for row in cases])
        low, high = (np.array([row[k] for row in cases]) for k in ("low", "high"))
        found.append(
            {
                "method": method,
                "round": number,
                "plans": len(plans),
                "cases": len(cases),
                "held": int(((low <= apart) & (apart <= high)).sum()),
                "half_width": _median((high - low) / 2 / apart),
                "predicted": _off(plans, lambda ratio: np.exp(np.mean(np.log(ratio)))),
                "error": _off(plans, lambda ratio: np.median(np.abs(ratio - 1))),
            }
        )
    return found


def _median(values: FloatArray) -> float | None:
    return float(np.median(values)) if values.size else None


def _off(rows: Sequence[dict[str, Any]], mean: Callable[[FloatArray], Any]) -> float:
    """Return a mean of what was predicted over what is so."""
    return float(mean(np.array([max(row["loss"], LEAST / 10) / row["apart"] for row in rows])))


def _order(row: dict[str, Any]) -> tuple[str, int]:
    return row["method"], row["round"]


def table(summaries: Sequence[dict[str, Any]]) -> str:
    """Return the table of a page."""
    lines = [
        "| method | measured | plans | with an interval | hold | half-width | predicted | off by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in summaries:
        times = {1: "once", 2: "twice", 3: "three times"}[row["round"]]
        width = row["half_width"]
        lines.append(
            f"| `{row['method']}` | {times} | {row['plans']} | {row['cases']} | {row['held']} | "
            f"{'' if width is None else percent(width)} | × {row['predicted']:.2f} | "
            f"{percent(row['error'])} |"
        )
    return "\n".join(lines)
