"""A small language model of transformers, from its inputs to a smaller one on disk."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pastur
import pastur.torch
from pastur.compression import CompressionPlan

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.lengthy

WORDS, LENGTH = 60, 24


def network() -> Any:
    """Two blocks of Llama with grouped queries, weights large enough to say something."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=WORDS,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=LENGTH,
        initializer_range=0.15,
    )
    return transformers.LlamaForCausalLM(config).eval()


def written(model: Any, count: int, seed: int) -> list[Any]:
    """Documents that the model has written itself, a few tokens being frequent."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, 8, (count, 1), generator=generator)
    with torch.no_grad():
        while ids.shape[1] < LENGTH:
            scores = 2 * model(ids).logits[:, -1] - 0.03 * torch.arange(WORDS)
            following = torch.multinomial(scores.softmax(dim=-1), 1, generator=generator)
            ids = torch.cat([ids, following], dim=1)
    return list(ids[:, None])


def loss(model: Any, ids: Any) -> Any:
    return model(input_ids=ids, labels=ids).loss


def losses(model: Any, documents: list[Any]) -> Any:
    with torch.no_grad():
        return np.array([float(loss(model, ids)) for ids in documents])


@pytest.fixture(scope="module")
def model() -> Any:
    return network()


@pytest.fixture(scope="module")
def analysis(model: Any) -> pastur.Analysis:
    return pastur.analyze(model, include="model.layers.*", noise="white")


@pytest.fixture(scope="module")
def inputs(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("tiny") / "inputs.safetensors"
    return pastur.torch.collect_inputs(model, written(model, 24, 1), path=path)


def plan_of(
    analysis: pastur.Analysis, model: Any, inputs: Any, target: dict[str, float], **options: Any
) -> CompressionPlan:
    options = {"method": "outputs"} | options
    return pastur.plan_compression(analysis, model, target=target, inputs=inputs, **options)


def test_a_language_model_from_its_inputs_to_disk(
    model: Any, analysis: pastur.Analysis, inputs: Any, tmp_path: Path
) -> None:
    # Queries, keys and values have one group of inputs.
    groups = {layer.tensor: layer.group for layer in inputs.layers}
    name = "model.layers.1.self_attn.{}_proj.weight".format
    assert groups[name("q")] == groups[name("k")] == groups[name("v")] != groups[name("o")]
    first = plan_of(analysis, model, inputs, {"each": 0.8})
    assert sum(not one.kept for one in first.matrices) == 14
    sensed = written(model, 40, 2)
    found = pastur.torch.attribute_loss(model, first, documents=sensed, loss=loss)
    far = plan_of(analysis, model, inputs, {"size": 0.85}, sensitivities=found)
    assert "no interval: the plan that was measured" in " ".join(str(far).split())
    found = pastur.torch.attribute_loss(model, far, documents=sensed, loss=loss).joined(found)
    plan = plan_of(analysis, model, inputs, {"size": 0.85}, sensitivities=found)
    small = pastur.torch.compress(copy.deepcopy(model), plan)
    # What it loses on documents of which none chose and none was measured.
    fresh = written(model, 150, 3)
    more = float((losses(small, fresh) - losses(model, fresh)).mean())
    assert plan.predicted is not None and plan.predicted.low is not None
    assert 0 < plan.predicted.low <= more <= (plan.predicted.high or 0)
    # Saved, and loaded into the architecture.
    torch.save(small.state_dict(), tmp_path / "small.pt")
    again = pastur.torch.load_compressed(network(), tmp_path / "small.pt")
    with torch.no_grad():
        assert torch.equal(again(fresh[0]).logits, small(fresh[0]).logits)
    # The plan that is stored does the same to the file of the model.
    torch.save(model.state_dict(), tmp_path / "model.pt")
    stored = CompressionPlan.from_json(plan.to_json(tmp_path / "plan.json"))
    done = pastur.apply_compression(stored, tmp_path / "model.pt", tmp_path / "by_file.pt")
    again = pastur.torch.load_compressed(network(), done.path)
    with torch.no_grad():
        torch.testing.assert_close(again(fresh[0]).logits, small(fresh[0]).logits)


def test_a_matrix_is_cut_no_further_than_was_measured(
    model: Any, analysis: pastur.Analysis, inputs: Any
) -> None:
    """A plan that keeps next to all says little of one that leaves next to nothing."""
    sensed = written(model, 8, 2)
    first = plan_of(analysis, model, inputs, {"each": 0.95})
    found = pastur.torch.attribute_loss(model, first, documents=sensed, loss=loss)
    most = {one.name: 4 * one.outputs for one in found.matrices}
    plan = plan_of(analysis, model, inputs, {"loss": 10.0}, sensitivities=found)
    lost = {
        one.name: one.promise.outputs.loss
        for one in plan.matrices
        if one.promise is not None and one.promise.outputs is not None
    }
    assert lost and all(lost[name] <= most[name] for name in lost)
    freely = plan_of(analysis, model, inputs, {"each": 0.3})
    assert any(
        one.promise is not None
        and one.promise.outputs is not None
        and one.promise.outputs.loss > most[one.name]
        for one in freely.matrices
    )


def test_a_direction_that_has_nearly_all_of_the_outputs_is_named(
    model: Any, analysis: pastur.Analysis, tmp_path: Path
) -> None:
    """A first token with massive activations, as in many language models."""
    sink = copy.deepcopy(model)
    with torch.no_grad():
        sink.model.layers[0].mlp.down_proj.weight[:, 0] = 0.0
        sink.model.layers[0].mlp.down_proj.weight[5, 0] = 2000.0
    found = pastur.torch.collect_inputs(
        sink, written(model, 16, 1), path=tmp_path / "a.safetensors"
    )
    plan = plan_of(
        pastur.analyze(sink, include="model.layers.*", noise="white"), sink, found, {"each": 0.5}
    )
    assert "of the outputs" in plan["model.layers.0.mlp.down_proj.weight"].note
    assert "of the outputs" not in plan["model.layers.0.self_attn.q_proj.weight"].note


def blocks(model: Any, documents: list[Any], folder: Path) -> Iterator[CompressionPlan]:
    """Make one block after the other smaller, each for what the smaller ones before give it."""
    for k in range(model.config.num_hidden_layers):
        inputs = pastur.torch.collect_inputs(model, documents, path=folder / "inputs.safetensors")
        part = pastur.analyze(model, include=f"model.layers.{k}.*", noise="white")
        plan = plan_of(part, model, inputs, {"each": 0.6}, form="dense")
        pastur.torch.compress(model, plan)
        yield plan


def test_inputs_are_collected_anew_block_by_block(
    model: Any, analysis: pastur.Analysis, inputs: Any, tmp_path: Path
) -> None:
    small = copy.deepcopy(model)
    first, second = blocks(small, written(model, 24, 1), tmp_path)
    at_once = plan_of(analysis, model, inputs, {"each": 0.6}, form="dense")
    for one in first.matrices:
        promise, same = one.promise, at_once[one.name].promise
        assert promise is not None and same is not None and promise.outputs == same.outputs
    # The second block is chosen for other inputs.
    changed = [one.promise != at_once[one.name].promise for one in second.matrices]
    assert len(changed) == 7 and all(changed)
    whole = pastur.torch.compress(copy.deepcopy(model), at_once)
    fresh = written(model, 60, 3)
    before = losses(model, fresh)
    steps, once = (float((losses(one, fresh) - before).mean()) for one in (small, whole))
    assert 0 < steps < 1.1 * once
