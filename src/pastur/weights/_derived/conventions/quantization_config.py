"""What the configuration next to a model says about the packing of its weights."""

from collections.abc import Mapping
from typing import Any

from pastur._errors import FileAccessError, FileFormatError
from pastur.weights._hostile.model_config import neighbouring_config
from pastur.weights._places.place import Place

# The file, and the key of the object in it that states it; empty: the whole file.
_PLACES = (
    ("config.json", "quantization_config"),
    ("config.json", "compression_config"),
    ("config.json", "quantization"),
    ("hf_quant_config.json", "quantization"),
    ("quantize_config.json", ""),
    ("quant_config.json", ""),
)


def quantization_config(path: Place | None) -> Mapping[str, Any]:
    """Return the first configuration of a packing next to a model; empty where there is none."""
    if path is None:
        return {}
    for file, key in _PLACES:
        try:
            config = neighbouring_config(path, file)
        except FileAccessError:
            raise
        except (FileFormatError, OSError):
            continue  # What is not certain without it is not read.
        found = config.get(key) if key else config
        if isinstance(found, dict) and found:
            return found
    return {}


def bits_of(config: Mapping[str, Any]) -> int | None:
    """Return how many bits a code has; None where the configuration does not state it."""
    groups = config.get("config_groups")
    schemes = list(groups.values()) if isinstance(groups, dict) else []
    inner = [scheme.get("weights") for scheme in schemes if isinstance(scheme, dict)]
    for item in (config, *(one for one in inner if isinstance(one, dict))):
        for key in ("bits", "num_bits", "w_bit", "nbits", "weight_bits"):
            if type(item.get(key)) is int:
                return int(item[key])
    return None
