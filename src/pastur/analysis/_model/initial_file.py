"""Initial values from a file of their own, as tensors ``NAME.initial`` of the model."""

from collections.abc import Sequence
from dataclasses import replace

from pastur._errors import InvalidInputError
from pastur._foreign import shown
from pastur.analysis._matrix.initial_values import SUFFIX
from pastur.weights import Matrix, Skipped


def initial_items(
    items: Sequence[Matrix | Skipped], initial: Sequence[Matrix | Skipped], source: str
) -> list[Matrix | Skipped]:
    """Return the items of `initial` that have the name of a matrix among `items`, renamed.

    Those that the model itself holds come first, and stand for those of the file.

    Raises
    ------
    InvalidInputError
        When there is none.
    """
    names = {item.name for item in items if isinstance(item, Matrix)}
    found = [_renamed(item) for item in initial if item.name in names]
    if not found:
        raise InvalidInputError(
            f"`initial` has no tensor with the name of a matrix of the model. Got {shown(source)}."
        )
    there = {item.name for item in items}
    return [item for item in found if item.name not in there]


def _renamed(item: Matrix | Skipped) -> Matrix | Skipped:
    if isinstance(item, Skipped):
        reason = f"the initial value of '{item.name}': not compared: {item.reason}"
        return replace(item, name=f"{item.name}{SUFFIX}", reason=reason)
    tensor = f"{item.tensor}{SUFFIX}"
    name = f"{tensor}:{item.part}" if item.part else tensor
    return replace(item, name=name, tensor=tensor)
