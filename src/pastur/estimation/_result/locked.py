"""Results as values: their arrays cannot be changed."""

import numpy as np

from pastur._arrays import KeepsLocked, locked


class Locked(KeepsLocked):
    """A frozen data class whose arrays are copies that are read-only, also after pickling."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, locked(value.copy()))
