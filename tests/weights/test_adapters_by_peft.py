"""Adapters that PEFT writes, and what PEFT itself merges: the same to float32's rounding."""

import json
import warnings
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur.weights import Matrix, TensorInfo, Weights, iter_matrices, open_weights

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(find_spec("peft") is None, reason="needs peft"),
]


def conv1d(outputs: int, inputs: int) -> Any:
    """GPT-2's linear layer, which keeps inputs first."""
    from transformers.pytorch_utils import Conv1D

    return Conv1D(outputs, inputs)


class Block(torch.nn.Module):
    """A layer of each kind that PEFT adapts."""

    def __init__(self) -> None:
        super().__init__()
        self.wte = torch.nn.Embedding(20, 12)
        self.fc = torch.nn.Linear(12, 18)
        self.square = torch.nn.Linear(18, 18, bias=False)
        self.turned = conv1d(8, 18)
        self.turned_square = conv1d(8, 8)
        self.conv = torch.nn.Conv2d(4, 6, 3)
        self.point = torch.nn.Conv2d(6, 6, 1)
        self.sound = torch.nn.Conv1d(6, 4, 5)
        self.head = torch.nn.Linear(8, 20)
        self.attention = torch.nn.MultiheadAttention(12, 3)

    def forward(self, x: Any) -> Any:
        return x


class Experts(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = torch.nn.Parameter(torch.randn(3, 10, 6))
        self.table = torch.nn.Parameter(torch.randn(7, 9))

    def forward(self, x: Any) -> Any:
        return x


class Mixture(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mlp = Experts()
        self.fc = torch.nn.Linear(6, 6)

    def forward(self, x: Any) -> Any:
        return x


class Config:
    """A configuration of PEFT's, made when it is asked for: the import takes seconds."""

    def __init__(self, kind: str, **fields: Any) -> None:
        self.kind, self.fields = kind, fields

    def made(self) -> Any:
        import peft

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(peft, f"{self.kind}Config")(**self.fields)


def lora(*layers: str, **fields: Any) -> Config:
    return Config("Lora", r=4, lora_alpha=12, target_modules=list(layers), **fields)


def wrapped(model: Block | Mixture, config: Config) -> Any:
    import peft

    return peft.get_peft_model(model, config.made())


LINEAR = ("fc", "square")
TURNED = ("turned", "turned_square")
CONFIGS = {
    "linear": lora(*LINEAR),
    "rank-stabilised": lora(*LINEAR, use_rslora=True),
    "patterns": lora(
        *LINEAR, "conv", alpha_pattern={"f.": 3, "(square|conv)": 50}, rank_pattern={"^fc": 2}
    ),
    "inputs first": lora(*TURNED, fan_in_fan_out=True),
    "convolutions": lora("conv", "point", "sound"),
    "embedding": lora("wte", "fc"),
    "saved whole": lora("fc", modules_to_save=["head"], bias="all"),
    "bias of a factor": lora("fc", lora_bias=True),
    "DoRA": lora(*LINEAR, use_dora=True),
    "DoRA, inputs first": lora(*TURNED, use_dora=True, fan_in_fan_out=True),
    "DoRA, convolutions": lora("conv", "point", "sound", "wte", use_dora=True),
    "PiSSA": lora(*LINEAR, init_lora_weights="pissa"),
    "PiSSA, inputs first": lora(*TURNED, init_lora_weights="pissa", fan_in_fan_out=True),
    "OLoRA": lora(*LINEAR, init_lora_weights="olora"),
    "orthogonal": lora(*LINEAR, init_lora_weights="orthogonal"),
    "MiCA": lora(*LINEAR, init_lora_weights="mica"),
    "gaussian": lora(*LINEAR, init_lora_weights="gaussian"),
    "AdaLoRA": Config(
        "AdaLora", init_r=5, target_r=3, lora_alpha=12, total_step=10, target_modules=list(LINEAR)
    ),
    "AdaLoRA, inputs first": Config(
        "AdaLora",
        init_r=5,
        lora_alpha=12,
        total_step=10,
        fan_in_fan_out=True,
        target_modules=list(TURNED),
    ),
    "LoHa": Config("LoHa", r=3, alpha=6, target_modules=["fc", "conv"], alpha_pattern={"conv": 9}),
    "LoHa, core": Config(
        "LoHa", r=3, alpha=6, use_effective_conv2d=True, target_modules=["conv", "point"]
    ),
    "LoKr": Config("LoKr", r=2, alpha=6, target_modules=["fc", "square", "conv", "point"]),
    "LoKr, core": Config(
        "LoKr",
        r=1,
        alpha=6,
        use_effective_conv2d=True,
        decompose_both=True,
        target_modules=["conv", "fc"],
    ),
    "LoKr, whole factors": Config(
        "LoKr", r=30, alpha=6, target_modules=["fc", "conv"], rank_pattern={"f.": 20}
    ),
    "OFT": Config("OFT", r=0, oft_block_size=3, target_modules=["fc", "square", "conv"]),
    "OFT, exact and shared": Config(
        "OFT",
        r=0,
        oft_block_size=6,
        block_share=True,
        use_cayley_neumann=False,
        target_modules=list(LINEAR),
    ),
    "OFT, few terms": Config(
        "OFT", r=0, oft_block_size=3, num_cayley_neumann_terms=2, target_modules=list(LINEAR)
    ),
    "OFT, near": Config("OFT", r=3, oft_block_size=0, coft=True, eps=0.1, target_modules=["fc"]),
    "BOFT": Config("BOFT", boft_block_size=3, target_modules=["fc", "square", "conv"]),
    "VeRA": Config("Vera", r=4, save_projection=True, target_modules=list(LINEAR)),
    "VeRA, inputs first": Config(
        "Vera", r=4, save_projection=True, fan_in_fan_out=True, target_modules=list(TURNED)
    ),
    "IA3": Config("IA3", target_modules=["fc", "square", "conv"], feedforward_modules=["fc"]),
    "IA3, inputs first": Config(
        "IA3", target_modules=list(TURNED), feedforward_modules=["turned"], fan_in_fan_out=True
    ),
}


def adapted(
    tmp_path: Path, model: Block | Mixture, config: Config
) -> tuple[Path, Path, OrderedDict[str, Any]]:
    """Save a base and an adapter with other numbers than it begins with; merge both in PEFT."""
    torch.manual_seed(0)
    model = model.eval()
    base, folder = tmp_path / "base.pt", tmp_path / "adapter"
    torch.save(model.state_dict(), base)
    whole = wrapped(model, config)
    for value in whole.parameters():
        if value.requires_grad:
            with torch.no_grad():
                value += 0.1 * torch.randn_like(value)
    whole.save_pretrained(folder)
    return base, folder, whole.merge_and_unload().state_dict()


def matrices(weights: Weights) -> dict[str, TensorInfo]:
    return {entry.name: entry for entry in weights.entries if not entry.unreadable}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_matrices_that_peft_merges(tmp_path: Path, config: Config) -> None:
    torch.manual_seed(1)
    original = Block()
    before = {name: value.clone().numpy() for name, value in original.state_dict().items()}
    base, folder, merged = adapted(tmp_path, original, config)
    weights = open_weights(folder, base=base)
    changed = {
        name
        for name, value in merged.items()
        if value.ndim > 1 and not np.allclose(value.numpy(), before[name], rtol=0, atol=1e-5)
    }
    found = matrices(weights)
    assert {name for name, entry in found.items() if len(entry.shape) > 1} == changed
    assert changed
    for name in changed:
        np.testing.assert_allclose(weights.read(name), merged[name], rtol=0, atol=3e-6)
    said = {entry.name: entry.unreadable for entry in weights.entries}
    for name in before:
        if said[name] == "is not changed by the adapter":
            np.testing.assert_array_equal(merged[name], before[name])


@pytest.mark.parametrize("kind", ["linear", "patterns", "convolutions", "AdaLoRA", "LoHa", "LoKr"])
def test_a_change_alone_is_the_difference(tmp_path: Path, kind: str) -> None:
    torch.manual_seed(1)
    model = Block()
    before = {name: value.clone().numpy() for name, value in model.state_dict().items()}
    _, folder, merged = adapted(tmp_path, model, CONFIGS[kind])
    weights = open_weights(folder)
    for name, entry in matrices(weights).items():
        change = merged[name].numpy() - before[name]
        np.testing.assert_allclose(weights.read(name).reshape(change.shape), change, atol=3e-6)
        assert entry.shape[0] == change.shape[0]
    assert matrices(weights)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("DoRA", "scales rows of the base"),
        ("PiSSA", "starts from parts of the base"),
        ("OLoRA", "starts from parts of the base"),
        ("OFT", "rotates the base"),
        ("BOFT", "rotates the base"),
        ("VeRA", "shared projections"),
        ("IA3", "scales the base"),
    ],
)
def test_what_takes_the_base_asks_for_it(tmp_path: Path, kind: str, what: str) -> None:
    torch.manual_seed(1)
    _, folder, _ = adapted(tmp_path, Block(), CONFIGS[kind])
    with pytest.raises(ValueError, match=rf"{what}.*Give that too: `--base MODEL`"):
        open_weights(folder)


@pytest.mark.parametrize("parameter", ["mlp.up", "table"])
def test_parameters_and_stacked_experts(tmp_path: Path, parameter: str) -> None:
    torch.manual_seed(1)
    config = lora(target_parameters=[parameter], rank_pattern={"mlp.up": 2})
    base, folder, merged = adapted(tmp_path, Mixture(), config)
    weights = open_weights(folder, base=base)
    (name,) = (n for n in matrices(weights) if n.startswith("mlp"))
    assert name == f"mlp.{parameter.removeprefix('mlp.')}"
    np.testing.assert_allclose(weights.read(name), merged[name], atol=3e-6)
    alone = open_weights(folder)
    experts = [item for item in iter_matrices(alone) if isinstance(item, Matrix)]
    assert len(experts) == (3 if parameter == "mlp.up" else 1)


def test_two_parameters_of_one_module_are_known_by_their_shapes(tmp_path: Path) -> None:
    torch.manual_seed(1)
    config = lora(target_parameters=["mlp.up", "mlp.table"], alpha_pattern={"mlp.table": 5})
    base, folder, merged = adapted(tmp_path, Mixture(), config)
    weights = open_weights(folder, base=base)
    for name in ("mlp.up", "mlp.table"):
        np.testing.assert_allclose(weights.read(name), merged[name], atol=3e-6)
    with pytest.raises(ValueError, match=r"several parameters of one module.*`--base MODEL`"):
        open_weights(folder)


@pytest.mark.parametrize(
    "config",
    [
        lora("fc", init_lora_weights="pissa_niter_4"),
        lora("attention"),
        lora("fc", trainable_token_indices={"wte": [0, 3]}),
        Config("Vera", r=4, save_projection=False, target_modules=["fc"]),
        Config("HRA", r=2, target_modules=["fc"]),
        Config("FourierFT", n_frequency=10, target_modules=["fc"]),
        Config("TrainableTokens", target_modules=["wte"], token_indices=[1, 2]),
    ],
    ids=lambda config: f"{config.kind} {config.fields.get('init_lora_weights', '')}",
)
def test_what_is_not_computed_is_refused_as_a_whole(tmp_path: Path, config: Config) -> None:
    model = Block()
    folder = tmp_path / "adapter"
    base = {name: value.numpy() for name, value in model.state_dict().items()}
    wrapped(model, config).save_pretrained(folder)
    for beneath in (None, base):
        with pytest.raises(ValueError, match="is not computed: it is an adapter which"):
            open_weights(folder, base=beneath)


@pytest.mark.parametrize("start", ["loftq", "corda", "lora_ga", "a new one"])
def test_a_start_from_what_the_file_does_not_hold_is_refused(tmp_path: Path, start: str) -> None:
    folder = tmp_path / "adapter"
    wrapped(Block(), lora("fc")).save_pretrained(folder)
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"init_lora_weights": start}))
    with pytest.raises(ValueError, match=r"taken out of the base \(init_lora_weights="):
        open_weights(folder)


def test_a_model_with_its_adapter_in_memory_is_refused() -> None:
    model = wrapped(Block(), lora("fc"))
    with pytest.raises(ValueError, match="lies unmerged within a whole model"):
        open_weights(model)
    merged = model.merge_and_unload()
    assert "fc.weight" in matrices(open_weights(merged))
