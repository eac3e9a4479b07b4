"""Second moments of the inputs of layers, fold by fold, as a file has them."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import get_lapack_funcs

from pastur._errors import FileFormatError, InvalidInputError
from pastur._foreign import shown, suggestion
from pastur._stored import Damaged, check, decoded, parse
from pastur._typing import AnyArray, FloatArray
from pastur._vocabulary import Word
from pastur.weights import Weights, open_weights

# The entry of the metadata that says whose moments these are.
METADATA = "pastur.inputs"
SCHEMA = 1
# Of fewer, no standard error is worth having.
LEAST_DOCUMENTS = 5
# In the place of the number of a fold.
BACKGROUND = "background"


class InputAxes(Word):
    """Which axes of a tensor are inputs: ``i``, and ``s`` for a convolution's window.

    Examples
    --------
    >>> from pastur.compression import InputAxes
    >>> [str(axes) for axes in InputAxes]
    ['oi', 'io', 'oiss']
    """

    LINEAR = "oi"
    TURNED = "io"
    CONVOLUTION = "oiss"

    def numbered(self, shape: tuple[int, ...]) -> AnyArray:
        """Return for each entry of a tensor which input it multiplies."""
        inner = shape[:1] if self == InputAxes.TURNED else shape[1:]
        count = np.arange(np.prod(inner, dtype=np.int64), dtype=np.int32)
        line = count[:, None] if self == InputAxes.TURNED else count.reshape(1, *inner)
        return np.ascontiguousarray(np.broadcast_to(line, shape))


@dataclass(frozen=True)
class LayerInputs:
    """Whose inputs were seen.

    Attributes
    ----------
    tensor : str
        Name of the weight that they are multiplied with.
    shape : tuple of ints
        Of the tensor.
    digest : str
        Hash of its numbers, as in a plan.
    axes : InputAxes
        Which of its axes are inputs.
    group : str
        Layers of one group have the same inputs, which are stored once.
    rows : tuple of int
        Inputs in each fold.
    background : int
        Inputs in the documents of the background.

    Examples
    --------
    >>> from pastur.compression import InputAxes, LayerInputs
    >>> LayerInputs("a", (4, 3), "", InputAxes.LINEAR, "0", (10, 12), 0).size
    3
    """

    tensor: str
    shape: tuple[int, ...]
    digest: str
    axes: InputAxes
    group: str
    rows: tuple[int, ...]
    background: int

    @property
    def size(self) -> int:
        """Numbers of one input."""
        inner = self.shape[:1] if self.axes == InputAxes.TURNED else self.shape[1:]
        return int(np.prod(inner, dtype=np.int64))


@dataclass(frozen=True)
class _Header:
    """What the metadata of the file say."""

    schema: int
    source: str
    content: str
    documents: tuple[int, ...]
    background: int
    layers: tuple[LayerInputs, ...]
    copies: int = 0
    # Of each part with moments; empty in files written before there were any.
    marks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class InputMoments:
    """Second moments Σ x xᵀ of the inputs x of the layers of a model, over folds of documents.

    Attributes
    ----------
    path : Path
        The file, from which moments are read when they are needed.
    source : str
        The model whose inputs were seen.
    digest : str
        Hash of all moments.
    documents : tuple of int
        Documents in each fold.
    background : int
        Documents of the background, which the moments are shrunk towards; 0 for none.
    layers : tuple of LayerInputs
    copies : int
        Documents that gave the layers the same inputs as others, or none: intervals, for which all
        are independent, are too narrow by them.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from pastur.compression import collect_inputs
    >>> rng = np.random.default_rng(0)
    >>> model = {"fc": rng.normal(size=(40, 30))}
    >>> texts = [rng.normal(size=(20, 30)) for _ in range(8)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = folder + "/inputs.safetensors"
    ...     found = collect_inputs(
    ...         model, texts, run=lambda x, add: add("fc", x), path=path, folds=5
    ...     )
    ...     moments = found.moments("fc")
    >>> print(found)
    Inputs of 1 layer: 160 inputs of each in 8 documents, 5 folds.
    >>> moments.shape, np.allclose(moments.sum(axis=0), sum(x.T @ x for x in texts), atol=1e-4)
    ((5, 30, 30), True)
    """

    path: Path
    source: str
    digest: str
    documents: tuple[int, ...]
    background: int
    layers: tuple[LayerInputs, ...]
    copies: int
    _weights: Weights = field(repr=False)
    _marks: Mapping[str, str] = field(repr=False)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> "InputMoments":
        """Return what `collect_inputs` wrote; moments are read when they are asked for.

        Raises
        ------
        FileAccessError
            When `path` cannot be read.
        FileFormatError
            When it is not such a file, or damaged.
        """
        weights = open_weights(path)
        text = weights.metadata.get(METADATA)
        if text is None:
            raise FileFormatError(
                f"{shown(path)} is not a file of inputs: it has no `{METADATA}` in its metadata. "
                "Make one with `pastur.torch.collect_inputs`."
            )
        try:
            header: _Header = decoded(_Header, parse(text))
            check(header.schema == SCHEMA, "schema", f"must be {SCHEMA}")
            _check_header(header, weights)
        except Damaged as error:
            raise FileFormatError(
                f"{shown(path)} is not a sound file of inputs: {error}. Collect them again."
            ) from None
        return cls(
            path=Path(path),
            source=header.source,
            digest=header.content,
            documents=header.documents,
            background=header.background,
            layers=header.layers,
            copies=header.copies,
            _weights=weights,
            _marks=header.marks,
        )

    def __getitem__(self, tensor: str) -> LayerInputs:
        """Return the layer of a tensor."""
        for layer in self.layers:
            if layer.tensor == tensor:
                return layer
        hint = suggestion(tensor, (layer.tensor for layer in self.layers))
        raise InvalidInputError(f"No inputs of {shown(tensor)} were collected.{hint}")

    def __contains__(self, tensor: object) -> bool:
        return any(layer.tensor == tensor for layer in self.layers)

    def moments(self, tensor: str) -> FloatArray:
        """Return Σ x xᵀ of each fold, shape (folds, d, d).

        Raises
        ------
        FileFormatError
            When they are not finite.
        """
        return np.array(list(self.each_fold(tensor)))

    def each_fold(self, tensor: str) -> Iterator[FloatArray]:
        """Yield Σ x xᵀ of one fold after the other.

        Raises
        ------
        FileFormatError
            When they are not finite.
        """
        for half in self.each_half(tensor):
            yield half + half.T

    def each_half(self, tensor: str, *, dtype: Any = np.float64) -> Iterator[FloatArray]:
        """Yield of one fold after the other the upper triangle U with Σ x xᵀ = U + Uᵀ.

        It is half of the work, and half of the memory in float32, in which the file has it.

        Raises
        ------
        FileFormatError
            When they are not finite.
        """
        for fold in range(len(self[tensor].rows)):
            yield self._half(tensor, fold, dtype)

    def half(self, tensor: str) -> FloatArray:
        """Return the upper triangle U with Σ x xᵀ = U + Uᵀ over all folds."""
        found, *others = self.each_half(tensor)
        for one in others:
            found += one
        return found

    def half_behind(self, tensor: str, *, dtype: Any = np.float64) -> FloatArray | None:
        """Return the same for the mean of x xᵀ over the background; None where it has no x.

        Raises
        ------
        FileFormatError
            When it is not finite.
        """
        count = self[tensor].background
        return self._half(tensor, BACKGROUND, dtype) / dtype(count) if count else None

    def _half(self, tensor: str, part: int | str, dtype: Any) -> FloatArray:
        layer = self[tensor]
        upper = np.asarray(self._weights.read(part_name(layer.group, part)))
        if not np.isfinite(upper).all():
            raise FileFormatError(
                f"{shown(self.path)} is damaged: the moments of {shown(tensor)} are not "
                "finite. Collect them again."
            )
        if not self._as_written(part_name(layer.group, part), upper):
            raise FileFormatError(
                f"{shown(self.path)} is damaged: the moments of {shown(tensor)} in {_said(part)} "
                "are not those that were written. Collect them again."
            )
        return half_of(upper, layer.size, dtype=dtype)

    def _as_written(self, name: str, upper: AnyArray) -> bool:
        if not self._marks:
            return True
        mark = self._marks.get(name)
        # A fold without inputs has none.
        return part_mark(upper) == mark if mark else not upper.any()

    def __str__(self) -> str:
        count, most = len(self.layers), max(sum(layer.rows) for layer in self.layers)
        layers = f"{count} layer{'s' if count != 1 else ''}"
        behind = f"; {self.background} documents of background" if self.background else ""
        copies = f"; {self.copies} documents are copies, or empty" if self.copies else ""
        return (
            f"Inputs of {layers}: {most:,} inputs of each in {sum(self.documents)} documents, "
            f"{len(self.documents)} folds{behind}{copies}."
        )


def _check_header(header: _Header, weights: Weights) -> None:
    """Refuse a header that does not go with itself or with the tensors of the file."""
    folds = len(header.documents)
    check(folds >= LEAST_DOCUMENTS, "documents", f"must be of at least {LEAST_DOCUMENTS} folds")
    check(min(header.documents) >= 1, "documents", "must be positive")
    check(bool(header.layers), "layers", "must not be empty")
    check(header.background >= 0, "background", "must not be negative")
    check(header.copies >= 0, "copies", "must not be negative")
    whole = not header.marks or header.content == _content(header.marks)
    check(whole, "content", "is not that of the marks")
    parts = [*range(folds), *([BACKGROUND] if header.background else [])]
    lengths = {entry.name: entry.shape for entry in weights.entries}
    for number, layer in enumerate(header.layers):
        place = f"layers[{number}]"
        sound = len(layer.shape) >= 2 and min(layer.shape) >= 1
        check(sound, place, "must have a shape of at least two axes")
        counts = len(layer.rows) == folds and min(layer.rows) >= 0 and sum(layer.rows) > 0
        check(counts, place, f"must have {folds} numbers of rows")
        known = layer.background >= 0 and (layer.background == 0 or header.background > 0)
        check(known, place, "has inputs of a background that is not there")
        for part in parts:
            wanted = (layer.size * (layer.size + 1) // 2,)
            found = lengths.get(part_name(layer.group, part))
            check(found == wanted, place, f"has no moments of {layer.size} inputs in {_said(part)}")


def _said(part: int | str) -> str:
    return f"the {part}" if part == BACKGROUND else f"fold {part}"


def part_name(group: str, part: int | str) -> str:
    """Return the name of the tensor with the moments of a group in a fold or the background."""
    return f"{group}.{part}"


def part_mark(packed: AnyArray) -> str:
    """Return a hash of the numbers of a part."""
    return hashlib.sha256(np.ascontiguousarray(packed).data).hexdigest()[:32]


def _content(marks: Mapping[str, str]) -> str:
    return hashlib.sha256("".join(marks.values()).encode()).hexdigest()[:32]


def pack(moments: FloatArray) -> AnyArray:
    """Return the upper triangle of a symmetric matrix, row by row, in float32."""
    size = len(moments)
    upper = np.empty(size * (size + 1) // 2, dtype=np.float32)
    with np.errstate(over="ignore"):
        for row, part in _rows(size):
            upper[part] = moments[row, row:]
    return upper


def half_of(upper: AnyArray, size: int, *, dtype: Any = np.float64) -> FloatArray:
    """Return the matrix U, upper triangular, with C = U + Uᵀ, of what `pack` made of C."""
    packed = np.asarray(upper, dtype=dtype)
    (unpack,) = get_lapack_funcs(("tpttr",), (packed,))
    # The lower triangle of a matrix in the order of Fortran is the upper of its transpose.
    half: FloatArray = unpack(size, packed, uplo="L")[0].T
    np.fill_diagonal(half, np.diagonal(half) / 2)
    return half


def _rows(size: int) -> Iterator[tuple[int, slice]]:
    """Yield each row with the place of what is right of the diagonal, that included."""
    start = 0
    for row in range(size):
        yield row, slice(start, start + size - row)
        start += size - row


def header_text(
    source: str,
    marks: Mapping[str, str],
    documents: tuple[int, ...],
    background: int,
    copies: int,
    layers: Sequence[LayerInputs],
) -> str:
    """Return the metadata of a file of inputs, `marks` those of its parts by name."""
    whole: dict[str, Any] = {
        "schema": SCHEMA,
        "source": source,
        "content": _content(marks),
        "documents": list(documents),
        "background": background,
        "copies": copies,
        "marks": dict(marks),
        "layers": [
            {
                "tensor": layer.tensor,
                "shape": list(layer.shape),
                "digest": layer.digest,
                "axes": str(layer.axes),
                "group": layer.group,
                "rows": list(layer.rows),
                "background": layer.background,
            }
            for layer in layers
        ],
    }
    return json.dumps(whole, separators=(",", ":"))
