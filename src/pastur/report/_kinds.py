"""What the findings are called on the page, and what they mean."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A finding: its value in `MatrixAnalysis.kind`, its key in the style sheet, its words."""

    kind: str
    key: str
    label: str
    meaning: str


KINDS = (
    Kind(
        "signal",
        "signal",
        "Signal",
        "Some singular values stand out from a bulk of noise.",
    ),
    Kind(
        "noise only",
        "noise",
        "Noise only",
        "Nothing stands out from what pure noise of this size gives.",
    ),
    Kind(
        "does not fit",
        "misfit",
        "Does not fit",
        "The bulk does not follow the noise law: what is counted beyond it is in doubt.",
    ),
    Kind(
        "too small to tell",
        "small",
        "Too small to tell",
        "Too few singular values to judge whether the bulk is noise.",
    ),
)

BY_KIND = {kind.kind: kind for kind in KINDS}
