"""Results as values: their arrays cannot be changed."""

from typing import Any

import numpy as np


class Locked:
    """A frozen data class whose arrays are copies that are read-only, also after pickling."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                locked = value.copy()
                locked.flags.writeable = False
                object.__setattr__(self, name, locked)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.__post_init__()
