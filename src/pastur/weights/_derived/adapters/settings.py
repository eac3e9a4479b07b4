"""The configuration of an adapter: next to its file, or in the metadata that diffusers writes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pastur._errors import FileFormatError
from pastur._foreign import shown
from pastur.weights._derived.adapters.bounded_patterns import PatternError, Steps, names_layer
from pastur.weights._hostile.model_config import neighbouring_config
from pastur.weights.tensors import Weights

_CONFIG = "adapter_config.json"
_METADATA = "lora_adapter_metadata"
_MOST_PATTERNS = 1000


@dataclass(frozen=True)
class Settings:
    """The entries of a configuration; none where there is no configuration.

    Attributes
    ----------
    entries : mapping of str to anything
    prefix : str
        What stands before the names of the layers that they are for, and not in their patterns.
    source : str
        Where they stand, for messages.
    steps : Steps
        What is left for their patterns.
    """

    entries: Mapping[str, Any] = field(default_factory=dict, repr=False)
    source: str = ""
    prefix: str = ""
    steps: Steps = field(default_factory=Steps, repr=False, compare=False)

    def __bool__(self) -> bool:
        return bool(self.entries)

    @property
    def peft_type(self) -> str:
        """PEFT's word for the method, in capitals; empty where it is not stated."""
        value = self.entries.get("peft_type")
        return value.upper() if isinstance(value, str) else ""

    def says(self, key: str) -> bool:
        """Tell whether an entry is set."""
        return bool(self.entries.get(key))

    def text(self, key: str) -> str:
        """Return an entry in small letters; empty where it is not text."""
        value = self.entries.get(key)
        return value.lower() if isinstance(value, str) else ""

    def number(self, key: str, default: float | None = None) -> float:
        """Return an entry that must be a finite number."""
        return self._number(key, self.entries.get(key, default))

    def of_layer(self, key: str, patterns: str, layer: str, default: float | None = None) -> float:
        """Return an entry, or what the first pattern that is the layer's says in its place."""
        table = self.entries.get(patterns) or {}
        if not isinstance(table, Mapping) or len(table) > _MOST_PATTERNS:
            raise FileFormatError(
                f"`{patterns}` of {self.source} is not a dictionary of up to {_MOST_PATTERNS} "
                "patterns."
            )
        for pattern, value in table.items():
            try:
                if names_layer(pattern, layer.removeprefix(self.prefix), self.steps):
                    return self._number(patterns, value)
            except PatternError as error:
                raise FileFormatError(
                    f"The pattern {shown(pattern)} in `{patterns}` of {self.source} {error}. "
                    "Write the names of layers in its place."
                ) from None
        return self.number(key, default)

    def _number(self, key: str, value: Any) -> float:
        try:
            number = float(value) if type(value) in (int, float) else math.nan
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise FileFormatError(
                f"`{key}` of {self.source} must be a finite number. Got {shown(value)}."
            )
        return number


@dataclass(frozen=True)
class AllSettings:
    """The settings of a file: by the prefix of the layers that they are for, longest first."""

    by_prefix: tuple[tuple[str, Settings], ...]

    def of(self, layer: str) -> Settings:
        """Return the settings for a layer, which are none where no prefix is that of its name."""
        found = (settings for prefix, settings in self.by_prefix if layer.startswith(prefix))
        return next(found, Settings())

    def __iter__(self) -> Iterator[Settings]:
        return (settings for _, settings in self.by_prefix)


def settings_of(weights: Weights) -> AllSettings:
    """Return what is configured of an adapter.

    Raises
    ------
    FileFormatError
        When the configuration is damaged.
    """
    steps = Steps(len(weights.entries))
    if weights.place is not None:
        found = neighbouring_config(weights.place, _CONFIG)
        if found:
            return AllSettings((("", Settings(found, _CONFIG, steps=steps)),))
    packed = weights.metadata.get(_METADATA)
    return AllSettings(_from_metadata(packed, steps) if packed else ())


def _from_metadata(text: str, steps: Steps) -> tuple[tuple[str, Settings], ...]:
    try:
        packed = json.loads(text)
    except (ValueError, RecursionError):
        packed = None
    if not isinstance(packed, dict):
        raise FileFormatError(f"The metadata {_METADATA} are not a JSON object.")
    tables: dict[str, dict[str, Any]] = {}
    for key, value in packed.items():
        prefix, dot, word = key.rpartition(".")
        tables.setdefault(f"{prefix}{dot}", {})[word] = value
    pairs = (
        (prefix, Settings(table, _METADATA, prefix, steps)) for prefix, table in tables.items()
    )
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))
