"""A stored fit of a matrix, checked against its singular values."""

from typing import Any

from pastur._stored import check, taken, within
from pastur.estimation import Fit, RectangularFit

# Times the largest singular value: beyond, nothing of a fit can lie.
_FARTHEST = 1e6


def read_fit(values: Any) -> RectangularFit:
    """Return the fit that was stored.

    Raises
    ------
    Damaged
        Unless it is one of a signal without a bulk.
    """
    _check_no_bulk(values)
    if values.get("white") is not None:
        with within("white"):
            _check_no_bulk(values["white"])
    return RectangularFit.from_dict(values)


def check_reach(fit: Fit, largest: float) -> None:
    """Raise `Damaged` where a figure is far from the largest singular value of the matrix."""
    _check(fit, _FARTHEST * largest)
    if fit.white is not None:
        with within("white"):
            _check(fit.white, _FARTHEST * largest)


def _check_no_bulk(values: Any) -> None:
    signal = taken(values, "signal", dict[str, Any])
    check(signal.get("bulk") is None, "signal.bulk", "must be null")


def _check(fit: Fit, reach: float) -> None:
    one, several = "is far from the singular values", "are far from the singular values"
    if fit.rank is not None:
        check(fit.sigma <= reach, "sigma", one)
        for name in ("edge", "bulk_edge"):
            end = getattr(fit, name)
            # Earlier fits have but one edge.
            inside = end is None or (0 <= end <= reach and (end > 0 or fit.sigma == 0))
            check(inside, name, one)
        for name in ("observed", "theta"):
            inside = bool(((fit.spikes[name] > 0) & (fit.spikes[name] <= reach)).all())
            check(inside, f"spikes.{name}", one)
        inside = bool(((fit.signal.points >= 0) & (fit.signal.points <= reach)).all())
        check(inside, "signal.points", several)
    if fit.sigma_bounds is not None:
        check(fit.sigma_bounds.rms <= reach * max(fit.shape), "sigma_bounds.rms", one)
    if len(fit.leading):
        readable = fit.leading[fit.leading["readable"]]
        for name in ("observed", "theta"):
            inside = bool(((readable[name] > 0) & (readable[name] <= reach)).all())
            check(inside, f"leading.{name}", one)
