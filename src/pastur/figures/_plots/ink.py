"""Colours that every picture shares.

Those with a meaning are fixed: readable on white and on black, and told apart without green or red.
All else is drawn in the colour of the text, whatever style the reader has set.
"""

from typing import Any

SIGNAL, OUTLIER, SUBCRITICAL = "#0b7a6b", "#2456c5", "#b3400a"
# On either paper.
GREY = "#7d8894"


def ink(alpha: float = 1.0) -> Any:
    """Return the colour of the text, in the style that is set; lighter with `alpha`."""
    import matplotlib

    return matplotlib.rcParams["text.color"], alpha
