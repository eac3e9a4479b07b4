"""The page on a plan."""

from collections import Counter

from pastur._format import bytes_text, large, span
from pastur.analysis._result.places import has_groups
from pastur.compression import Action, CompressionPlan, Prediction
from pastur.compression._methods.methods import METHODS
from pastur.report._build import page_text
from pastur.report._build.page import own_script, page
from pastur.report._build.plan_layers import MEANINGS, columns, key_of, marks, plan_layer

Tile = tuple[str, str, str]


def render_plan(plan: CompressionPlan) -> str:
    """Return the whole page."""
    in_bytes = any(str(name) == plan.method and m.unit == "bytes" for name, m in METHODS.items())
    layers = [
        plan_layer(matrix, number, plan.form, in_bytes)
        for number, matrix in enumerate(plan.matrices, start=1)
    ]
    counts = Counter(one.action for one in layers)
    return page(
        "plan.html",
        [own_script()],
        source=plan.source,
        versions=plan.versions,
        plan=plan,
        layers=layers,
        unit="bytes" if in_bytes else "parameters",
        chips=[(str(action), key_of(action), counts[action]) for action in Action],
        grouped=has_groups([matrix.name for matrix in plan.matrices]),
        actions={action: (key_of(action), MEANINGS[action]) for action in Action},
        columns=columns(plan),
        marks=marks(),
        tiles=_tiles(plan),
        calibrated=any(matrix.choice.inputs is not None for matrix in plan.matrices),
        target=", ".join(f"{name} {value:g}" for name, value in plan.target.items()),
    )


def _tiles(plan: CompressionPlan) -> list[Tile]:
    """Return name, figure and meaning of what is known of the whole model."""
    after, before, error = plan.parameters_after, plan.parameters_before, plan.error
    changed = sum(not matrix.kept for matrix in plan.matrices)
    others = len(plan.tensors) - len({matrix.tensor for matrix in plan.matrices})
    tiles = [
        (
            "Parameters",
            "not known" if after is None else page_text.percent(after / max(before, 1)),
            f"{'?' if after is None else large(after)} of {large(before)}, in all tensors",
        ),
        (
            "Bytes",
            page_text.percent(plan.bytes_after / max(plan.bytes_before, 1)),
            f"{bytes_text(plan.bytes_after)} of {bytes_text(plan.bytes_before)}, without headers, "
            f"written {plan.form}",
        ),
        (
            "Error",
            "not known" if error is None else page_text.percent(error),
            "of the weights of all matrices, each scaled to entries of rms 1; not what the model "
            "loses",
        ),
        (
            "Matrices changed",
            f"{changed:,}",
            f"of {len(plan.matrices):,}; {page_text.count(others, 'other tensor', 'other tensors')} "
            "as before",
        ),
    ]
    return [*tiles, _predicted(plan.predicted)] if plan.predicted is not None else tiles


def _predicted(predicted: Prediction) -> Tile:
    ends = predicted.interval if predicted.low is None else f"{predicted.interval} more"
    meaning = f"{ends}; predicted from {predicted.documents} documents"
    return "Loss of the model", f"{predicted.loss:+.3g}", meaning
