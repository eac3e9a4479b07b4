"""How a matrix lies in its tensor."""

from pastur._vocabulary import Word


class Orientation(Word):
    """How a matrix that is a whole tensor lies in it."""

    STRAIGHT = "straight"
    TURNED = "turned"
