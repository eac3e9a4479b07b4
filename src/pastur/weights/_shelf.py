"""A tensor of several matrices, read once."""

from pastur._typing import AnyArray
from pastur.weights.tensors import Weights


class Shelf:
    """The weights, with room for one tensor between its first part and its last."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._kept: tuple[str, AnyArray] | None = None

    def read(self, name: str, *, keep: bool) -> AnyArray:
        """Return a tensor, and keep it or not; another one that was kept is dropped."""
        kept, self._kept = self._kept, None
        same = kept is not None and kept[0] == name
        array = kept[1] if kept is not None and same else self.weights.read(name)
        self._kept = (name, array) if keep else None
        return array

    def __getstate__(self) -> dict[str, object]:
        # For another process the file is there to be read again.
        return self.__dict__ | {"_kept": None}
