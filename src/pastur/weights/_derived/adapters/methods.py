"""Every method that is computed, and the entries of configurations that change nothing."""

from pastur._foreign import shown, some_of
from pastur.weights._derived.adapters.adalora import ADALORA
from pastur.weights._derived.adapters.contract import Layer, Method, RefusedError
from pastur.weights._derived.adapters.lora import LORA, LORA_OF_EMBEDDING
from pastur.weights._derived.adapters.lycoris import LOHA, LOKR
from pastur.weights._derived.adapters.orthogonal import BOFT, OFT
from pastur.weights._derived.adapters.scaling_vectors import IA3, VERA
from pastur.weights._derived.adapters.settings import Settings

# A new method is a line here. What is not here is refused.
METHODS: tuple[Method, ...] = (LORA, LORA_OF_EMBEDDING, ADALORA, LOHA, LOKR, OFT, BOFT, VERA, IA3)

# What says where an adapter is, not what it does; or what its tensors show by themselves.
_NEUTRAL = frozenset(
    "peft_type auto_mapping base_model_name_or_path revision inference_mode task_type peft_version "
    "target_modules exclude_modules layers_to_transform layers_pattern modules_to_save bias".split()
)
# Methods that put something in front of the inputs, or change vectors alone.
WITHOUT_MATRICES = frozenset(
    "PROMPT_TUNING MULTITASK_PROMPT_TUNING P_TUNING PREFIX_TUNING ADAPTION_PROMPT CPT CARTRIDGE "
    "LN_TUNING".split()
)


def check_settings(settings: Settings) -> None:
    """Refuse a configuration of an unknown method, or with an unknown entry that is set.

    Raises
    ------
    RefusedError
    """
    kind = settings.peft_type
    known = {method.peft_type for method in METHODS}
    if kind and kind not in known:
        raise RefusedError(
            f"is of the type {shown(kind)}, and computed are {', '.join(sorted(known))}"
        )
    fields = _NEUTRAL.union(*(m.fields for m in METHODS if kind in ("", m.peft_type)))
    unknown = [key for key, value in settings.entries.items() if value and key not in fields]
    if unknown:
        raise RefusedError(
            f"is configured by {some_of(unknown)}, which may change what it does and is not known"
        )


def method_of(layer: Layer) -> Method:
    """Return the method by which a layer is changed.

    Raises
    ------
    RefusedError
        When its tensors are those of none, or of another than its configuration says.
    """
    roles = frozenset(layer.roles)
    kind = layer.settings.peft_type
    for method in METHODS:
        if method.takes(roles) and kind in ("", method.peft_type):
            return method
    held = ", ".join(sorted(roles))
    raise RefusedError(
        f"holds {held} for the layer {layer.name!r}, which is not what a layer of "
        f"{kind or 'any method that is computed'} consists of"
    )
