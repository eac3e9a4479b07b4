"""What a matrix is, and why a tensor is none."""

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import numpy as np

from pastur._checks import one_of
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._foreign import shown, some_of, suggestion
from pastur._typing import AnyArray
from pastur.weights._axes.guess import guess
from pastur.weights._axes.layout import Layout
from pastur.weights._axes.tensor_parts import (
    MOST_IN_ALL,
    UNFOLDINGS,
    TensorPart,
    one_line,
    tensor_parts,
)
from pastur.weights._hostile.array_bytes import check_memory, too_large
from pastur.weights.tensors import TensorInfo, Weights

# A suggestion is at most so many times as long as what was typed.
_TIMES = 3
_INDEX = re.compile(r"(.*[._])?(index|indices|ids|idx)")
_NUMBER = re.compile(r"u?int\d+|float\d+(_\w+)?|bfloat16")

Patterns = Sequence[str] | str | None

# Reasons by which skipped matrices are recognised.
NOT_FINITE, ZERO = re.compile(r"\bholds \d+ (NaN|infinite)\b"), re.compile("every entry is zero")
# Those that the patterns ask for.
LEFT_OUT = ("not among those included", "excluded by ")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A tensor that is not analysed.

    Attributes
    ----------
    name, shape, dtype
        As in `TensorInfo`.
    reason : str
        Why, in words that follow the name.
    traceback : str
        Where a fault of pastur is the reason, an "internal error", what led to it; else empty.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.weights import Skipped, iter_matrices, open_weights
    >>> found = list(iter_matrices(open_weights({"a": np.eye(3), "b": np.zeros(4)})))
    >>> [(one.name, one.reason) for one in found if isinstance(one, Skipped)]
    [('b', 'not a matrix: its shape is (4,)')]
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    reason: str
    traceback: str = field(default="", repr=False, compare=False)


def _unknown() -> None:
    """Stand for a step of which nothing is known."""


@dataclass(frozen=True, eq=False, slots=True)
class Matrix:
    """A tensor whose header is that of a matrix. It holds no data, so that many can be kept.

    Attributes
    ----------
    name : str
        Name of the tensor, with the part after a colon where a tensor holds several: ``"w:q"``.
    shape : tuple of two ints
        Rows and columns, both at least 2.
    dtype : str
        The type in which the file holds it, its packing where it is quantised.
    tensor, part : str
        The two of which the name is made.
    load : callable
        ``load()`` reads the matrix and returns it with its rows contiguous, in float32 where that
        holds every number of its type, else in float64 (where the source is such an array in
        memory, as that array: do not write to it). It raises
        `InvalidInputError` with the reason alone as its text when the values cannot be analysed
        (NaN or infinite ones, zeros only, no room in memory), and what `Weights.read` raises when
        they cannot be read. Both are reasons to skip this matrix and go on; `FileAccessError`, that
        the file is gone, is a reason to stop.
    step_variance : callable
        ``step_variance()`` reads it once more and returns the variance of rounding an entry to the
        steps of its packing, step²/12 on average; None where it is not quantised, or the packing
        does not state it.
    cut : callable
        ``cut(tensor)`` returns the matrix of an array that has the tensor's shape: where its
        entries are in the tensor.
    content_mark : str
        That of the weights: another text once any number has changed, or empty.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.weights import Matrix, iter_matrices, open_weights
    >>> found = list(iter_matrices(open_weights({"a": np.eye(3), "b": np.zeros(4)})))
    >>> [(one.name, one.load().shape) for one in found if isinstance(one, Matrix)]
    [('a', (3, 3))]
    """

    name: str
    shape: tuple[int, int]
    dtype: str
    tensor: str
    part: str
    load: Callable[[], AnyArray] = field(repr=False)
    step_variance: Callable[[], float | None] = field(default=_unknown, repr=False)
    cut: Callable[[AnyArray], AnyArray] = field(default=np.asarray, repr=False)
    content_mark: str = field(default="", repr=False)

    @property
    def header(self) -> dict[str, Any]:
        """All that is known of it before its numbers are read, ready for JSON."""
        names = ("name", "dtype", "tensor", "part", "content_mark")
        return {key: getattr(self, key) for key in names} | {"shape": list(self.shape)}


def unread(tensors: Iterable[Skipped]) -> list[Skipped]:
    """Return those of two axes or more that were skipped without being asked for."""
    return [one for one in tensors if len(one.shape) > 1 and not one.reason.startswith(LEFT_OUT)]


def iter_matrices(
    weights: Weights,
    *,
    include: Patterns = None,
    exclude: Patterns = None,
    unfold: str = "outputs",
) -> Iterator[Matrix | Skipped]:
    """Sort every tensor by its header: one matrix, several, or skipped and why.

    No data are read here; `Matrix.load` does that, and finds what the header cannot show. A
    convolution is unfolded; the gates of an LSTM or GRU, fused queries, keys and values, and
    stacked experts are matrices of their own. The axes are known from the file, or
    inferred from name and shape.

    Parameters
    ----------
    weights : Weights
        See `open_weights`.
    include, exclude : sequence of str, optional
        Names of tensors or of their parts, or patterns in the manner of a shell: ``*``, ``?``,
        ``[abc]``. Only what `include` names is taken, and of that nothing that `exclude` names.
    unfold : {"outputs", "inputs", "window"}, default "outputs"
        What becomes of a convolution of o outputs, i inputs and s places in its window: one matrix
        o × (i·s), one i × (o·s), or one o × i for each place.

    Returns
    -------
    iterator of Matrix or Skipped
        At least one for each of ``weights.entries``, in their order.

    Raises
    ------
    InvalidInputError
        When a pattern matches no tensor, or `unfold` is none of the three.

    Examples
    --------
    >>> import numpy as np
    >>> from pastur.weights import open_weights
    >>> weights = open_weights({"fc.weight": np.eye(3), "fc.bias": np.ones(3)})
    >>> [type(item).__name__ for item in iter_matrices(weights)]
    ['Matrix', 'Skipped']
    >>> next(iter_matrices(weights, exclude=["*.weight"])).reason
    "excluded by '*.weight'"
    >>> fused = open_weights({"attention.in_proj_weight": np.ones((12, 4))})
    >>> [item.name for item in iter_matrices(fused)][0]
    'attention.in_proj_weight:q'
    """
    one_of("unfold", unfold, UNFOLDINGS)
    shapes = {entry.name: entry.shape for entry in weights.entries}
    found = list(_all_parts(weights, shapes, unfold))
    names = _names(found)
    reasons = left_out(names, include, exclude)
    cache = _PartCache(weights)
    return (
        item
        for entry, parts in found
        for item in _items(cache, entry, parts, names[entry.name], reasons)
    )


class _PartCache:
    """The weights; a tensor of several matrices is read once."""

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


def _all_parts(
    weights: Weights, shapes: Mapping[str, tuple[int, ...]], unfold: str
) -> Iterator[tuple[TensorInfo, list[TensorPart] | str]]:
    """Yield each tensor with its matrices, as long as there may be more; or why there are none."""
    left = MOST_IN_ALL
    for entry in weights.entries:
        parts = _parts(entry, shapes, unfold, left)
        if not isinstance(parts, str):
            left -= len(parts)
        yield entry, parts


def _parts(
    entry: TensorInfo, shapes: Mapping[str, tuple[int, ...]], unfold: str, most: int
) -> list[TensorPart] | str:
    """Return the matrices in a tensor; or why there is none."""
    reason = entry.unreadable or entry.aside or _header_reason(entry.shape, entry.dtype)
    reason = reason or _integer_reason(entry, alone=len(shapes) == 1)
    if reason:
        return reason
    layout = entry.layout
    if len(layout.axes) != len(entry.shape):
        guessed = guess(entry.name, entry.shape, shapes)
        if isinstance(guessed, str):
            return guessed
        layout = guessed
    elif len(entry.shape) == 2 and not layout.parts:
        # A file that knows outputs from inputs may not know that the outputs are several blocks.
        turned = entry.shape if layout.axes == "oi" else entry.shape[::-1]
        guessed = guess(entry.name, turned, shapes)
        if isinstance(guessed, Layout) and guessed.axes == "oi":
            layout = replace(layout, parts=guessed.parts)
    return tensor_parts(entry.shape, layout, unfold, most)


def _items(
    cache: _PartCache,
    entry: TensorInfo,
    parts: list[TensorPart] | str,
    names: list[str],
    reasons: Mapping[str, str],
) -> Iterator[Matrix | Skipped]:
    dtype = entry.quantised or entry.dtype
    whole = reasons.get(entry.name, "") or (parts if isinstance(parts, str) else "")
    if isinstance(parts, str) or whole:
        yield Skipped(entry.name, entry.shape, dtype, whole)
        return
    # Heads differ in number, and a part may be one row where the others are matrices.
    thin = (line and f"has {line}" for line in (one_line(*part.shape) for part in parts))
    found = [reasons.get(name, "") or line for name, line in zip(names, thin, strict=True)]
    wanted = [name for name, reason in zip(names, found, strict=True) if not reason]
    for name, part, reason in zip(names, parts, found, strict=True):
        if reason:
            yield Skipped(name, part.shape, dtype, reason)
        else:
            load = partial(_load, cache, entry.name, part, name, name != wanted[-1])
            step = partial(_step_variance, cache.weights, entry.name, part)
            names_of = name, part.shape, dtype, entry.name, part.label
            yield Matrix(*names_of, load, step, part.cut, cache.weights.content_mark)


def _names(found: Sequence[tuple[TensorInfo, list[TensorPart] | str]]) -> dict[str, list[str]]:
    """Return the names of the matrices in each tensor, no two alike.

    A file may well hold a tensor ``w:q`` alongside a tensor ``w`` with a part q: that is ``w::q``.
    """
    taken = {entry.name for entry, _ in found}
    names = {}
    for entry, parts in found:
        labels = [] if isinstance(parts, str) else [part.label for part in parts]
        mark = ":"
        while any(label and f"{entry.name}{mark}{label}" in taken for label in labels):
            mark += ":"
        names[entry.name] = [f"{entry.name}{mark}{p}" if p else entry.name for p in labels]
        taken.update(names[entry.name])
    return names


def _header_reason(shape: tuple[int, ...], dtype: str) -> str:
    """Return why a tensor does not hold numbers of a matrix; empty where it does."""
    if len(shape) < 2:
        return f"not a matrix: its shape is {shape}"
    if 0 in shape:
        return f"has no entries: its shape is {shape}"
    if dtype == "bool":
        return "holds booleans, not numbers"
    if dtype.startswith("complex"):
        return f"holds complex numbers ({dtype}); only real matrices are analysed"
    if not _NUMBER.fullmatch(dtype):
        return f"is of type {dtype}, which pastur does not read as numbers"
    return ""


def _integer_reason(entry: TensorInfo, *, alone: bool) -> str:
    """Return why whole numbers are not weights; empty where they may be."""
    what = f"holds integers of type {entry.dtype}"
    if entry.dtype in ("int32", "uint32") and not alone:
        return f"{what}, as codes and indices are: if they are data, convert them to floats"
    if entry.dtype in ("int64", "uint64") and _INDEX.fullmatch(entry.name):
        return f"{what}: they are indices"
    return ""


def _load(cache: _PartCache, tensor: str, part: TensorPart, name: str, more: bool) -> AnyArray:
    nbytes = 8 * math.prod(part.shape)
    try:
        check_memory(nbytes)
        values = _as_floats(part.cut(cache.read(tensor, keep=more)))
        reason = _value_reason(values)
    except MemoryError:
        reason = too_large(nbytes)
    if reason:
        error = InvalidInputError(reason)
        error.add_note(f"This is matrix {shown(name)} of {cache.weights.source}.")
        raise error
    return values


def _step_variance(weights: Weights, tensor: str, part: TensorPart) -> float | None:
    variances = None if weights.steps is None else weights.steps(tensor)
    mean = np.nan if variances is None else float(np.mean(part.cut(variances)))
    return mean if np.isfinite(mean) else None


def _as_floats(array: AnyArray) -> AnyArray:
    """Return the numbers in float32 where that is exact: a large tensor takes half the memory."""
    exact = np.can_cast(array.dtype, np.float32)
    # Values beyond float64 become infinite, and are counted as such below.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(array, dtype=np.float32 if exact else np.float64)


def _value_reason(values: AnyArray) -> str:
    """Return why a matrix of these values has no spectrum to analyse; empty where it has."""
    # NaN passes through both, and neither makes an array as large as this one.
    ends = values.max(), values.min()
    if not np.isfinite(ends).all():
        nan, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
        counts = [f"{nan} NaN"] * (nan > 0) + [f"{infinite} infinite"] * (infinite > 0)
        return f"holds {' and '.join(counts)} value{'s' * (nan + infinite > 1)}"
    return "" if any(ends) else ZERO.pattern


def left_out(
    tensors: Mapping[str, Sequence[str]], include: Patterns, exclude: Patterns
) -> dict[str, str]:
    """Return the tensors, and the parts of tensors, that the patterns leave out, and the reasons.

    Parameters
    ----------
    tensors : mapping of str to sequence of str
        The names of the matrices in each tensor.
    include, exclude : sequence of str, optional

    Raises
    ------
    InvalidInputError
        When a pattern matches no name.
    """
    whole = list(tensors)
    names = list(dict.fromkeys([*whole, *(name for parts in tensors.values() for name in parts)]))
    reasons: dict[str, str] = {}
    if include is not None:
        wanted = set().union(*(_matches(pattern, names) for pattern in _listed(include, "include")))
        for tensor, parts in tensors.items():
            inside = {name for name in parts if name in wanted}
            if tensor in wanted:
                continue
            left = parts if inside else [tensor]
            reasons |= {n: LEFT_OUT[0] for n in left if n not in inside}
    for pattern in _listed(exclude, "exclude"):
        reasons |= {name: f"{LEFT_OUT[1]}{shown(pattern)}" for name in _matches(pattern, names)}
    return reasons


def _listed(patterns: Patterns, argument: str) -> list[str]:
    if patterns is None:
        return []
    # One pattern is a sequence of letters too, which is never meant.
    listed = [patterns] if isinstance(patterns, str) else list(patterns)
    for pattern in listed:
        if not isinstance(pattern, str):
            raise InvalidTypeError(
                f"`{argument}` must be a sequence of names or patterns. Got {pattern!r} in it."
            )
    return listed


def _matches(pattern: str, names: list[str]) -> set[str]:
    matched = {name for name in names if name == pattern or fnmatchcase(name, pattern)}
    if not matched:
        raise InvalidInputError(_no_match(pattern, names))
    return matched


def _no_match(pattern: str, names: list[str]) -> str:
    # Modules only where they are about as long as the pattern: a name may be nothing but dots.
    parts = (
        f"{name[:end]}.*"
        for name in names
        for end, mark in enumerate(name[: _TIMES * len(pattern)])
        if mark == "."
    )
    hint = suggestion(pattern, itertools.chain(names, parts))
    return f"No layer named {shown(pattern)}.{hint or f' There are {some_of(names)}.'}"
