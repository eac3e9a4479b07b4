"""What the layers of a module are given, collected while it runs."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from pastur._checks import items, needed
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._files import PathLike
from pastur._foreign import shown
from pastur.compression import InputMoments
from pastur.compression import collect_inputs as collect_from
from pastur.compression._collecting.collect_inputs import FOLDS
from pastur.weights import open_weights

_ALONE = "Run texts one by one, without padding and mask."


def collect_inputs(
    module: Any,
    batches: Iterable[Any],
    *,
    path: PathLike,
    documents: Iterable[Any] | None = None,
    background: Iterable[Any] = (),
    folds: int = FOLDS,
    seed: int = 0,
) -> InputMoments:
    """Run a module on some data, and write the second moments of the inputs of its layers.

    Of `Linear`, `Conv2d` (unfolded inputs) and the `Conv1D` of transformers, Σ x xᵀ over the inputs
    x, in float64, for each of several folds of documents; see `pastur.compression.collect_inputs`.
    Tokens that an ``attention_mask`` leaves out are not counted.

    Parameters
    ----------
    module : torch.nn.Module
        In evaluation mode, ``module.eval()``.
    batches : iterable
        At least 5 documents, drawn independently of what will be evaluated. ``module(batch)`` is
        called for each, ``module(*batch)`` where it is a tuple and ``module(**batch)`` where it is
        a mapping.
    path : path
        A safetensors file, written whole or not at all.
    documents : iterable, optional
        Of which document each batch is, where a document has several. Default: each batch is one.
    background : iterable, optional
        More batches, of documents that are only somewhat like those the model is for, such as text
        that it has written itself, and none of the others. No loss is measured on them: the moments
        of the others are shrunk towards theirs.
    folds : int, default 8
        At least 5; at most the number of documents is used.
    seed : int, default 0
        Which documents go into which fold.

    Returns
    -------
    InputMoments

    Raises
    ------
    FileAccessError
        When the file cannot be written.
    InvalidInputError
        When there are fewer than 5 documents, inputs are not finite, the module is in training, or
        an ``attention_mask`` has other numbers than 1 and 0.
    InvalidTypeError
        When batches are not a list of what the module takes, or documents not of names or numbers.
    MissingExtraError
        When PyTorch is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import torch
    >>> from torch import nn
    >>> import pastur.torch
    >>> _ = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(30, 60), nn.ReLU(), nn.Linear(60, 40)).eval()
    >>> texts = [torch.randn(50, 30) for _ in range(16)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(pastur.torch.collect_inputs(module, texts, path=folder + "/inputs.safetensors"))
    Inputs of 2 layers: 800 inputs of each in 16 documents, 8 folds.
    """
    with needed("pastur.torch.collect_inputs", "torch", "torch"):
        from pastur.torch._layers.owners import check_evaluating, check_module
    check_module(module)
    check_evaluating(module, "inputs")
    given = items("batches", batches)
    behind = items("background", background)
    watched = _Watched(module)
    return collect_from(
        module,
        _by_document(given, documents),
        run=watched.run,
        path=path,
        background=[[batch] for batch in behind],
        folds=folds,
        seed=seed,
    )


def _by_document(batches: list[Any], documents: Iterable[Any] | None) -> list[list[Any]]:
    if documents is None:
        return [[batch] for batch in batches]
    # An entry of a tensor is a tensor, equal to no other as a key.
    whose = items("documents", getattr(documents, "tolist", lambda: documents)())
    if len(whose) != len(batches):
        raise InvalidInputError(
            f"`documents` must have one entry for each batch, {len(batches)}. Got {len(whose)}."
        )
    found: dict[Any, list[Any]] = {}
    for document, batch in zip(whose, batches, strict=True):
        if not isinstance(document, Hashable) or hasattr(document, "is_inference"):
            raise InvalidTypeError(
                "`documents` must be names or numbers, equal ones for the batches of a document. "
                f"Got a {type(document).__name__}."
            )
        found.setdefault(document, []).append(batch)
    return list(found.values())


def _mask_of(module: Any, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """Return which tokens of a batch count, of the argument ``attention_mask``; None for all.

    Raises
    ------
    InvalidInputError
        Where it is not of 1 for a token that counts and 0 for another, or there are two kinds of
        tokens.
    """
    import torch

    places = signature(module.forward).parameters
    given = dict(zip(places, arguments, strict=False)) | dict(named)
    if (found := given.get("attention_mask")) is None:
        return None
    mask = torch.as_tensor(found)
    if mask.ndim != 2 or not bool(((mask == 0) | (mask == 1)).all()) or not bool(mask.any()):
        raise InvalidInputError(
            "`attention_mask` must have a row for each text, with 1 for a token that counts and 0 "
            f"for one that does not. Got the shape {tuple(mask.shape)}, with numbers from "
            f"{float(mask.min()):g} to {float(mask.max()):g}. {_ALONE}"
        )
    if not bool(mask.all()) and any(name.startswith("decoder_") for name in places):
        raise InvalidInputError(
            f"This {type(module).__name__} has tokens of an encoder and of a decoder, and which of "
            f"them `attention_mask` leaves out is not known for each layer. {_ALONE}"
        )
    return mask != 0


@dataclass(eq=False)
class _Watched:
    """A module with the layers whose inputs are collected."""

    module: Any
    _add: Callable[..., None] | None = None
    _mask: Any = None
    # The last tensor that was seen, which change of it, and its rows: queries, keys and values have
    # the same.
    _last: tuple[Any, int, Any] | None = None
    names: dict[Any, list[tuple[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from pastur.torch._layers.inputs import input_axes
        from pastur.torch._layers.owners import Owners

        owners = Owners(self.module)
        for entry in open_weights(self.module).entries:
            users = [] if entry.unreadable else owners.users(entry.name)
            axes = [input_axes(layer, word) for _, layer, word in users]
            # A table that is also an output layer has inputs of two kinds.
            if axes and all(axes):
                for (_, layer, _), lies in zip(users, axes, strict=True):
                    self.names.setdefault(layer, []).append((entry.name, lies))
        if not self.names:
            kind = type(self.module).__name__
            raise InvalidInputError(
                f"This {kind} has no Linear, Conv2d or Conv1D whose inputs could be collected."
            )

    def run(self, document: list[Any], add: Callable[..., None]) -> None:
        """Run the module on the batches of a document."""
        import torch

        # Not `inference_mode`, whose tensors do not count their changes.
        with self._hooked(add), torch.no_grad():
            for batch in document:
                arguments = () if isinstance(batch, Mapping) else batch
                arguments = arguments if isinstance(arguments, tuple) else (arguments,)
                named = dict(batch) if isinstance(batch, Mapping) else {}
                self._mask = _mask_of(self.module, arguments, named)
                self.module(*arguments, **named)
                self._mask, self._last = None, None

    @contextmanager
    def _hooked(self, add: Callable[..., None]) -> Iterator[None]:
        import torch

        self._add = add
        # A compiled module would compile it as well.
        see = torch.compiler.disable(self._see)
        handles = [layer.register_forward_pre_hook(see, with_kwargs=True) for layer in self.names]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._add, self._mask, self._last = None, None, None

    def _see(self, layer: Any, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        import torch

        assert self._add is not None
        x = next(iter((*arguments, *named.values())), None)
        if not isinstance(x, torch.Tensor):
            raise InvalidTypeError(
                f"The layer of {shown(self.names[layer][0][0])} is given a {type(x).__name__}, not "
                "a tensor. A batch must be what the module takes: a tensor, a tuple of its "
                "arguments or a dictionary of them."
            )
        for name, axes in self.names[layer]:
            self._add(name, self._rows(layer, x, axes), axes=axes)

    def _rows(self, layer: Any, x: Any, axes: str) -> Any:
        from pastur.torch._layers.inputs import input_rows

        if axes == "oiss":
            return input_rows(layer, x)
        # Residual sums are often written into the same tensor; what was made in inference mode
        # cannot be written to here.
        version = 0 if x.is_inference() else x._version
        if self._last is None or self._last[0] is not x or self._last[1] != version:
            self._last = (x, version, input_rows(layer, x, self._mask))
        return self._last[2]
