"""Adapters as others than PEFT write them, patterns, names in the base, and what is refused."""

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from pastur._typing import AnyArray
from pastur.weights import Weights, open_weights
from pastur.weights._derived.adapters import bounded_patterns
from pastur.weights._derived.adapters.bounded_patterns import PatternError, Steps, names_layer

RNG = np.random.default_rng(5)


def numbers(*shape: int) -> AnyArray:
    return RNG.standard_normal(shape).astype(np.float32)


def readable(weights: Weights) -> dict[str, tuple[int, ...]]:
    return {entry.name: entry.shape for entry in weights.entries if not entry.unreadable}


def reasons(weights: Weights) -> dict[str, str]:
    return {entry.name: entry.unreadable for entry in weights.entries}


def folder_of(path: Path, tensors: Mapping[str, AnyArray], config: Mapping[str, Any]) -> Path:
    path.mkdir()
    save_file(dict(tensors), path / "adapter_model.safetensors")
    (path / "adapter_config.json").write_text(json.dumps(config))
    return path


A, B = numbers(2, 6), numbers(5, 2)
PEFT = {"base_model.model.fc.lora_A.weight": A, "base_model.model.fc.lora_B.weight": B}


# --- kohya and LyCORIS ---


def test_kohya_with_a_base_of_dotted_names() -> None:
    down, up = numbers(2, 6), numbers(5, 2)
    adapter = {
        "lora_unet_down_blocks_0_to_q.lora_down.weight": down,
        "lora_unet_down_blocks_0_to_q.lora_up.weight": up,
        "lora_unet_down_blocks_0_to_q.alpha": np.float32(1),
        "lora_te_text_model_fc1.lora_down.weight": down,
        "lora_te_text_model_fc1.lora_up.weight": up,
    }
    base = {"down_blocks.0.to_q.weight": numbers(5, 6), "other.weight": numbers(5, 6)}
    weights = open_weights(adapter, base=base)
    expected = base["down_blocks.0.to_q.weight"] + 0.5 * (up.astype(float) @ down)
    np.testing.assert_allclose(weights.read("down_blocks.0.to_q.weight"), expected, rtol=1e-12)
    said = reasons(weights)
    assert said["lora_te_text_model_fc1.weight"] == "is not in the base"
    assert said["other.weight"] != "is not changed by the adapter"


def test_an_alpha_of_nothing_is_the_rank() -> None:
    adapter = {"l.lora_down.weight": A, "l.lora_up.weight": B, "l.alpha": np.float32(0)}
    np.testing.assert_allclose(open_weights(adapter).read("l.weight"), B.astype(float) @ A)


def test_a_core_between_the_factors() -> None:
    down, core, up = numbers(2, 3, 1, 1), numbers(4, 2, 3, 3), numbers(5, 4, 1, 1)
    adapter = {"c.lora_down.weight": down, "c.lora_mid.weight": core, "c.lora_up.weight": up}
    change = np.zeros((5, 3, 3, 3))
    for o, i, r, s in np.ndindex(5, 3, 4, 2):
        change[o, i] += float(up[o, r, 0, 0]) * core[r, s] * float(down[s, i, 0, 0])
    weights = open_weights(adapter, base={"c.weight": np.zeros((5, 3, 3, 3))})
    np.testing.assert_allclose(weights.read("c.weight"), change, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_magnitudes_of_kohya_by_outputs_and_by_inputs(axis: int) -> None:
    kernel, down, up = numbers(5, 3, 3, 3), numbers(2, 3, 3, 3), numbers(5, 2, 1, 1)
    sizes = [1, 1, 1, 1]
    sizes[axis] = kernel.shape[axis]
    scale = np.abs(numbers(*sizes)) + 1
    adapter = {"c.lora_down.weight": down, "c.lora_up.weight": up, "c.dora_scale": scale}
    product = up.reshape(5, 2).astype(float) @ down.reshape(2, -1).astype(float)
    whole = kernel + product.reshape(kernel.shape)
    read = open_weights(adapter, base={"c.weight": kernel}).read("c.weight")
    for k in range(kernel.shape[axis]):
        part = np.take(whole, k, axis)
        np.testing.assert_allclose(
            np.take(read, k, axis), scale.reshape(-1)[k] * part / np.linalg.norm(part), rtol=1e-6
        )
    with pytest.raises(ValueError, match="without the base"):
        open_weights(adapter)


def test_products_of_lycoris_with_their_alpha() -> None:
    one, two = (numbers(5, 2), numbers(2, 6)), (numbers(5, 2), numbers(2, 6))
    loha = {
        "h.hada_w1_a": one[0],
        "h.hada_w1_b": one[1],
        "h.hada_w2_a": two[0],
        "h.hada_w2_b": two[1],
        "h.alpha": np.float32(1),
    }
    expected = 0.5 * (one[0] @ one[1]) * (two[0] @ two[1])
    np.testing.assert_allclose(open_weights(loha).read("h.weight"), expected, rtol=1e-5)
    w1, w2 = numbers(2, 3), numbers(4, 5)
    lokr = {"k.lokr_w1": w1, "k.lokr_w2": w2, "k.alpha": np.float32(7)}
    expected = np.block([[w1[i, j] * w2 for j in range(3)] for i in range(2)])
    # Two whole factors have no rank, and LyCORIS then takes no alpha.
    np.testing.assert_allclose(open_weights(lokr).read("k.weight"), expected, rtol=1e-6)


# --- diffusers ---


@pytest.mark.parametrize(
    ("written", "layer"),
    [
        ("unet.mid.attn1.processor.to_q_lora.{}.weight", "unet.mid.attn1.to_q"),
        ("unet.mid.attn1.processor.to_out_lora.{}.weight", "unet.mid.attn1.to_out.0"),
        (
            "text_encoder.layers.0.self_attn.to_v_lora.{}.weight",
            "text_encoder.layers.0.self_attn.v_proj",
        ),
        (
            "text_encoder.layers.0.q_proj.lora_linear_layer.{}.weight",
            "text_encoder.layers.0.q_proj",
        ),
        ("unet.mid.to_k.lora.{}.weight", "unet.mid.to_k"),
    ],
)
def test_older_names(written: str, layer: str) -> None:
    adapter = {written.format("down"): A, written.format("up"): B}
    base = {f"{layer.partition('.')[2]}.weight": numbers(5, 6)}
    weights = open_weights(adapter, base=base)
    ((name, value),) = base.items()
    np.testing.assert_allclose(weights.read(name), value + B.astype(float) @ A, rtol=1e-12)
    assert list(readable(open_weights(adapter))) == [f"{layer}.weight"]


def test_the_scale_in_the_metadata_of_diffusers(tmp_path: Path) -> None:
    tensors = {
        f"{part}.x.to_q.lora_{f}.weight": value
        for part in ("unet", "text_encoder")
        for f, value in (("A", A), ("B", B))
    }
    table = {"unet.r": 2, "unet.lora_alpha": 6, "unet.alpha_pattern": {"^x.to_q": 8}}
    table |= {"text_encoder.lora_alpha": 1, "text_encoder.r": 2}
    path = tmp_path / "pytorch_lora_weights.safetensors"
    save_file(tensors, path, {"lora_adapter_metadata": json.dumps(table)})
    weights = open_weights(path)
    product = B.astype(float) @ A
    np.testing.assert_allclose(weights.read("unet.x.to_q.weight"), 4 * product)
    np.testing.assert_allclose(weights.read("text_encoder.x.to_q.weight"), product / 2)


# --- names in the base ---


@pytest.mark.parametrize(
    ("layer", "held"),
    [
        ("transformer.h.0.fc", "h.0.fc.weight"),
        ("h.0.fc", "transformer.h.0.fc.weight"),
        ("model.layers.1.q", "layers.1.q.weight"),
    ],
)
def test_a_base_without_its_outermost_module(tmp_path: Path, layer: str, held: str) -> None:
    tensors = {
        f"base_model.model.{layer}.lora_A.weight": A,
        f"base_model.model.{layer}.lora_B.weight": B,
    }
    folder = folder_of(tmp_path / "a", tensors, {"peft_type": "LORA", "lora_alpha": 2})
    base = {held: numbers(5, 6), "other.weight": numbers(5, 6)}
    weights = open_weights(folder, base=base)
    np.testing.assert_allclose(weights.read(held), base[held] + B.astype(float) @ A, rtol=1e-12)
    assert reasons(weights)["other.weight"] == "is not changed by the adapter"


def test_two_places_for_one_name_are_none(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a", PEFT, {"lora_alpha": 2})
    base = {"x.fc.weight": numbers(5, 6), "y.fc.weight": numbers(5, 6)}
    said = reasons(open_weights(folder, base=base))
    assert said["fc.weight"] == "is not in the base"
    assert "is not changed by the adapter" not in said.values()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.zeros((5, 6), np.int8), "is of type int8 in the base"),
        (numbers(3, 10), r"shape \(3, 10\) in the base, which the change of shape \(5, 6\)"),
        (numbers(30), r"shape \(30,\) in the base"),
    ],
)
def test_a_base_that_cannot_be_changed_so(tmp_path: Path, value: AnyArray, reason: str) -> None:
    folder = folder_of(tmp_path / "a", PEFT, {"lora_alpha": 2})
    said = reasons(open_weights(folder, base={"fc.weight": value}))
    assert re.search(reason, said["fc.weight"])


def test_stacks_of_square_matrices_tell_no_orientation(tmp_path: Path) -> None:
    tensors = {
        "base_model.model.mlp.experts.lora_A.weight": numbers(4, 6),
        "base_model.model.mlp.experts.lora_B.weight": numbers(6, 4),
    }
    config = {"r": 2, "lora_alpha": 2, "target_parameters": ["experts.up"], "target_modules": []}
    folder = folder_of(tmp_path / "a", tensors, config)
    said = reasons(open_weights(folder, base={"mlp.experts.up": numbers(2, 6, 6)}))
    assert "which may keep outputs or inputs first" in said["mlp.experts.up"]


@pytest.mark.parametrize("scaled", [False, True])
def test_a_base_of_codes(tmp_path: Path, scaled: bool) -> None:
    """The rounding of a quantised base stays where the change is added, and only there."""
    codes = RNG.integers(-127, 128, (5, 6)).astype(np.int8)
    base = {"fc.weight": codes, "fc.weight_scale": np.full((5, 1), 0.01, np.float32)}
    tensors = {"base_model.model.fc.ia3_l": numbers(5, 1)} if scaled else PEFT
    config = {"peft_type": "IA3"} if scaled else {"peft_type": "LORA", "lora_alpha": 2}
    weights = open_weights(folder_of(tmp_path / "a", tensors, config), base=base)
    below = 0.01 * codes
    expected = below * tensors["base_model.model.fc.ia3_l"] if scaled else below + B @ A
    np.testing.assert_allclose(weights.read("fc.weight"), expected, rtol=1e-5, atol=1e-5)
    assert weights.steps is not None
    steps = weights.steps("fc.weight")
    if scaled:
        assert steps is None
    else:
        assert steps is not None and np.allclose(steps, 0.01**2 / 12)


# --- what is saved whole ---


def test_what_is_saved_whole(tmp_path: Path) -> None:
    head = numbers(7, 4)
    tensors = PEFT | {
        "base_model.model.head.modules_to_save.weight": head,
        "base_model.model.head.original_module.weight": numbers(7, 4),
        "base_model.model.new.weight": numbers(9, 3),
        "base_model.model.fc.bias": numbers(5),
    }
    config = {"peft_type": "LORA", "lora_alpha": 2, "modules_to_save": ["head", "new"]}
    folder = folder_of(tmp_path / "a", tensors, config)
    base = {"fc.weight": numbers(5, 6), "head.weight": numbers(7, 4), "fc.bias": numbers(5)}
    weights = open_weights(folder, base=base)
    np.testing.assert_array_equal(weights.read("head.weight"), head)
    assert readable(weights).keys() == {"fc.weight", "fc.bias", "head.weight", "new.weight"}
    alone = open_weights(folder)
    assert readable(alone).keys() == {"fc.weight"}
    said = reasons(alone)["base_model.model.head.modules_to_save.weight"]
    assert "what it changes is not known without it" in said


def test_a_module_saved_whole_has_parts(tmp_path: Path) -> None:
    stem = "base_model.model.head.modules_to_save"
    tensors = PEFT | {f"{stem}.dense.weight": A, f"{stem}.default.out.weight": B}
    folder = folder_of(tmp_path / "a", tensors, {"lora_alpha": 2})
    weights = open_weights(folder, base={"fc.weight": numbers(5, 6)})
    assert readable(weights).keys() == {"fc.weight", "head.dense.weight", "head.out.weight"}


def test_an_embedding_that_is_saved_with_its_change(tmp_path: Path) -> None:
    first, second, own = numbers(2, 9), numbers(4, 2), numbers(9, 4)
    tensors = {
        "base_model.model.wte.lora_embedding_A": first,
        "base_model.model.wte.lora_embedding_B": second,
        "base_model.model.wte.base_layer.weight": own,
    }
    folder = folder_of(tmp_path / "a", tensors, {"lora_alpha": 4})
    weights = open_weights(folder, base={"wte.weight": numbers(9, 4)})
    expected = own + 2 * (second.astype(float) @ first).T
    np.testing.assert_allclose(weights.read("wte.weight"), expected, rtol=1e-12)


@pytest.mark.parametrize("shapes", [((0, 6), (5, 0)), ((0,), (0,)), ((2, 0), (5, 2))])
def test_factors_without_entries(shapes: tuple[tuple[int, ...], ...]) -> None:
    names = ("fc.lora_A.weight", "fc.lora_B.weight")
    tensors = dict(zip(names, map(np.zeros, shapes), strict=True))
    assert "has factors that do not fit" in reasons(open_weights(tensors))["fc.weight"]
    both = {f"fc.lora_embedding_{k}": v for k, v in zip("AB", tensors.values(), strict=True)}
    if shapes[0] != (2, 0):
        assert "has factors that do not fit" in reasons(open_weights(both))["fc.weight"]


# --- patterns ---


@pytest.mark.parametrize(
    "key",
    [
        "q_proj",
        "q.proj",
        "proj",
        r".*\.layers\.3\..*(q_proj|k_proj)",
        "(k_proj|v_proj)",
        r"layers\.\d+\.self_attn\.[a-q]_proj",
        r"layers\.\d{2,}\.self_attn\.q_proj",
        "^model.layers.3.self_attn.q_proj",
        "^layers.3.self_attn.q_proj",
        "q_proj$",
        r"\w+",
        "[^q]_proj",
        "q_?proj|zzz",
        "(?:self|cross)_attn.q_proj",
        "(q|k)+_proj",
        "(a*)*q_proj",
        "q_pro.{1}",
        "q_proj|v_proj.weight",
        r".*?q_proj\Z",
        "",
        r"\S*\D3\W.*",
    ],
)
def test_patterns_match_as_peft_matches_them(key: str) -> None:
    for layer in ("model.layers.3.self_attn.q_proj", "model.layers.31.self_attn.k_proj", "q_proj"):
        expected = re.match(rf"(.*\.)?({key})$", layer) is not None
        assert names_layer(key, layer, Steps()) == expected


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("(", "is not a regular expression"),
        ("a)|(b", "is not a regular expression"),
        ("(?i)q", "sets flags"),
        (r"(q?)\1", "only Python's own machine"),
        ("(?=q)q", "only Python's own machine"),
        (r"\bq", "only Python's own machine"),
        ("q?" * 1000, "more than 1000 characters"),
        ("(((q?){999}){999}){999}", "too many steps"),
    ],
)
def test_other_patterns_are_refused(tmp_path: Path, key: str, reason: str) -> None:
    with pytest.raises(PatternError, match=reason):
        names_layer(key, "model.q_proj", Steps())
    config = {"lora_alpha": 2, "alpha_pattern": {key: 3}}
    if "steps" not in reason:
        with pytest.raises(
            ValueError, match=rf"in `alpha_pattern` of adapter_config.json.*{reason}"
        ):
            open_weights(folder_of(tmp_path / "a", PEFT, config))


@pytest.mark.parametrize("key", ["(a*)*b", "(a+)+b", "(a|a)*b", "(.*)*b", "((a?)*)*b", ".*.*.*.*b"])
def test_a_pattern_that_would_hang_python_ends(key: str) -> None:
    start = time.perf_counter()
    assert not names_layer(key, "a" * 200, Steps())
    assert time.perf_counter() - start < 60


@pytest.mark.lengthy
def test_patterns_by_the_hundred_take_no_time(tmp_path: Path) -> None:
    """As many patterns as layers, each a layer's name; and hostile ones for all."""
    layers = [f"layers.{k}.{part}" for k in range(60) for part in ("q", "k", "v", "o", "up")]
    tensors = {f"base_model.model.{n}.lora_{f}.weight": A for n in layers for f in "A"}
    tensors |= {f"base_model.model.{n}.lora_B.weight": B for n in layers}
    config = {"lora_alpha": 2, "alpha_pattern": {name: k for k, name in enumerate(layers)}}
    start = time.perf_counter()
    weights = open_weights(folder_of(tmp_path / "a", tensors, config))
    expected = layers.index("layers.9.v") / 2 * B.astype(float) @ A
    np.testing.assert_allclose(weights.read("layers.9.v.weight"), expected)
    config["alpha_pattern"] = {f"((a|a{k})*.*)*.*.*b": 1 for k in range(1000)}
    with pytest.raises(ValueError, match="takes too many steps to match"):
        open_weights(folder_of(tmp_path / "b", tensors, config))
    assert time.perf_counter() - start < 120


# --- what is refused as a whole ---


@pytest.mark.parametrize(
    ("tensors", "config", "reason"),
    [
        ({"x.lora_A": A}, {}, "holds lora_A for the layer 'x'"),
        ({"x.lora_magnitude_vector": B}, {}, "holds lora_magnitude_vector for the layer 'x'"),
        ({"fc.lora_A": A}, {}, "holds lora_A of the layer 'fc' twice"),
        ({"fc.oft_r": numbers(2, 3)}, {}, "holds .*oft_r"),
        ({"x.hada_w1_a": A}, {}, "holds hada_w1_a"),
        ({"x.lora_a": A.T.copy(), "x.lora_b": B}, {}, "holds lora_a, lora_b"),
        ({"lycoris_x.a1.weight": A}, {}, "holds 'lycoris_x.a1.weight'"),
        ({"other.table": A}, {}, "holds 'other.table', which are not known"),
        ({"fc2.alpha": numbers(1)}, {}, "holds 'fc2.alpha', which are not known"),
        ({"base_model.model.g.base_layer.weight": A}, {}, "lies unmerged within a whole model"),
        (PEFT, {"peft_type": "HRA"}, "is of the type 'HRA'"),
        (PEFT, {"peft_type": "a new one"}, "is of the type 'A NEW ONE'"),
        (PEFT, {"peft_type": "LOHA"}, ".* is not what a layer of LOHA consists of"),
        (PEFT, {"use_qalora": True}, "is configured by 'use_qalora'"),
        (PEFT, {"a_new_switch": 3}, "is configured by 'a_new_switch'"),
        (PEFT, {"trainable_token_indices": [1]}, "is configured by 'trainable_token_indices'"),
        (PEFT, {"layer_replication": [[0, 1]]}, "is configured by 'layer_replication'"),
        (PEFT, {"use_dora": True}, "has DoRA's magnitudes, and its configuration"),
        (PEFT, {"target_parameters": "fc"}, "names its target_parameters in no list"),
        (
            PEFT,
            {"lora_alpha": 2, "init_lora_weights": "loftq"},
            "starts from .* taken out of the base",
        ),
    ],
)
def test_refused_as_a_whole(
    tmp_path: Path, tensors: dict[str, AnyArray], config: Mapping[str, Any], reason: str
) -> None:
    whole = (PEFT | tensors) if tensors is not PEFT else PEFT
    folder = folder_of(tmp_path / "a", whole, config or {"lora_alpha": 2})
    for base in (None, {"fc.weight": numbers(5, 6)}):
        with pytest.raises(ValueError, match=f"is not computed: it is an adapter which {reason}"):
            open_weights(folder, base=base)


def test_two_adapters_in_one_file_are_refused() -> None:
    tensors = {
        f"fc.lora_{f}.{name}.weight": value
        for name in ("one", "two")
        for f, value in (("A", A), ("B", B))
    }
    with pytest.raises(ValueError, match="is one of 2 in the file: 'one', 'two'"):
        open_weights(tensors)


def test_unset_entries_of_newer_versions_are_passed_over(tmp_path: Path) -> None:
    config: dict[str, Any] = {"lora_alpha": 2, "a_new_switch": None, "another": False, "third": {}}
    assert readable(open_weights(folder_of(tmp_path / "a", PEFT, config)))


def test_a_grouped_convolution_has_no_change_of_its_shape(tmp_path: Path) -> None:
    tensors = {
        "base_model.model.c.lora_A.weight": numbers(4, 6, 3, 3),
        "base_model.model.c.lora_B.weight": numbers(8, 2, 1, 1),
    }
    folder = folder_of(tmp_path / "a", tensors, {"lora_alpha": 2})
    said = reasons(open_weights(folder, base={"c.weight": numbers(8, 3, 3, 3)}))
    assert "is of a convolution in 2 groups" in said["c.weight"]


def test_a_configuration_of_another_folder_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"lora_alpha": 200}))
    monkeypatch.chdir(tmp_path)
    tensors = {"fc.lora_A.weight": A, "fc.lora_B.weight": B}
    np.testing.assert_allclose(open_weights(tensors).read("fc.weight"), B.astype(float) @ A)


def test_prompts_change_no_matrix(tmp_path: Path) -> None:
    for kind in ("PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING"):
        folder = folder_of(
            tmp_path / kind, {"prompt_embeddings": numbers(8, 16)}, {"peft_type": kind}
        )
        with pytest.raises(ValueError, match="changes no matrix"):
            open_weights(folder)


def test_a_pattern_that_a_later_python_may_read_otherwise_is_no_warning() -> None:
    assert names_layer("[[a]", "b.a", Steps())
    assert not names_layer("[[a]", "b.c", Steps())


def test_a_thousand_patterns_are_parsed_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    parser: Any = vars(bounded_patterns)["_parser"]
    parse = parser.parse

    def counted(key: str) -> Any:
        parsed.append(key)
        return parse(key)

    monkeypatch.setattr(parser, "parse", counted)
    keys = [rf"none\.{i}" for i in range(1000)]
    steps = Steps()
    for layer in ("a.b", "c.d", "e.f"):
        assert not any(names_layer(key, layer, steps) for key in keys)
    assert len(parsed) == 1000
    parsed.clear()
    assert not any(names_layer(f"plain.{i}", "a.b", steps) for i in range(1000))
    assert names_layer("plain", "a.plain", steps)
    assert not parsed
