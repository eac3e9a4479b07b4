"""A checkpoint written after a plan."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from pastur._errors import FileAccessError, InvalidInputError, InvalidTypeError
from pastur._files import (
    PathLike,
    check_name,
    check_writable,
    same_file,
    whole_file,
    whole_folder,
)
from pastur._foreign import shown
from pastur._format import bytes_text
from pastur.compression._matrix.parts import Shapes
from pastur.compression._plan.fingerprint import check_same, records
from pastur.compression._plan.matrix_plan import MatrixPlan
from pastur.compression._plan.whole_plan import CompressionPlan
from pastur.compression._source.checkpoint import (
    Checkpoint,
    Kind,
    matrices_of,
    open_checkpoint,
)
from pastur.compression._writing.npz_writer import write_npz_after
from pastur.compression._writing.replaced_tensors import (
    Replaced,
    planned_by_tensor,
    replaced,
    shapes_of,
)
from pastur.compression._writing.safetensors_writer import (
    copy_file,
    header_bytes,
    laid_out,
    type_code,
    write_after,
    write_array,
)
from pastur.compression._writing.torch_writer import write_torch_after
from pastur.weights import Matrix

# The entry of the metadata that says how parts make a tensor.
METADATA = "pastur.compression"
_SUFFIXES = {
    Kind.SAFETENSORS: (".safetensors",),
    Kind.NPZ: (".npz",),
    Kind.TORCH: (".pt", ".pth", ".bin"),
}
# Of the settings of a model that is loaded by `from_pretrained`.
_SETTINGS = "config.json"
_WEIGHT_FILES = (".safetensors", ".bin", ".pt", ".pth", ".h5", ".msgpack", ".onnx", ".gguf")


@dataclass(frozen=True)
class Compressed:
    """What was written.

    Attributes
    ----------
    path : Path
        The file or folder.
    nbytes : int
        Bytes of the files of tensors.
    errors : dict of str to float
        ‖W − W′‖/‖W‖ of each matrix that was changed, W′ as it is in the file.
    note : str
        What else there is to know; may be empty.
    unkept : tuple of str
        Matrices whose error lies outside of the interval that the plan promised.

    Examples
    --------
    >>> import numpy as np, pastur, tempfile
    >>> W = np.random.default_rng(0).normal(size=(40, 60))
    >>> plan = pastur.plan_compression(pastur.analyze({"a": W}), {"a": W}, method="round")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = pastur.apply_compression(plan, {"a": W}, folder + "/small.safetensors")
    >>> round(written.errors["a"], 2)
    0.1
    """

    path: Path
    nbytes: int
    errors: dict[str, float] = field(repr=False)
    note: str = ""
    unkept: tuple[str, ...] = ()

    def __str__(self) -> str:
        sentences = [f"{self.path}: {bytes_text(self.nbytes)}."]
        if self.unkept:
            listed = ", ".join(map(shown, self.unkept[:5]))
            sentences.append(f"Error not within the promised interval: {listed}.")
        return " ".join([*sentences, *([self.note] if self.note else [])])


def apply_compression(
    plan: CompressionPlan, source: Any = None, target: PathLike = ""
) -> Compressed:
    """Write the smaller model of a plan, in the format of its source.

    Safetensors (a file, or a folder with several and their index), ``.npz`` and state dictionaries
    of PyTorch (through PyTorch) are written as they came: the same metadata, tensors that stay as
    they are bit by bit, and the whole file where nothing is changed. Of a folder all
    else is copied, such as configuration and tokenizer, but no weights in other formats. From ONNX,
    Keras, GGUF and what is in memory, and where the target ends in ``.safetensors``, a safetensors
    file is written.

    In the factored form a matrix ``NAME`` is replaced by ``NAME_left`` and ``NAME_right``, whose
    product it is; where it is rounded by ``NAME_codes``, ``NAME_steps``, ``NAME_unit`` and
    ``NAME_layout``. There is no tensor ``NAME`` then, so that nothing can load the file as the
    dense model. To read it:
    `pastur.torch.load_compressed`, or `pastur.compression.read_compressed`.

    Parameters
    ----------
    plan : CompressionPlan
        From `plan_compression` or `CompressionPlan.from_json`.
    source : path, module, array or dict of arrays, optional
        The model that was planned. Default: the path in the plan.
    target : path
        The file, or folder where the source is one, to write. A file is replaced at once or not at
        all; a folder must not exist, or be empty.

    Returns
    -------
    Compressed

    Raises
    ------
    FileAccessError, FileFormatError
        When the source cannot be read or the target not be written.
    InvalidInputError
        When the source is another model than that of the plan, or the target belongs to it.
    MissingExtraError
        When a PyTorch file is to be written and PyTorch is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np, pastur
    >>> rng = np.random.default_rng(0)
    >>> w = rng.normal(size=(200, 300)) + 3 * rng.normal(size=(200, 8)) @ rng.normal(size=(8, 300))
    >>> model = {"fc.weight": w}
    >>> plan = pastur.plan_compression(pastur.analyze(model), model, method="edge")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = pastur.apply_compression(plan, model, f"{folder}/small.safetensors")
    ...     [entry.name for entry in pastur.weights.open_weights(done.path).entries]
    ['fc.weight_left', 'fc.weight_right']
    """
    if not isinstance(plan, CompressionPlan):
        raise InvalidTypeError(
            "`plan` must be the result of `plan_compression`, or of `CompressionPlan.from_json`. "
            f"Got {type(plan).__name__}."
        )
    if not isinstance(target, (str, os.PathLike)) or not os.fspath(target):
        raise InvalidTypeError(f"`target` must be a path to write. Got {target!r}.")
    checkpoint = open_checkpoint(plan.source if source is None else source)
    path = Path(os.fsdecode(target))
    check_name(path)
    writer = _writer(checkpoint, path)
    _refuse_source(checkpoint, path)
    work = _Work(plan, checkpoint)
    work.check()
    note = writer(work, path)
    return work.result(path, note)


@dataclass(eq=False)
class _Work:
    """A plan on its way into files."""

    plan: CompressionPlan
    checkpoint: Checkpoint
    errors: dict[str, float] = field(default_factory=dict)
    nbytes: int = 0

    def check(self) -> None:
        """Raise unless the model is that of the plan."""
        there = list(records(self.checkpoint.tensors, self.checkpoint.stored))
        check_same(self.plan.tensors, there, self.checkpoint.source)
        for matrix in self.plan.matrices:
            found = self._matrices.get(matrix.name)
            same = (matrix.shape, matrix.tensor, matrix.part)
            if found is None or (found.shape, found.tensor, found.part) != same:
                raise InvalidInputError(
                    f"The plan has a matrix {shown(matrix.name)} of shape {matrix.shape}, which "
                    f"{self.checkpoint.source} has not. Undo what was edited, or plan again."
                )
        self._check_names()

    def _check_names(self) -> None:
        """Raise where a part would have the name of a tensor that stays."""
        names = {entry.name for entry in self.checkpoint.stored.entries}
        for name, parts in self.shapes.items():
            taken = names.intersection(parts) - {name}
            if taken:
                raise InvalidInputError(
                    f"A part of {shown(name)} would have the name of another tensor, "
                    f"{shown(min(taken))}. Plan with form='dense', or exclude it."
                )

    @cached_property
    def _matrices(self) -> dict[str, Matrix]:
        return matrices_of(self.checkpoint.weights, self.plan.unfold)

    @cached_property
    def by_tensor(self) -> dict[str, list[tuple[MatrixPlan, Matrix]]]:
        """Matrices that are changed, by tensor."""
        return planned_by_tensor(self.plan.matrices, self._matrices)

    def change(self, name: str) -> Replaced:
        """Return what stands in the place of a tensor."""
        tensor = self.checkpoint.stored.read(name)
        found = replaced(name, tensor, self.by_tensor[name], self.plan.form)
        self.errors |= found.errors
        return found

    @cached_property
    def shapes(self) -> dict[str, Shapes]:
        """Shape and type of what stands in the place of each tensor that is changed."""
        stored = {entry.name: entry for entry in self.checkpoint.stored.entries}
        return {
            name: shapes_of(name, stored[name].shape, planned, self.plan.form)
            for name, planned in self.by_tensor.items()
        }

    def metadata(self) -> dict[str, str]:
        """Return what is added to the metadata of a file with parts."""
        return {METADATA: json.dumps({"method": self.plan.method, "form": str(self.plan.form)})}

    def result(self, path: Path, note: str) -> Compressed:
        """Return what was written."""
        unkept = tuple(
            matrix.name
            for matrix in self.plan.matrices
            if matrix.promise is not None
            and matrix.name in self.errors
            and not matrix.promise.low <= self.errors[matrix.name] <= matrix.promise.high
        )
        notes = [one for one in (note, self._who_reads(path)) if one]
        return Compressed(path, self.nbytes, self.errors, " ".join(notes), unkept)

    def _who_reads(self, path: Path) -> str:
        """Return what reads the parts of tensors, where there are some."""
        if all(set(parts) == {name} for name, parts in self.shapes.items()):
            return ""
        readers = "pastur.torch.load_compressed or pastur.compression.read_compressed"
        found = f"Some of its tensors are factors or codes: read it with {readers}."
        if (path / _SETTINGS).exists():
            found += (
                " `from_pretrained` of transformers fills such layers with random numbers, and "
                "does no more than list them."
            )
        return found


_Writer = Callable[[_Work, Path], str]


def _writer(checkpoint: Checkpoint, path: Path) -> _Writer:
    """Return what writes a model of this kind to this path.

    Raises
    ------
    FileAccessError
        Where the path is a folder, and the source is not.
    InvalidInputError
        Where the path has the ending of another kind.
    """
    kind, suffix = checkpoint.kind, path.suffix.lower()
    if checkpoint.folder is not None and kind in (Kind.SAFETENSORS, Kind.SEVERAL):
        return _write_folder
    if path.is_dir():
        raise FileAccessError(f"Cannot write '{path}': it is a folder. Name a file in it.")
    if suffix == ".safetensors":
        return _write_as_came if kind == Kind.SAFETENSORS else _write_converted
    if kind in _SUFFIXES and suffix in _SUFFIXES[kind]:
        return _write_as_came
    wanted = " or ".join(dict.fromkeys((*_SUFFIXES.get(kind, ()), ".safetensors")))
    raise InvalidInputError(
        f"A model that is stored as {kind} is written to a file that ends in {wanted}. Got "
        f"'{path}'."
    )


def _refuse_source(checkpoint: Checkpoint, path: Path) -> None:
    """Refuse a target that is a file of the source, or lies in its folder."""
    place = Path(os.path.realpath(path))
    folder = checkpoint.folder
    inside = folder is not None and Path(os.path.realpath(folder)) in (place, *place.parents)
    if inside or any(same_file(path, file) for file in checkpoint.files):
        raise InvalidInputError(
            f"'{path}' is a part of the model that is read ('{checkpoint.source}'). Name another "
            "place to write."
        )


def _write_as_came(work: _Work, path: Path) -> str:
    (part,) = work.checkpoint.parts
    check_writable(path)
    with whole_file(path, inputs=work.checkpoint.files) as stream:
        _write_part(work, part, stream)
    work.nbytes = path.stat().st_size
    return ""


def _write_part(work: _Work, part: Path, stream: BinaryIO) -> None:
    """Write one file after a file of the source."""
    if not work.by_tensor:
        copy_file(part, stream)
    elif work.checkpoint.kind == Kind.NPZ:
        write_npz_after(part, stream, names=work.by_tensor, change=work.change)
    elif work.checkpoint.kind == Kind.TORCH:
        write_torch_after(part, stream, names=work.by_tensor, change=work.change)
    else:
        write_after(part, stream, shapes=work.shapes, change=work.change, metadata=work.metadata)


def _write_converted(work: _Work, path: Path) -> str:
    """Write all tensors as they are read, as one safetensors file."""
    check_writable(path)
    stored = work.checkpoint.stored
    readable = [entry for entry in stored.entries if not entry.unreadable]
    shapes: dict[str, Shapes] = {}
    for entry in readable:
        # What is packed or quantised is of another type once it is read.
        dtype = entry.dtype if entry.name in work.by_tensor else stored.read(entry.name).dtype.name
        shapes[entry.name] = work.shapes.get(entry.name, {entry.name: (entry.shape, dtype)})
    parts = {
        part: (list(shape), type_code(dtype), -1)
        for one in shapes.values()
        for part, (shape, dtype) in one.items()
    }
    entries = laid_out(parts)
    metadata = dict(stored.metadata) | work.metadata()
    with whole_file(path, inputs=work.checkpoint.files) as stream:
        stream.write(header_bytes(entries, metadata))
        base = stream.tell()
        for entry in readable:
            tensors = (
                work.change(entry.name).tensors
                if entry.name in work.by_tensor
                else {entry.name: stored.read(entry.name)}
            )
            for part, array in tensors.items():
                stream.seek(base + entries[part]["data_offsets"][0])
                write_array(stream, array)
        stream.seek(0, os.SEEK_END)
    work.nbytes = path.stat().st_size
    left = len(stored.entries) - len(readable)
    lost = f" {left} tensors that cannot be read are left out." if left else ""
    return (
        f"Written as safetensors, its tensors as they are read; the source is stored as "
        f"{work.checkpoint.kind}.{lost}"
    )


def _write_folder(work: _Work, path: Path) -> str:
    """Write a folder after a folder, whole or not at all."""
    folder = work.checkpoint.folder
    assert folder is not None
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileAccessError(
            f"Cannot write '{path}': the source is a folder, and so is what is written; name one "
            "that does not exist or is empty."
        )
    parts = {part.name for part in work.checkpoint.parts}
    with whole_folder(path) as place:
        for part in work.checkpoint.parts:
            with whole_file(place / part.name) as stream:
                _write_part(_of_part(work, part), part, stream)
            work.nbytes += (place / part.name).stat().st_size
        _write_others(work, folder, place, parts)
    return ""


def _of_part(work: _Work, part: Path) -> _Work:
    """Return the work on one of several files; errors are noted in the whole."""
    with part.open("rb") as file:
        names = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    one = _Work(work.plan, work.checkpoint, work.errors)
    one.by_tensor = {name: pairs for name, pairs in work.by_tensor.items() if name in names}
    return one


def _write_others(work: _Work, folder: Path, place: Path, parts: set[str]) -> None:
    """Write the index, and copy all but weights, folders within included."""
    for item in sorted(folder.iterdir()):
        if item.name.endswith(".safetensors.index.json"):
            with whole_file(place / item.name) as stream:
                stream.write(_index(work, item))
        elif item.name not in parts:
            _copy(item, place / item.name)


def _copy(item: Path, place: Path) -> None:
    """Copy a file, or a folder with all that is in it, but no weights and no index of them."""
    if item.name.endswith((*_WEIGHT_FILES, ".index.json")) and not item.is_dir():
        return
    if item.is_file():
        shutil.copyfile(item, place)
    elif item.is_dir() and not item.is_symlink():
        place.mkdir()
        for inner in sorted(item.iterdir()):
            _copy(inner, place / inner.name)
    else:
        raise FileAccessError(
            f"'{item}' of the source cannot be copied: it is neither a file nor a folder, but a "
            "pipe, a link to a folder, or one that leads nowhere. Move it out of the source."
        )


def _index(work: _Work, item: Path) -> bytes:
    """Return the index with the parts of tensors in their places; the same where none has any."""
    text = item.read_bytes()
    shapes = {name: parts for name, parts in work.shapes.items() if set(parts) != {name}}
    if not shapes:
        return text
    index = json.loads(text)
    new: dict[str, str] = {}
    for name, file in index["weight_map"].items():
        new |= dict.fromkeys(shapes.get(name, {name: None}), file)
    index["weight_map"] = new
    if "total_size" in index.get("metadata", {}):
        index["metadata"]["total_size"] = work.plan.bytes_after
    return (json.dumps(index, indent=2) + "\n").encode()
