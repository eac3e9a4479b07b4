"""MP-pruning: what is cut, what is left and why, and a training that resumes with the same bits."""

import copy
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pastur
import pastur.torch
from pastur._errors import InvalidInputError
from pastur._typing import FloatArray
from pastur.estimation.baselines import bema
from pastur.torch import MPPruning, PruningStep
from pastur.torch._pruning.bulk import (
    LEAST_VALUES,
    EstimatorName,
    Rules,
    estimated_bulk,
    middle_distance,
)

torch = pytest.importorskip("torch")
nn = torch.nn

SHAPE, SPIKES = (120, 160), 5


def planted(seed: int, shape: tuple[int, int] = SHAPE, rank: int = SPIKES) -> FloatArray:
    """Noise of standard deviation 0.1 with `rank` directions at 2 to 3 times its edge."""
    rng = np.random.default_rng(seed)
    noise = 0.1 * rng.normal(size=shape)
    edge = 0.1 * (np.sqrt(shape[0]) + np.sqrt(shape[1]))
    u, v = (np.linalg.qr(rng.normal(size=(side, rank)))[0] for side in shape)
    return np.asarray(noise + (u * np.linspace(2, 3, rank) * edge) @ v.T)


def linear(weight: FloatArray, dtype: Any = None, **options: Any) -> Any:
    layer = nn.Linear(*weight.shape[::-1], **options)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
    return layer.to(dtype or torch.float32)


def network(seed: int = 0, dtype: Any = None) -> Any:
    """Two planted layers, a convolution, and one too small to tell."""
    torch.manual_seed(seed)
    conv = nn.Conv2d(16, 64, 3, padding=1, stride=2, padding_mode="circular")
    with torch.no_grad():
        conv.weight.copy_(torch.from_numpy(planted(7, (64, 144), 3)).reshape(conv.weight.shape))
    layers = [conv, nn.Flatten(), linear(planted(8, (120, 1024))), nn.ReLU(), nn.Linear(120, 10)]
    return nn.Sequential(*layers).to(dtype or torch.float32)


def sgd(module: Any, **options: Any) -> Any:
    return torch.optim.SGD(module.parameters(), **({"lr": 0.01, "momentum": 0.9} | options))


def pruned(module: Any, epochs: int = 1, **options: Any) -> tuple[MPPruning, PruningStep]:
    pruning = MPPruning(module, sgd(module), **({"every": 1, "until": 1} | options))
    steps = [pruning.step() for _ in range(epochs)]
    assert steps[-1] is not None
    return pruning, steps[-1]


def values_of(layer: Any) -> FloatArray:
    return np.asarray(torch.linalg.svdvals(layer.weight.detach().double().flatten(1)))


# --- what is kept ---


@pytest.mark.parametrize("estimator", ["bema", "fit"])
def test_a_planted_layer_is_cut_at_its_edge(estimator: str) -> None:
    module = nn.Sequential(linear(planted(1)), nn.ReLU())
    before = values_of(module[0])
    _, step = pruned(module, estimator=estimator)
    layer = step["0"]
    assert (layer.action, layer.rank, layer.above) == ("factored", SPIKES, SPIKES)
    # σ of 120 × 160 entries: five deviations are 2.6 %, false alarm 1e-6; BEMA leaves out the bias
    # that spikes bring, with one value in 24 some 2 % upwards.
    bias = 0.02 if estimator == "bema" else 0.0
    assert layer.sigma == pytest.approx(0.1 * np.sqrt(160) * (1 + bias), rel=0.026)
    assert layer.edge is not None
    assert before[SPIKES] < layer.edge < before[SPIKES - 1]
    after = values_of(module[0])
    np.testing.assert_allclose(after[:SPIKES], before[:SPIKES], rtol=1e-6)
    assert after[SPIKES] < 1e-5
    tail = np.sqrt(np.sum(before[SPIKES:] ** 2) / np.sum(before**2))
    assert layer.error == pytest.approx(tail, rel=1e-6)
    assert layer.parameters_after == SPIKES * sum(SHAPE) < layer.parameters_before == 120 * 160


def test_an_edge_that_is_half_as_far_would_not_pass() -> None:
    """The test above notices an estimator whose σ is off by a factor."""
    before = values_of(linear(planted(1)))
    edge = bema(before, SHAPE, trimmed=0.25, alpha=0.1).edge
    assert int(np.sum(before > edge)) == SPIKES
    assert int(np.sum(before > edge / 2)) > 5 * SPIKES
    assert int(np.sum(before > edge * 2.5)) < SPIKES


@pytest.mark.parametrize(("epochs", "until"), [(1, 10), (4, 10), (10, 10), (12, 10)])
def test_the_share_kept_below_the_edge_falls_with_the_epochs(epochs: int, until: int) -> None:
    # As published: int(f · number below the edge) + number above it, f = max(0, 1 − epoch/until).
    module = nn.Sequential(linear(planted(2)), nn.ReLU())
    _, step = pruned(module, epochs=epochs, every=epochs, until=until)
    share = max(0.0, 1 - epochs / until)
    expected = int(share * (120 - SPIKES)) + SPIKES
    assert step.fraction == pytest.approx(share)
    assert step["0"].rank == expected
    assert int(np.sum(values_of(module[0]) > 1e-4)) == expected
    factors = expected * sum(SHAPE) < 120 * 160
    assert step["0"].action == ("factored" if factors else "cut")
    assert type(module[0]).__name__ == ("FactoredLinear" if factors else "Linear")


def test_cuts_follow_one_another_down_to_the_edge() -> None:
    module = nn.Sequential(linear(planted(2)), nn.ReLU())
    pruning, _ = pruned(module, epochs=10, until=10)
    ranks = [step["0"].rank for step in pruning.history]
    assert ranks == [(10 - k) * (120 - SPIKES) // 10 + SPIKES for k in range(1, 11)]
    # What was removed still counts as noise: the edge stays where it was.
    edges = [step["0"].edge or 0.0 for step in pruning.history]
    assert max(edges) == pytest.approx(min(edges), rel=1e-5)


def test_values_that_come_back_to_a_dense_weight_are_removed_again() -> None:
    module = nn.Sequential(linear(planted(2)), nn.ReLU())
    pruning = MPPruning(module, sgd(module), every=1, until=10)
    pruning.step()
    rng = np.random.default_rng(0)
    with torch.no_grad():
        module[0].weight += torch.from_numpy(1e-4 * rng.normal(size=SHAPE)).float()
    assert int(np.sum(values_of(module[0]) > 1e-4)) == 120
    step = pruning.step()
    assert step is not None
    assert int(np.sum(values_of(module[0]) > 1e-4)) == step["0"].rank == int(0.8 * 115) + 5


# --- the forward pass ---


@pytest.mark.parametrize(("kind", "bound"), [("float32", 2e-6), ("float64", 1e-12)])
@pytest.mark.parametrize("until", [2, 10])
def test_the_forward_pass_is_that_of_the_truncated_weights(
    kind: str, bound: float, until: int
) -> None:
    dtype = getattr(torch, kind)
    module, torch_seed = network(dtype=dtype), 3
    dense = copy.deepcopy(module).double()
    _, step = pruned(module, epochs=1, until=until)
    assert {layer.action for layer in step.changed} == {"factored" if until == 2 else "cut"}
    with torch.no_grad():
        for place in (0, 2):
            matrix = dense[place].weight.flatten(1)
            u, s, v = torch.linalg.svd(matrix, full_matrices=False)
            rank = step[str(place)].rank
            product = (u[:, :rank] * s[:rank]) @ v[:rank]
            dense[place].weight.copy_(product.reshape(dense[place].weight.shape))
        torch.manual_seed(torch_seed)
        images = torch.randn(4, 16, 8, 8).to(dtype)
        found, expected = module(images).double(), dense(images.double())
    assert float((found - expected).norm() / expected.norm()) < 10 * bound
    assert [type(module[k]).__name__ for k in (0, 2)] == (
        ["FactoredConv2d", "FactoredLinear"] if until == 2 else ["Conv2d", "Linear"]
    )


# --- what is left, and why ---


def test_layers_that_do_not_follow_the_law_are_left_with_the_reason() -> None:
    rng = np.random.default_rng(4)
    u, v = (np.linalg.qr(rng.normal(size=(side, 120)))[0] for side in SHAPE)
    tail = (u * np.arange(1, 121) ** -1.0) @ v.T
    heavy = rng.standard_cauchy(size=SHAPE)
    layers = {"tail": tail, "heavy": heavy, "noise": planted(5)}
    for estimator in ("bema", "fit"):
        module = nn.Sequential()
        for name, weight in layers.items():
            module.add_module(name, linear(weight))
        before = copy.deepcopy(module.state_dict())
        _, step = pruned(module, estimator=estimator)
        for name in ("tail", "heavy"):
            assert step[name].action == "left"
            assert torch.equal(module.get_submodule(name).weight, before[f"{name}.weight"])
        assert step["noise"].action == "factored"
        if estimator == "bema":
            assert "does not follow the law of noise: their distance is 0." in step["tail"].reason
            distances = [step[name].distance or 0.0 for name in layers]
            assert min(distances[:2]) > 0.05 > distances[2] > 0
        else:
            assert step["tail"].reason.startswith("not the law: ")
            assert step["heavy"].reason.startswith("heavy tail: ")


@pytest.mark.parametrize(("n", "m", "passed"), [(40, 40, 85), (64, 144, 98), (20, 20, 0)])
def test_noise_passes_the_alignment_test_from_forty_values_on(n: int, m: int, passed: int) -> None:
    # Of 100 draws 95, all and 25 are expected: with 40 values 85 are four deviations below.
    rng = np.random.default_rng(6)
    rules = Rules(EstimatorName.BEMA, 0.05, 0.25, 0.1)
    found = 0
    for _ in range(100):
        values = np.asarray(np.linalg.svd(rng.normal(size=(n, m)), compute_uv=False), np.float64)
        noise = bema(values, (n, m), trimmed=0.25, alpha=0.1)
        near = middle_distance(values / noise.sigma, (n, m), 0.25) <= 0.05
        assert n < LEAST_VALUES or near == (not estimated_bulk(values, (n, m), rules, None).reason)
        found += near
    assert passed <= found <= (100 if passed else 50)


def test_an_alignment_of_one_cuts_every_layer_as_published() -> None:
    rng = np.random.default_rng(4)
    for estimator in ("bema", "fit"):
        module = nn.Sequential(linear(rng.standard_t(2, size=SHAPE)))
        _, step = pruned(module, estimator=estimator, alignment=1)
        assert step["0"].action == "factored" and not step["0"].reason
    strict = nn.Sequential(linear(planted(5)))
    _, step = pruned(strict, alignment=0.0)
    assert step["0"].action == "left"


class Scaled(nn.Linear):
    """A layer that computes something else from the same weight."""

    def forward(self, x: Any) -> Any:
        return 2 * super().forward(x)


class Odd(nn.Module):
    """Layers that cannot be replaced, each for another reason, and one that can."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(40, 30)
        self.tied = nn.Linear(30, 40)
        self.tied.weight = self.embedding.weight
        self.once = nn.Linear(40, 40)
        self.twice = self.once
        self.hooked = nn.Linear(40, 40)
        self.hooked.register_forward_hook(lambda *_: None)
        self.watched = nn.Linear(40, 40)
        self.watched.weight.register_hook(lambda grad: grad)
        self.frozen = nn.Linear(40, 40).requires_grad_(requires_grad=False)
        self.scaled = Scaled(40, 40)
        self.grouped = nn.Conv2d(40, 40, 3, groups=2)
        self.computed = nn.utils.parametrizations.orthogonal(nn.Linear(40, 40))
        self.lazy = nn.LazyLinear(40)
        self.complex = nn.Linear(40, 40, dtype=torch.complex64)
        self.meta = nn.Linear(40, 40, device="meta")
        self.apart = nn.Linear(40, 40)
        self.small = nn.Linear(40, 10)
        self.zero = linear(np.zeros((40, 50)))
        self.nan = linear(np.full((40, 50), np.nan))
        self.low = linear(planted(6, (60, 80), 3), dtype=torch.bfloat16)


REASONS = {
    "tied": "its weight is shared: by 'embedding', 'tied'",
    "once": "its weight is shared: by 'once', 'twice'",
    "hooked": "it has hooks, which would be lost with it",
    "watched": "it has hooks, which would be lost with it",
    "frozen": "its weight is frozen",
    "scaled": "it is the weight of 'scaled', of the class Scaled",
    "grouped": "its weight is not one matrix: 2 groups of channels",
    "computed": "its weight is not a parameter but computed from others",
    "lazy": "its weight has no numbers yet",
    "complex": "its weight is of the type complex64",
    "meta": "its weight has no numbers yet",
    "apart": "the optimizer does not train its weight",
}
_OTHER = "it is a parameter of the class {}, neither linear nor a convolution"
OTHERS = {
    "embedding.weight": _OTHER.format("Embedding"),
    "computed.parametrizations.weight.original": _OTHER.format("ParametrizationList"),
}
AT_A_STEP = {
    "small": "too small to tell: 10 singular values, fewer than 40",
    "zero": "its weight is zero",
    "nan": "its weight has NaN or infinite entries",
}


def test_layers_that_cannot_be_replaced_are_left_with_the_reason() -> None:
    module = Odd()
    trained = [p for name, p in module.named_parameters() if not name.startswith("apart")]
    optimizer = torch.optim.SGD(trained, lr=0.1)
    pruning = MPPruning(module, optimizer, every=1, until=1, alignment=1)
    assert pruning.left_out == REASONS | OTHERS
    kinds = {name: type(part) for name, part in module.named_modules()}
    step = pruning.step()
    assert step is not None
    assert {layer.name: layer.reason for layer in step.layers if layer.reason} == (
        REASONS | AT_A_STEP
    )
    assert [layer.name for layer in step.changed] == ["low"]
    assert module.low.weight_left.dtype == torch.bfloat16
    changed = {name for name, part in module.named_modules() if type(part) is not kinds[name]}
    assert changed == {"low"}
    assert step["tied"].parameters_after == 1200


def test_a_module_without_a_layer_to_prune_is_refused() -> None:
    one = torch.nn.Parameter(torch.zeros(3))
    optimizer = torch.optim.SGD([one], lr=0.1)
    with pytest.raises(InvalidInputError, match="has no linear layer and no convolution"):
        MPPruning(nn.Sequential(nn.ReLU()), optimizer)
    with pytest.raises(InvalidInputError, match=r"'0': the optimizer does not train its weight"):
        MPPruning(nn.Sequential(nn.Linear(40, 40)), optimizer)
    alone = nn.Linear(40, 40)
    with pytest.raises(InvalidInputError, match=r"put it into a torch\.nn\.Sequential"):
        MPPruning(alone, sgd(alone))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "`every` must be at least 1"),
        ({"until": 0}, "`until` must be at least 1"),
        ({"estimator": "median"}, "`estimator` must be one of 'bema', 'fit'"),
        ({"alignment": 1.5}, "`alignment` must be 0 to 1. Got 1.5"),
        ({"trimmed": 0.5}, "`trimmed` must be less than one half"),
        ({"alpha": 0}, "`alpha` must lie strictly between 0 and 1"),
    ],
)
def test_parameters_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    module = network()
    with pytest.raises(InvalidInputError, match=message):
        MPPruning(module, sgd(module), **options)


def test_other_things_than_module_and_optimizer_are_refused() -> None:
    module = network()
    with pytest.raises(InvalidInputError, match=r"must be a torch\.nn\.Module"):
        MPPruning(np.eye(3), sgd(module))
    with pytest.raises(InvalidInputError, match=r"must be a torch\.optim\.Optimizer. Got 'int'"):
        MPPruning(module, 4)
    with pytest.raises(InvalidInputError, match="LBFGS has one memory"):
        MPPruning(module, torch.optim.LBFGS(module.parameters()))
    with pytest.raises(InvalidInputError, match="Adagrad has a memory only of the parameters"):
        MPPruning(module, torch.optim.Adagrad(module.parameters()))
    pruning = MPPruning(module, sgd(module))
    with pytest.raises(InvalidInputError, match="`threshold` must be positive"):
        pruning.sparsify(0)


# --- the optimizer ---


def test_factors_are_trained_in_the_place_of_the_weight() -> None:
    module = network()
    weight, bias = module[2].weight, module[2].bias
    groups = [
        {"params": [module[0].weight], "lr": 0.0},
        {"params": [weight, bias], "lr": 0.1, "weight_decay": 0.5},
        {"params": [module[4].weight, module[4].bias, module[0].bias], "lr": 0.01},
    ]
    optimizer = torch.optim.Adam(groups)
    train(module, optimizer, 1)
    pruning = MPPruning(module, optimizer, every=1, until=1)
    pruning.step()
    first, second, _ = optimizer.param_groups
    assert [id(p) for p in first["params"]] == [
        id(module[0].weight_left),
        id(module[0].weight_right),
    ]
    layer = module[2]
    assert [id(p) for p in second["params"]] == [
        id(p) for p in (layer.weight_left, layer.weight_right, bias)
    ]
    assert second["weight_decay"] == 0.5
    assert weight not in optimizer.state and bias in optimizer.state
    assert layer.weight_left not in optimizer.state
    before = [p.detach().clone() for p in layer.parameters()]
    fixed = module[0].weight_left.detach().clone()
    train(module, optimizer, 1)
    assert all(not torch.equal(a, b) for a, b in zip(before, layer.parameters(), strict=True))
    assert torch.equal(fixed, module[0].weight_left)
    assert set(optimizer.state) == set(module.parameters())


@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW"])
@pytest.mark.parametrize("how", ["fused", "foreach", "plain"])
def test_optimizers_of_every_kind_train_the_factors(kind: str, how: str) -> None:
    module = network()
    options = {} if how == "plain" else {how: True}
    momentum = {"momentum": 0.9, "nesterov": True} if kind == "SGD" else {}
    optimizer = getattr(torch.optim, kind)(module.parameters(), lr=1e-3, **options, **momentum)
    pruning = MPPruning(module, optimizer, every=1, until=3)
    train(module, optimizer, 3, pruning.step)
    assert [layer.action for layer in pruning.history[-1].layers] == ["factored"] * 2 + ["left"]
    before = [p.detach().clone() for p in module.parameters()]
    train(module, optimizer, 1)
    assert all(not torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


def test_a_dense_weight_keeps_its_momentum_and_named_groups_keep_their_names() -> None:
    module = network()
    optimizer = torch.optim.SGD(module.named_parameters(), lr=0.01, momentum=0.9)
    train(module, optimizer, 1)
    weight, momentum = module[0].weight, optimizer.state[module[0].weight]["momentum_buffer"]
    pruning = MPPruning(module, optimizer, every=1, until=5)
    step = pruning.step()
    assert step is not None and step["0"].action == "cut"
    assert module[0].weight is weight
    assert optimizer.state[weight]["momentum_buffer"] is momentum
    for _ in range(4):
        pruning.step()
    names = dict(zip(optimizer.param_groups[0]["param_names"], _params(optimizer), strict=True))
    own = dict(module.named_parameters())
    assert {name: id(p) for name, p in names.items()} == {name: id(p) for name, p in own.items()}
    assert "2.weight_left" in own


def _params(optimizer: Any) -> list[Any]:
    return list(optimizer.param_groups[0]["params"])


# --- determinism, saving, resuming ---


def train(
    module: Any, optimizer: Any, epochs: int, after: Callable[[], Any] = lambda: None
) -> None:
    rng = np.random.default_rng(5)
    images = torch.from_numpy(rng.normal(size=(64, 16, 8, 8))).to(next(module.parameters()).dtype)
    labels = torch.from_numpy(rng.integers(0, 10, size=64))
    for _ in range(epochs):
        for part in range(4):
            optimizer.zero_grad()
            rows = slice(16 * part, 16 * part + 16)
            loss = nn.functional.cross_entropy(module(images[rows]), labels[rows])
            loss.backward()
            optimizer.step()
        after()


def bits(module: Any, optimizer: Any) -> list[Any]:
    state = module.state_dict()
    memory = [optimizer.state[p] for p in _params(optimizer)]
    return [*state.items(), *[sorted(one.items()) for one in memory]]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return bool(one.keys() == other.keys()) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else bool(one == other)


@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
@pytest.mark.parametrize("estimator", ["bema", "fit"])
def test_a_training_resumes_with_the_same_bits(kind: str, estimator: str) -> None:
    options: dict[str, Any] = {"momentum": 0.9} if kind == "SGD" else {}

    def begun() -> tuple[Any, Any, MPPruning]:
        module = network()
        optimizer = getattr(torch.optim, kind)(module.parameters(), lr=1e-4, **options)
        return (
            module,
            optimizer,
            MPPruning(module, optimizer, every=2, until=12, estimator=estimator),
        )

    module, optimizer, pruning = begun()
    stream = io.BytesIO()

    def step_and_save() -> None:
        pruning.step()
        if pruning.epoch == 3:
            parts = (module, optimizer, pruning)
            torch.save([part.state_dict() for part in parts], stream)

    train(module, optimizer, 7, step_and_save)
    assert any(layer.action == "factored" for layer in pruning.history[0].layers)
    assert any(layer.action == "cut" for layer in pruning.history[0].layers)
    stream.seek(0)
    # A state has plain values and tensors alone.
    states = torch.load(stream, weights_only=True)
    again, other, resumed = begun()
    resumed.load_state_dict(states[2])
    assert all(torch.isnan(p).all() for p in again[2].parameters() if p.ndim > 1)
    again.load_state_dict(states[0])
    other.load_state_dict(states[1])
    train(again, other, 4, resumed.step)
    assert same(bits(again, other), bits(module, optimizer))
    assert resumed.history == pruning.history
    assert same(*({"state": one.state_dict()} for one in (resumed, pruning)))


def test_two_prunings_of_one_module_are_equal_and_another_is_not() -> None:
    states = []
    for seed in (0, 0, 1):
        module = network()
        with torch.no_grad():
            module[2].weight[0, 0] += seed
        pruned(module)
        states.append(list(module.state_dict().items()))
    assert same(states[0], states[1])
    assert not same(states[0], states[2])


def test_states_of_other_prunings_are_refused() -> None:
    module = network()
    pruning, _ = pruned(module)
    state = pruning.state_dict()
    fresh = network()

    def load(changes: dict[str, Any], into: Any = fresh, **options: Any) -> None:
        settings = {"every": 1, "until": 1} | options
        MPPruning(into, sgd(into), **settings).load_state_dict({**state, **changes})

    before = copy.deepcopy(fresh.state_dict())
    with pytest.raises(InvalidInputError, match=r"a pruning with every=1: make this one"):
        load({}, every=2)
    with pytest.raises(InvalidInputError, match=r"with estimator='bema', alignment=0\.05"):
        load({}, estimator="fit")
    with pytest.raises(InvalidInputError, match=r"has no layer '2' that is linear"):
        load({}, nn.Sequential(linear(planted(1))))
    with pytest.raises(InvalidInputError, match=r"does not go with layer '0' of shape \(64, 144\)"):
        load({"ranks": {"0": 65}})
    with pytest.raises(InvalidInputError, match=r"not what `MPPruning\.state_dict` returned"):
        MPPruning(fresh, sgd(fresh)).load_state_dict({})
    with pytest.raises(InvalidInputError, match="`epoch` must be at least 0"):
        load({"epoch": -1})
    with pytest.raises(InvalidInputError, match=r"history in the state is damaged: `epoch`"):
        load({"history": [{"epoch": "one"}]})
    assert same(list(fresh.state_dict().items()), list(before.items()))


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_a_pruned_module_is_never_loaded_as_the_dense_one(kind: str, tmp_path: Path) -> None:
    module = network()
    dense = copy.deepcopy(module.state_dict())
    pruned(module)
    path = tmp_path / f"pruned.{kind}"
    if kind == "pt":
        torch.save(module.state_dict(), path)
    else:
        pytest.importorskip("safetensors.torch").save_model(module, str(path))
    with pytest.raises(RuntimeError, match="Missing key"):
        network().load_state_dict(module.state_dict())
    for strict in (True, False):
        with pytest.raises(InvalidInputError, match="is the weight of a dense layer"):
            module.load_state_dict(dense, strict=strict)
    loaded = pastur.torch.load_compressed(network(seed=9), path)
    images = torch.randn(3, 16, 8, 8)
    assert torch.equal(loaded(images), module(images))
    # Its training can begin anew from there: what the factors lack counts as zero.
    pruning = MPPruning(loaded, sgd(loaded), every=1, until=1, alignment=1)
    step = pruning.step()
    assert step is not None and step["0"].rank == 3


# --- the end, and the record ---


def test_the_example_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "compression-reference.md").read_text("utf-8")
    (example,) = [part for part in page.split("```") if "MPPruning(module" in part]
    space: dict[str, Any] = {}
    exec(example.removeprefix("python"), space)
    assert "Epoch 12: 2 layers of 3 changed" in capsys.readouterr().out
    assert len(space["pruning"].history) == 4


def test_small_entries_are_removed_at_the_end() -> None:
    module = network()
    pruning, _ = pruned(module)
    parts = [module[0].weight_left, module[0].weight_right, module[4].weight]
    limit = 0.05
    expected = [p.detach() * (p.detach().abs() >= limit) for p in parts]
    bias = module[4].bias.detach().clone()
    step = pruning.sparsify(limit)
    assert all(torch.equal(p, e) for p, e in zip(parts, expected, strict=True))
    assert torch.equal(module[4].bias, bias)
    left = sum(int((e != 0).sum()) for e in expected[:2])
    assert step["0"].parameters_after == left < step["0"].parameters_before
    assert step["4"].action == "sparsified"
    assert pruning.history[-1] is step


def test_a_step_reads_as_a_table_and_comes_back_from_plain_values() -> None:
    module = network()
    pruning, step = pruned(module)
    text = str(step)
    assert text.splitlines()[0].split() == [
        "layer", "shape", "action", "rank", "above", "edge", "distance", "kept", "error",
    ]  # fmt: skip
    assert "Epoch 1: 2 layers of 3 changed" in text
    assert "4: too small to tell: 10 singular values, fewer than 40." in text
    assert PruningStep.from_dict(step.to_dict()) == step
    assert step.parameters_after == sum(p.numel() for p in module.parameters() if p.ndim > 1)
    assert pruning.step() is not None
    assert "what is to be kept is all that is left" in str(pruning.history[-1]) or (
        "all that is left lies above the edge" in str(pruning.history[-1])
    )


def test_nothing_happens_in_the_epochs_between() -> None:
    module = network()
    pruning = MPPruning(module, sgd(module), every=3)
    before = copy.deepcopy(module.state_dict())
    assert [pruning.step() for _ in range(2)] == [None, None]
    assert same(list(module.state_dict().items()), list(before.items()))
    assert pruning.step() is not None
    assert (pruning.epoch, len(pruning.history)) == (3, 1)
