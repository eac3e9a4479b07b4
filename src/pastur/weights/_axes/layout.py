"""How the axes of a tensor stand: what is outputs, inputs, window, one of several."""

from dataclasses import dataclass

QKV = ("q", "k", "v")
BIAS = "is a bias"  # of several axes, in place of a layout


@dataclass(frozen=True)
class Layout:
    """What a reader knows of a tensor beyond its shape.

    Attributes
    ----------
    axes : str
        One letter for each axis: ``o`` outputs, ``i`` inputs, ``s`` a side of a convolution's
        window, ``e`` matrices that are stacked, each one of its own. PyTorch's `Linear` is ``oi``,
        Keras' ``io``; PyTorch's `Conv2d` ``oiss``, Keras' ``ssio``; ONNX's LSTM ``eoi``. Several
        axes of one letter are taken together, in their order. Empty: unknown, inferred from name
        and shape.
    parts : tuple of str
        Names of the equal blocks of the outputs, in their order: the gates of an LSTM, the queries,
        keys and values of an attention. Empty: one block.
    groups : int
        For a convolution: the outputs fall into so many equal blocks, each with inputs of its own.
    shares : tuple of int
        For a matrix: how many heads each of the parts has, where they are not equal blocks, or take
        turns. Empty: equal blocks.
    repeats : int
        How often the parts take turns.
    """

    axes: str = ""
    parts: tuple[str, ...] = ()
    groups: int = 1
    shares: tuple[int, ...] = ()
    repeats: int = 1


UNKNOWN = Layout()


def convolution(sides: int, *, groups: int = 1, transposed: bool = False) -> Layout:
    """Return the layout of a kernel as PyTorch and ONNX keep it, its window of so many sides.

    A transposed one has its inputs first, and its groups are blocks of them: what is called outputs
    is then the other side.
    """
    axes = "io" if transposed and groups == 1 else "oi"
    return Layout(axes + "s" * sides, groups=groups)
