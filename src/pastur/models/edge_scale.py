"""The scaling of the extreme eigenvalues at the edges of a law."""

from typing import NamedTuple

from pastur._typing import FloatArray


class EdgeScale(NamedTuple):
    """Tracy–Widom scaling of the extreme eigenvalue at each edge: ``centring + scale·TW_β``.

    Arrays in the order of ``law.support.ravel()``; the scale is negative at left edges, and both
    are NaN where the density does not vanish like a square root.

    Examples
    --------
    >>> from pastur import Atoms, DeformedWigner
    >>> DeformedWigner(Atoms([0.0])).edge_scale(1000).scale.round(4)
    array([-0.01,  0.01])
    """

    centring: FloatArray
    scale: FloatArray
