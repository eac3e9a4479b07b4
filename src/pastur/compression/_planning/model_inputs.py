"""Whose inputs were collected: moments to matrices, and none of another model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pastur._errors import InvalidInputError
from pastur._foreign import shown, some_of
from pastur.compression._inputs.inputs_used import Side
from pastur.compression._inputs.moments import InputMoments, LayerInputs
from pastur.compression._methods.menu import REACH, SubjectInputs
from pastur.compression._plan.fingerprint import TensorRecord
from pastur.compression._sensitivities.sensitivities import Sensitivities
from pastur.weights import Matrix


def inputs_of(
    matrices: Sequence[Matrix], tensors: Sequence[TensorRecord], moments: InputMoments
) -> dict[str, SubjectInputs]:
    """Return what each matrix is multiplied with, by name, of those whose inputs were collected.

    A tensor is recognised by its numbers where it has another name.

    Raises
    ------
    InvalidInputError
        When the inputs are of another model.
    """
    records = {record.name: record for record in tensors}
    by_name = {layer.tensor: layer for layer in moments.layers}
    by_digest = {layer.digest: layer for layer in moments.layers}
    found = {}
    for matrix in matrices:
        record = records[matrix.tensor]
        layer = by_name.get(record.name) or by_digest.get(record.digest)
        if layer is None:
            continue
        if (layer.shape, layer.digest) != (record.shape, record.digest):
            what = "the shape" if layer.shape != record.shape else "the numbers"
            raise InvalidInputError(
                f"The inputs in {shown(moments.path)} are of another model: {what} of "
                f"{shown(record.name)} differ{'s' if what == 'the shape' else ''}. Collect them "
                "for this one."
            )
        found[matrix.name] = SubjectInputs(moments, layer.tensor, _side(matrix, layer))
    if not found:
        raise InvalidInputError(
            f"The inputs in {shown(moments.path)} are of another model: it has "
            f"{some_of(by_name)}, and none of these is a matrix here. Collect them for this one."
        )
    return found


def weighted(
    inputs: Mapping[str, SubjectInputs], sensitivities: Sensitivities
) -> dict[str, SubjectInputs]:
    """Return the same, outputs counting for what the model loses by them, as far as is known."""
    weights, most = sensitivities.weights, most_lost(sensitivities)
    return {
        name: replace(one, weight=weights.get(name), most=most.get(name, 0.0))
        for name, one in inputs.items()
    }


def most_lost(sensitivities: Sensitivities) -> dict[str, float]:
    """Return the share of its outputs that each matrix may lose, of those that were measured.

    What a small change costs says nothing of a large one: it is a few times what was measured.
    """
    return {one.name: REACH * one.outputs for one in sensitivities.every}


def _side(matrix: Matrix, layer: LayerInputs) -> Side | None:
    """Return the side of a matrix along which its inputs lie, in their order."""
    places = matrix.cut(layer.axes.numbered(layer.shape))
    order = np.arange(layer.size)
    if places.shape[1] == layer.size and (places == order).all():
        return Side.COLUMNS
    if places.shape[0] == layer.size and (places == order[:, None]).all():
        return Side.ROWS
    return None
