"""What a step of MP-pruning did to each layer, and why it left one."""

from dataclasses import dataclass, fields
from typing import Any

from pastur._foreign import shown
from pastur._format import count, large, number, percent, shape
from pastur._stored import decoded
from pastur._vocabulary import Word


class PruningAction(Word):
    """What is done to a layer.

    Examples
    --------
    >>> from pastur.torch import PruningAction
    >>> PruningAction.CUT == "cut", PruningAction.LEFT == "left"
    (True, True)
    """

    LEFT = "left"
    CUT = "cut"
    FACTORED = "factored"
    SPARSIFIED = "sparsified"


@dataclass(frozen=True)
class PrunedLayer:
    """One layer in one step.

    Attributes
    ----------
    name : str
        Name of the layer in its module.
    shape : tuple of two ints
        Rows and columns of its weight; a convolution is one row for each output.
    action : PruningAction
        ``"cut"``: the weight is of lower rank, in one piece; ``"factored"``: two factors;
        ``"sparsified"``: small entries are zero; ``"left"``: as it was.
    reason : str
        Why it was left; empty where it was not.
    sigma, edge : float or None
        Noise level and edge; None where none were estimated.
    distance : float or None
        Largest distance between the distribution functions of the middle of its spectrum and of the
        law of noise.
    above : int or None
        Singular values above the edge.
    rank : int or None
        Directions that it has now; None where they were not counted.
    parameters_before, parameters_after : int
        Numbers of its weight; where entries were removed, those that are not zero.
    error : float
        ‖W − W′‖/‖W‖ in Frobenius norm, W before this step and W′ after it.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> import pastur
    >>> _ = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(30, 60), nn.ReLU(), nn.Linear(60, 40))
    >>> optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    >>> step = pastur.torch.MPPruning(module, optimizer, every=1, until=20).step()
    >>> layer = step["2"]
    >>> str(layer.action), layer.rank, layer.parameters_before
    ('cut', 38, 2400)
    >>> step["0"].reason
    'too small to tell: 30 singular values, fewer than 40'
    """

    name: str
    shape: tuple[int, int]
    action: PruningAction
    parameters_before: int
    parameters_after: int
    reason: str = ""
    sigma: float | None = None
    edge: float | None = None
    distance: float | None = None
    above: int | None = None
    rank: int | None = None
    error: float = 0.0


_HEADINGS = ("layer", "shape", "action", "rank", "above", "edge", "distance", "kept", "error")
_WORDS = ("layer", "shape", "action")


@dataclass(frozen=True)
class PruningStep:
    """What one step did; as text a table.

    Attributes
    ----------
    epoch : int
        After which it was.
    fraction : float
        Of the singular values below the edge, the share that was kept.
    layers : tuple of PrunedLayer
        All layers that are linear or convolutions, in the order of the module.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> import pastur
    >>> _ = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(30, 60), nn.ReLU(), nn.Linear(60, 40))
    >>> optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    >>> step = pastur.torch.MPPruning(module, optimizer, every=1, until=20).step()
    >>> step.epoch, step.fraction, [layer.name for layer in step.changed]
    (1, 0.95, ['2'])
    """

    epoch: int
    fraction: float
    layers: tuple[PrunedLayer, ...]

    @property
    def changed(self) -> tuple[PrunedLayer, ...]:
        """The layers that were not left."""
        return tuple(layer for layer in self.layers if layer.action != PruningAction.LEFT)

    @property
    def parameters_before(self) -> int:
        """Numbers in the weights of the layers before."""
        return sum(layer.parameters_before for layer in self.layers)

    @property
    def parameters_after(self) -> int:
        """Numbers in the weights of the layers after."""
        return sum(layer.parameters_after for layer in self.layers)

    def __getitem__(self, name: str) -> PrunedLayer:
        """Return the layer of that name."""
        return next(layer for layer in self.layers if layer.name == name)

    def __str__(self) -> str:
        rows = [_HEADINGS, *(_row(layer) for layer in self.layers)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if heading in _WORDS else cell.rjust(width)
                for cell, width, heading in zip(cells, widths, _HEADINGS, strict=True)
            ).rstrip()
            for cells in rows
        ]
        reasons = [f"{layer.name}: {layer.reason}." for layer in self.layers if layer.reason]
        whole = (
            f"Epoch {self.epoch}: {count(len(self.changed), 'layer', 'layers')} of "
            f"{len(self.layers)} changed, {large(self.parameters_before)} parameters to "
            f"{large(self.parameters_after)}."
        )
        return "\n".join([*lines, "", whole, *reasons])

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of plain values, ready for JSON."""
        layers = [
            {one.name: _plain(getattr(layer, one.name)) for one in fields(layer)}
            for layer in self.layers
        ]
        return {"epoch": self.epoch, "fraction": self.fraction, "layers": layers}

    @classmethod
    def from_dict(cls, values: Any) -> "PruningStep":
        """Return the step that `to_dict` described."""
        found: PruningStep = decoded(cls, values)
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, str) else value


def _row(layer: PrunedLayer) -> tuple[str, ...]:
    kept = layer.parameters_after / layer.parameters_before if layer.parameters_before else None
    return (
        shown(layer.name).strip("'"),
        shape(layer.shape),
        str(layer.action),
        "–" if layer.rank is None else str(layer.rank),
        "–" if layer.above is None else str(layer.above),
        number(layer.edge),
        number(layer.distance),
        percent(kept),
        percent(layer.error),
    )
