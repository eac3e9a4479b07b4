"""Second moments of the inputs of layers, collected while a model is carried out."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pastur._checks import non_negative_integer, positive_integer
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._files import PathLike, check_writable, refuse_inputs, whole_file
from pastur._foreign import shown, suggestion
from pastur._typing import AnyArray, FloatArray
from pastur.compression._inputs.moments import (
    BACKGROUND,
    LEAST_DOCUMENTS,
    METADATA,
    InputAxes,
    InputMoments,
    LayerInputs,
    header_text,
    pack,
    part_mark,
    part_name,
)
from pastur.compression._plan.fingerprint import tensor_digest
from pastur.compression._source.checkpoint import open_checkpoint
from pastur.compression._writing.safetensors_writer import (
    header_bytes,
    laid_out,
    type_code,
    write_array,
)
from pastur.weights import TensorInfo, Weights

FOLDS = 8
# Of a document without inputs.
_NOTHING = hashlib.sha256().digest()
# Moments below it, of inputs below 3e-16, have lost digits in float32, and count as zero.
_LEAST = 1e-31

Add = Callable[..., None]


def collect_inputs(
    model: Any,
    documents: Iterable[Any],
    *,
    run: Callable[[Any, Add], object],
    path: PathLike,
    background: Iterable[Any] = (),
    folds: int = FOLDS,
    seed: int = 0,
) -> InputMoments:
    """Write the second moments of the inputs of a model's layers, over folds of documents.

    Of each layer, y = W x, the sums Σ x xᵀ over all inputs x of a fold, computed in float64 and
    stored in float32. Documents are the unit: those of one fold are kept apart from all others, so
    that the loss of a compressed layer can be measured on documents that did not choose it, with a
    standard error. Inputs within a document are not independent, and counting them as if they were
    would promise too much.

    For modules of PyTorch there is `pastur.torch.collect_inputs`.

    Parameters
    ----------
    model : path, module, array or dict of arrays
        Whose layers they are.
    documents : iterable
        At least 5. Each is passed to `run`, in an order drawn with `seed`, fold by fold.
    run : callable
        ``run(document, add)`` carries the model out on a document, and calls ``add(name, x)`` for
        each product with the tensor `name`, ``x @ W.T`` with x of shape (inputs, d). A tensor that
        is multiplied from the other side, ``x @ W``, is added with ``axes="io"``; a convolution
        with its unfolded inputs and ``axes="oiss"``.
    path : path
        A safetensors file, written whole or not at all.
    background : iterable, optional
        More documents that are only somewhat like those the model is for, such as text that it has
        written itself or text of other kinds, and none of `documents`. No loss is measured on them:
        the moments of `documents` are shrunk towards theirs, as far as the loss on left-out
        documents has them.
    folds : int, default 8
        At least 5; at most the number of documents is used.
    seed : int, default 0
        Which documents go into which fold.

    Returns
    -------
    InputMoments

    Raises
    ------
    FileAccessError, FileFormatError
        When the model cannot be read or the file not be written.
    InvalidInputError
        When there are fewer than 5 different documents, inputs are not finite, or do not go with a
        tensor.

    Notes
    -----
    It takes the memory of one matrix d × d for each layer, and a temporary file next to `path`.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from pastur.compression import collect_inputs
    >>> rng = np.random.default_rng(0)
    >>> model = {"a": rng.normal(size=(40, 30)), "b": rng.normal(size=(20, 40))}
    >>> def run(x, add):
    ...     add("a", x)
    ...     add("b", np.tanh(x @ model["a"].T))
    >>> texts = [rng.normal(size=(20, 30)) for _ in range(16)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = collect_inputs(model, texts, run=run, path=folder + "/inputs.safetensors")
    >>> [layer.tensor for layer in found.layers], found.documents
    (['a', 'b'], (2, 2, 2, 2, 2, 2, 2, 2))
    """
    given, behind = list(documents), list(background)
    count = positive_integer("folds", folds)
    start = non_negative_integer("seed", seed)
    if count < LEAST_DOCUMENTS:
        raise InvalidInputError(f"`folds` must be at least {LEAST_DOCUMENTS}. Got {count}.")
    if len(given) < LEAST_DOCUMENTS:
        raise InvalidInputError(
            f"`documents` must be at least {LEAST_DOCUMENTS}, so that the loss on other documents "
            f"can be measured. Got {len(given)}: cut them into more, independent ones if there are "
            "any."
        )
    checkpoint = open_checkpoint(model)
    check_writable(path)
    refuse_inputs(path, checkpoint.files)
    # Equal parts of a random order: of the documents of one author or subject, which often come
    # one after the other, some are in each fold.
    order = np.random.default_rng(start).permutation(len(given))
    parts = [order[fold::count] for fold in range(min(count, len(given)))]
    with tempfile.TemporaryFile(dir=Path(path).absolute().parent) as spool:
        collected = _Collected(checkpoint.weights, spool)
        for part in parts:
            for place in part:
                collected.begin(f"document {place}")
                run(given[place], collected.add)
            collected.end_fold()
        copies = len(given) - len({mark for _, mark in collected.seen()} - {_NOTHING})
        _check_different(len(given), copies)
        for place, document in enumerate(behind):
            collected.begin(f"document {place} of the background")
            run(document, collected.add)
        _check_apart(len(given), collected.seen())
        if behind:
            collected.end_fold()
        sizes = tuple(len(part) for part in parts)
        collected.write(path, sizes, len(behind), copies, checkpoint.files)
    return InputMoments.from_file(path)


def _check_different(count: int, copies: int) -> None:
    """Refuse documents of which too few are different: copies are not independent."""
    if copies < count and count - copies < LEAST_DOCUMENTS:
        raise InvalidInputError(
            f"`documents` must be at least {LEAST_DOCUMENTS} different ones. Of {count}, {copies} "
            "give the layers the same inputs as others, or none."
        )


def _check_apart(count: int, seen: list[tuple[str, bytes]]) -> None:
    """Refuse a background with any of the documents: losses would be measured on what chose."""
    documents = {mark: name for name, mark in seen[:count] if mark != _NOTHING}
    both = [(name, documents[mark]) for name, mark in seen[count:] if mark in documents]
    if both:
        behind, document = both[0]
        raise InvalidInputError(
            "`background` must have none of the documents, on which losses are measured: "
            f"{behind} is {document}, counted from 0, and {len(both)} in all are in both. Leave "
            "them out of one."
        )


@dataclass(eq=False)
class _Collected:
    """Sums of the fold at hand, and those of the folds before on disk; last the background."""

    weights: Weights
    spool: BinaryIO
    document: str = ""
    # Of each document a hash of what it added, so that copies are seen.
    _added: list[tuple[str, Any]] = field(default_factory=list)
    _sums: dict[str, FloatArray] = field(default_factory=dict)
    _rows: dict[str, list[int]] = field(default_factory=dict)
    _axes: dict[str, InputAxes] = field(default_factory=dict)
    # Of each layer the hash of its sums in each fold, and where the spool has them.
    _hashes: dict[str, list[str]] = field(default_factory=dict)
    _places: dict[str, tuple[int, int]] = field(default_factory=dict)
    _last: tuple[Any, FloatArray] | None = None
    _folds: int = 0

    def __post_init__(self) -> None:
        self._entries = {entry.name: entry for entry in self.weights.entries}

    def begin(self, document: str) -> None:
        """Name the document whose inputs are added from now on."""
        self.document = document
        self._added.append((document, hashlib.sha256()))

    def seen(self) -> list[tuple[str, bytes]]:
        """Return of each document so far its name, and what is the same where the inputs are."""
        return [(name, one.digest()) for name, one in self._added]

    def add(self, name: str, x: Any, *, axes: str = InputAxes.LINEAR) -> None:
        """Add inputs to the sums of a tensor."""
        lies = InputAxes(axes)
        if name not in self._sums:
            entry = self._entry(name)
            size = LayerInputs(name, entry.shape, "", lies, "", (), 0).size
            self._sums[name] = np.zeros((size, size))
            self._axes[name] = lies
            rows = self._rows.setdefault(name, [])
            rows.extend([0] * (self._folds + 1 - len(rows)))
        if lies != self._axes[name]:
            raise InvalidInputError(
                f"Tensor {shown(name)} has inputs with axes '{self._axes[name]}' and with '{lies}'."
            )
        product = self._product(name, x)
        self._sums[name] += product
        self._rows[name][self._folds] += len(x)
        if len(x):
            mark = self._added[-1][1]
            mark.update(name.encode("utf-8", "backslashreplace"))
            mark.update(np.diagonal(product).tobytes())

    def _entry(self, name: str) -> TensorInfo:
        entry = self._entries.get(name)
        if entry is None:
            hint = suggestion(name, self._entries)
            raise InvalidInputError(f"The model has no tensor {shown(name)}.{hint}")
        if entry.unreadable or len(entry.shape) < 2:
            raise InvalidInputError(f"Tensor {shown(name)} is not a matrix that has inputs.")
        return entry

    def _product(self, name: str, x: Any) -> FloatArray:
        """Return Σ x xᵀ, computed once where layers in a row have the same inputs.

        An array that may be written to may have other numbers the next time.
        """
        fixed = isinstance(x, np.ndarray) and not x.flags.writeable
        if fixed and self._last is not None and self._last[0] is x:
            found = self._last[1]
        else:
            rows = np.asarray(x, dtype=np.float64)
            if rows.ndim != 2:
                raise InvalidInputError(
                    f"The inputs of {shown(name)} must be an array of two axes, one row for each "
                    f"input. Got the shape {rows.shape}."
                )
            if not np.isfinite(rows).all():
                raise InvalidInputError(
                    f"The inputs of {shown(name)} are not finite in {self.document}, counted "
                    "from 0. Nothing was written."
                )
            found = rows.T @ rows
            self._last = (x, found)
        if found.shape != self._sums[name].shape:
            raise InvalidInputError(
                f"The inputs of {shown(name)} have {len(found)} numbers, and the tensor has "
                f"{len(self._sums[name])}."
            )
        return found

    def end_fold(self) -> None:
        """Move the sums to disk, equal ones once."""
        for name, sums in self._sums.items():
            packed = pack(sums)
            if packed.max() < _LEAST:
                packed.fill(0.0)
            if not np.isfinite(packed).all():
                raise InvalidInputError(
                    f"The moments of {shown(name)} are too large for float32: its inputs reach "
                    f"{float(np.sqrt(sums.max())):.3g}."
                )
            mark = part_mark(packed)
            if mark not in self._places:
                self._places[mark] = (self.spool.tell(), packed.size)
                write_array(self.spool, packed)
            before = self._hashes.setdefault(name, [])
            before.extend([""] * (self._folds - len(before)))
            before.append(mark)
            sums.fill(0.0)
            self._rows[name].append(0)
        self._last = None
        self._folds += 1

    def write(
        self,
        path: PathLike,
        documents: tuple[int, ...],
        background: int,
        copies: int,
        inputs: Iterable[Path],
    ) -> None:
        """Write the file."""
        folds = len(documents)
        # A layer that only the background reaches has no loss that could be measured.
        reached = {name: one for name, one in self._marks.items() if any(self._rows[name][:folds])}
        if not reached:
            raise InvalidTypeError(
                "Inputs were added to no layer: documents are empty, or `run` never calls `add`."
            )
        groups = {marks: str(k) for k, marks in enumerate(dict.fromkeys(reached.values()))}
        layers = {name: self._layer(name, groups[one], folds) for name, one in reached.items()}
        names = [*range(folds), *([BACKGROUND] if background else [])]
        parts = {
            part_name(group, part): mark
            for marks, group in groups.items()
            for part, mark in zip(names, marks, strict=True)
        }
        lengths = {name: self._length(name, layers) for name in parts}
        entries = laid_out({n: ([k], type_code("float32"), -1) for n, k in lengths.items()})
        text = header_text(
            self.weights.source, parts, documents, background, copies, list(layers.values())
        )
        with whole_file(path, inputs=inputs) as stream:
            stream.write(header_bytes(entries, {METADATA: text}))
            for name in entries:
                write_array(stream, self._read(parts[name], lengths[name]))

    @property
    def _marks(self) -> Mapping[str, tuple[str, ...]]:
        return {
            name: (*marks, *[""] * (self._folds - len(marks)))
            for name, marks in self._hashes.items()
        }

    def _layer(self, name: str, group: str, folds: int) -> LayerInputs:
        digest = tensor_digest(self.weights.read(name))
        shape, axes = self._entries[name].shape, self._axes[name]
        rows = self._rows[name][: self._folds]
        behind = sum(rows[folds:])
        return LayerInputs(name, shape, digest, axes, group, tuple(rows[:folds]), behind)

    def _length(self, part: str, layers: Mapping[str, LayerInputs]) -> int:
        group = part.rpartition(".")[0]
        size = next(layer.size for layer in layers.values() if layer.group == group)
        return size * (size + 1) // 2

    def _read(self, mark: str, length: int) -> AnyArray:
        """Return moments from disk; zero where a fold has none."""
        if not mark:
            return np.zeros(length, dtype=np.float32)
        place, size = self._places[mark]
        self.spool.seek(place)
        return np.frombuffer(self.spool.read(4 * size), dtype="<f4")
