"""What was changed in one matrix, in a few sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastur._format import count, fraction, interval, number, percent
from pastur.estimation import RectangularFit

if TYPE_CHECKING:
    from pastur.comparison._matrix.matrix_comparison import MatrixComparison


def in_words(comparison: MatrixComparison) -> str:
    """Return size of the change, noise before and after, what stands out before and after."""
    if comparison.unchanged:
        return f"Unchanged: every entry is the same. {_noise('σ', comparison.old.fit)}."
    size = f"‖NEW − OLD‖ is {percent(comparison.relative_change)} of ‖OLD‖."
    out = comparison.change_standing_out
    read = count(out, "direction stands", "directions stand") if out else "No direction stands"
    return " ".join(
        [
            size,
            f"{_noise('σ before', comparison.old.fit)}; {_noise('after', comparison.new.fit)}.",
            *_directions(comparison),
            f"{read} out from the rest of the change.",
        ]
    )


def _noise(what: str, fit: RectangularFit) -> str:
    if fit.sigma == 0.0:
        return f"{what}: no noise"
    if fit.sigma is not None:
        return f"{what}: {number(fit.sigma)} {interval(*fit.sigma_interval)}, {fit.noise.name}"
    if fit.sigma_bound is not None:
        return f"{what}: no law of noise, at most {number(fit.sigma_bound)} if some of it is white"
    return f"{what}: no law of noise"


def _directions(comparison: MatrixComparison) -> list[str]:
    found = comparison.directions
    counts = f"{found.old} before and {found.new} after"
    if not found.old and not found.new:
        return ["No direction stands out, before or after."]
    sentences = [f"Directions that stand out: {counts}; {found.lost} lost, {found.gained} gained."]
    if found.overlap_left is not None and comparison.expected_overlaps is not None:
        left, right = comparison.expected_overlaps
        sentences.append(
            f"Their spans overlap by {fraction(found.overlap_left)} on the left (random: "
            f"{fraction(left)}) and by {fraction(found.overlap_right)} on the right (random: "
            f"{fraction(right)})."
        )
    return sentences
