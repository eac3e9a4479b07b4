"""A compressed model loaded into a module of the dense one."""

from collections.abc import Mapping
from typing import Any

from pastur._checks import needed
from pastur._errors import InvalidInputError
from pastur._files import PathLike
from pastur._foreign import some_of
from pastur._typing import AnyArray
from pastur.compression._matrix.parts import CODES, LEFT, RIGHT, joined, wholes
from pastur.compression._source.checkpoint import open_checkpoint


def load_compressed(module: Any, path: PathLike) -> Any:
    """Load what `apply_compression` wrote, or the saved state of a compressed module.

    Layers of which the file has factors are replaced first, as by `compress`; where a layer is of
    another class, or is stored as codes, its weight gets the product or the decoded numbers. Every
    tensor must be in the file, and everything in the file must have its place.

    Parameters
    ----------
    module : torch.nn.Module
        The architecture, with any numbers; nothing of them is kept.
    path : path
        A safetensors, PyTorch or ``.npz`` file, or a folder.

    Returns
    -------
    torch.nn.Module
        The same module.

    Raises
    ------
    FileAccessError, FileFormatError
        When the file cannot be read.
    InvalidInputError
        When module and file do not go together. The module is then as it was.
    MissingExtraError
        When PyTorch is not installed.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> import pastur
    >>> _ = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(30, 60), nn.ReLU(), nn.Linear(60, 40))
    >>> import tempfile
    >>> plan = pastur.plan_compression(pastur.analyze(module), module, target={"size": 0.5})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = pastur.apply_compression(plan, module, f"{folder}/small.safetensors")
    ...     loaded = pastur.torch.load_compressed(module, done.path)
    >>> sum(p.numel() for p in module.parameters())
    1620
    """
    with needed("pastur.torch.load_compressed", "torch", "torch"):
        from pastur.torch._layers.owners import Owners, as_parameter, check_module
    check_module(module)
    stored = open_checkpoint(path).stored
    names = [entry.name for entry in stored.entries if not entry.unreadable]
    owners = Owners(module)
    found = {
        name: ends for name, ends in wholes(names).items() if owners.parameter(name) is not None
    }
    factored = {
        name for name, ends in found.items() if CODES not in ends and not owners.cannot_factor(name)
    }
    parts = {f"{name}{end}" for name, ends in found.items() for end in ends}
    arrays: dict[str, AnyArray] = {name: stored.read(name) for name in names if name not in parts}
    arrays |= {
        name: joined(name, ends, stored.read)
        for name, ends in found.items()
        if name not in factored
    }
    factors = {
        name: tuple(as_parameter(stored.read(f"{name}{end}")) for end in (LEFT, RIGHT))
        for name in factored
    }
    _check_all(module, owners, arrays, factors)
    for name, sides in factors.items():
        owners.put_factors(name, *sides)
    for name, array in arrays.items():
        owners.put_dense(name, as_parameter(array))
    return module


def _check_all(
    module: Any, owners: Any, arrays: Mapping[str, AnyArray], factors: Mapping[str, Any]
) -> None:
    """Raise unless the file has all tensors of the module, in their shapes, and no others."""
    state = dict(module.state_dict(keep_vars=True))
    given = {name: tuple(array.shape) for name, array in arrays.items()}
    for name, (left, right) in factors.items():
        given[name] = (left.shape[0], *right.shape[1:])
    # A tensor of two names may be stored under one of them.
    places = {name: owners.parameter(name) for name in given}
    there = {id(place) for place in places.values()}
    missing = [name for name, value in state.items() if id(value) not in there]
    # A buffer that newer versions of a module no longer save has its place in it all the same.
    unknown = [name for name, place in places.items() if place is None]
    wrong = [
        name
        for name, place in places.items()
        if place is not None and tuple(place.shape) != given[name]
    ]
    faults = [
        f"{what}: {some_of(some)}"
        for what, some in (
            ("not in the file", missing),
            ("not in the module", unknown),
            ("of another shape", wrong),
        )
        if some
    ]
    if faults:
        raise InvalidInputError(
            f"Module and file do not go together: {'; '.join(faults)}. Nothing was loaded."
        )
