"""Which matrix of its layer an adapter changes, where a configuration names parameters."""

from pastur.weights._derived.adapters.contract import Layer, RefusedError

_ENTRY = "target_parameters"


def parameters_of(layer: Layer) -> tuple[str, ...]:
    """Return the matrix that is changed: "" for the layer's own weight, several where only shapes
    show which of them it is.

    Several parameters of one module have an adapter each, one within the other, in an order that
    the file does not state it.
    """
    table = layer.settings.entries.get(_ENTRY) or ()
    if not isinstance(table, (list, tuple)):
        raise RefusedError(f"names its {_ENTRY} in no list")
    every = not layer.settings.says("target_modules")
    found = {
        word
        for one in table
        for module, _, word in [str(one).rpartition(".")]
        if f".{layer.name}".endswith(f".{module}") or (every and not module)
    }
    return tuple(sorted(found)) or ("",)
