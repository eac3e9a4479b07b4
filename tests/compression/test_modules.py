"""Modules of PyTorch: the forward pass of the plan, and no way back to the dense model."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pastur
import pastur.torch
from pastur._errors import InvalidInputError
from pastur.compression import CompressionPlan, read_compressed

torch = pytest.importorskip("torch")
nn = torch.nn


class Net(nn.Module):
    """A convolution, an embedding tied to the output, layers of a transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(16, 64, 3, padding=1, padding_mode="reflect", stride=2)
        self.embedding = nn.Embedding(200, 96)
        self.layer = nn.TransformerEncoderLayer(96, 4, 256, dropout=0.0, batch_first=True)
        self.out = nn.Linear(96, 200)
        self.out.weight = self.embedding.weight

    def forward(self, words: Any, image: Any) -> Any:
        hidden = self.layer(self.embedding(words))
        return self.out(hidden), self.conv(image)


def network(dtype: Any = None) -> Any:
    torch.manual_seed(0)
    return Net().to(dtype or torch.float32).eval()


def inputs(dtype: Any) -> tuple[Any, Any]:
    torch.manual_seed(1)
    return torch.randint(0, 200, (3, 11)), torch.randn(2, 16, 9, 9).to(dtype)


def planned(module: Any, **options: Any) -> CompressionPlan:
    options = {"target": {"size": 0.6}} | options
    return pastur.plan_compression(pastur.analyze(module), module, **options)


def dense_of(module: Any, plan: CompressionPlan) -> Any:
    """The same network in float64 with the products of the factors of `module` for weights."""
    whole = network(torch.float64)
    tensors = read_compressed(dict(module.double().state_dict()))
    tensors["out.weight"] = tensors["embedding.weight"]
    whole.load_state_dict({name: torch.from_numpy(np.array(t)) for name, t in tensors.items()})
    return whole


def distance(one: Any, other: Any) -> float:
    pairs = zip(one, other, strict=True)
    with torch.no_grad():
        return max(float((a.double() - b.double()).norm() / b.double().norm()) for a, b in pairs)


@pytest.mark.parametrize(("kind", "bound"), [("float32", 2e-6), ("float64", 1e-12)])
def test_the_forward_pass_is_that_of_the_factors(kind: str, bound: float) -> None:
    dtype = getattr(torch, kind)
    module = network(dtype)
    plan = planned(module)
    dense = module(*inputs(dtype))
    small = pastur.torch.compress(module, plan)
    assert small is module
    found = small(*inputs(dtype))
    layers = {type(part).__name__ for part in module.modules()}
    assert {"FactoredConv2d", "FactoredEmbedding", "FactoredLinear"} <= layers
    assert module.out.weight_left is module.embedding.weight_left
    expected = dense_of(copy.deepcopy(module), plan)(*inputs(torch.float64))
    assert distance(found, expected) < bound
    # The model has changed, by far more than that.
    assert distance(found, dense) > 0.05


@pytest.mark.parametrize("method", ["truncate", "magnitude", "round"])
def test_a_module_has_the_numbers_of_the_file(method: str, tmp_path: Path) -> None:
    module = network()
    target = None if method == "round" else {"size": 0.6}
    plan = planned(module, method=method, target=target)
    done = pastur.apply_compression(plan, module, tmp_path / "small.safetensors")
    small = pastur.torch.compress(copy.deepcopy(module), plan)
    loaded = pastur.torch.load_compressed(network(), done.path)
    here, there = small.state_dict(), loaded.state_dict()
    assert list(here) == list(there)
    for name in here:
        assert torch.equal(here[name], there[name]), name
    assert sum(p.numel() for p in small.parameters()) == pytest.approx(
        plan.bytes_after / 4 if method == "truncate" else plan.bytes_before / 4, rel=1e-9
    )


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_a_saved_module_is_loaded_as_it_was(kind: str, tmp_path: Path) -> None:
    module = network()
    small = pastur.torch.compress(module, planned(module))
    path = tmp_path / f"small.{kind}"
    if kind == "pt":
        torch.save(small.state_dict(), path)
    else:
        pytest.importorskip("safetensors.torch").save_model(small, str(path))
    loaded = pastur.torch.load_compressed(network().apply(_spoil), path)
    words = inputs(torch.float32)
    assert distance(loaded(*words), small(*words)) == 0.0
    assert loaded.out.weight_left is loaded.embedding.weight_left


def _spoil(part: Any) -> None:
    for parameter in part.parameters(recurse=False):
        nn.init.constant_(parameter, 0.01)


def test_the_dense_model_never_comes_back_unnoticed(tmp_path: Path) -> None:
    module = network()
    dense = copy.deepcopy(module.state_dict())
    small = pastur.torch.compress(module, planned(module))
    state = small.state_dict()
    assert not {"embedding.weight", "out.weight", "conv.weight"} & set(state)
    with pytest.raises(RuntimeError, match="Missing key"):
        network().load_state_dict(state)
    for strict in (True, False):
        with pytest.raises(InvalidInputError, match="is the weight of a dense layer"):
            small.load_state_dict(dense, strict=strict)
    whole = tmp_path / "whole.pt"
    torch.save(small, whole)
    again = torch.load(whole, weights_only=False)
    assert distance(again(*inputs(torch.float32)), small(*inputs(torch.float32))) == 0.0


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    module = network()
    plan = planned(module)
    done = pastur.apply_compression(plan, module, tmp_path / "small.safetensors")
    other = network()
    other.more = nn.Linear(3, 4)
    before = copy.deepcopy(other.state_dict())
    with pytest.raises(InvalidInputError, match=r"not in the file: 'more.weight', 'more.bias'"):
        pastur.torch.load_compressed(other, done.path)
    assert all(torch.equal(before[name], value) for name, value in other.state_dict().items())
    with pytest.raises(InvalidInputError, match="not in the module: "):
        pastur.torch.load_compressed(nn.Sequential(nn.Linear(3, 4)), done.path)
    changed = network()
    with torch.no_grad():
        changed.conv.weight[0, 0, 0, 0] += 1e-3
    with pytest.raises(InvalidInputError, match=r"numbers of tensor 'conv.weight' differ"):
        pastur.torch.compress(changed, plan)
    assert type(changed.conv) is nn.Conv2d
    assert type(changed.layer.linear1) is nn.Linear
    with pytest.raises(InvalidInputError, match=r"it has no matrix 'conv.weight'"):
        pastur.torch.compress(nn.Sequential(nn.Linear(3, 4)), plan)
    with pytest.raises(TypeError, match="`plan` must be the result of"):
        pastur.torch.compress(module, {})  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match=r"must be a torch.nn.Module"):
        pastur.torch.compress(np.eye(3), plan)


class Scaled(nn.Linear):
    """A layer that computes something else from the same weight."""

    def forward(self, x: Any) -> Any:
        return 2 * super().forward(x)


def test_layers_of_other_classes_are_not_replaced() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(Scaled(64, 96))
    plan = planned(module)
    with pytest.raises(InvalidInputError, match="of the class Scaled"):
        pastur.torch.compress(module, plan)
    alone = nn.Linear(64, 96)
    with pytest.raises(InvalidInputError, match=r"put it into a torch\.nn\.Sequential"):
        pastur.torch.compress(alone, planned(alone))
    dense = planned(module, form="dense")
    before = module[0].weight.detach().clone()
    pastur.torch.compress(module, dense)
    assert np.linalg.matrix_rank(module[0].weight.detach().numpy(), tol=1e-4) < 64
    assert not torch.equal(module[0].weight, before)


def bert() -> Any:
    """A small model of transformers."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=300,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=40,
    )
    return transformers.BertModel(config).eval()


@pytest.mark.lengthy
def test_a_folder_of_transformers_is_loaded_by_the_reader_that_the_note_names(
    tmp_path: Path,
) -> None:
    """And `from_pretrained` reads the dense form alone, as the note says."""
    model = bert()
    model.save_pretrained(tmp_path / "model")
    words = torch.arange(20).reshape(2, 10)

    def output(module: Any) -> Any:
        with torch.no_grad():
            return module(words).last_hidden_state

    def written(form: str) -> pastur.compression.Compressed:
        path = tmp_path / "model"
        plan = pastur.plan_compression(pastur.analyze(path), path, target={"size": 0.7}, form=form)
        return pastur.apply_compression(plan, path, tmp_path / form)

    dense, factored = written("dense"), written("factored")
    assert dense.note == "" and "from_pretrained" in factored.note
    whole = type(model).from_pretrained(dense.path).eval()
    assert 0 < float((output(whole) - output(model)).abs().max()) < 2
    small = pastur.torch.load_compressed(bert().apply(_spoil), factored.path)
    tensors = read_compressed(factored.path)
    whole.load_state_dict({name: torch.from_numpy(np.array(t)) for name, t in tensors.items()})
    assert float((output(small) - output(whole)).abs().max()) < 1e-4
    filled = type(model).from_pretrained(factored.path).eval()
    assert float((output(filled) - output(small)).abs().max()) > 0.05


@pytest.mark.lengthy
def test_a_model_of_transformers_has_the_forward_pass_of_the_factors(tmp_path: Path) -> None:
    path = tmp_path / "bert.pt"
    # Older versions saved a buffer that this one has but does not save.
    old = {"embeddings.position_ids": torch.arange(40).reshape(1, 40)}
    torch.save(bert().state_dict() | old, path)
    plan = pastur.plan_compression(pastur.analyze(path), path, target={"size": 0.7})
    done = pastur.apply_compression(plan, path, tmp_path / "small.pt")
    small = pastur.torch.load_compressed(bert().apply(_spoil), done.path)
    assert any(type(part).__name__.startswith("Factored") for part in small.modules())
    whole = bert().double()
    tensors = read_compressed(dict(small.double().state_dict()))
    whole.load_state_dict({name: torch.from_numpy(np.array(t)) for name, t in tensors.items()})
    words = torch.arange(20).reshape(2, 10)
    with torch.no_grad():
        expected = whole(words).last_hidden_state
        found = small.float()(words).last_hidden_state
        dense = bert()(words).last_hidden_state
    assert float((found - expected).abs().max()) < 1e-4
    assert float((found - dense).abs().max()) > 0.05
