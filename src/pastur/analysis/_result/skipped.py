"""Skipped tensors, to and from JSON."""

from typing import Any

from pastur._stored import check, decoded
from pastur.weights import Skipped


def skipped_to_dict(tensor: Skipped) -> dict[str, Any]:
    """Return plain values, ready for JSON."""
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "reason": tensor.reason,
    }


def skipped_from_dict(values: dict[str, Any]) -> Skipped:
    """Return the tensor that `skipped_to_dict` described."""
    found: Skipped = decoded(Skipped, values)
    check(all(side >= 0 for side in found.shape), "shape", "must not be negative")
    return found
