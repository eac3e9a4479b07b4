"""What a model loses by each matrix of a plan, measured and predicted."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import pastur
import pastur.torch
from pastur._errors import FileFormatError, InvalidInputError, InvalidTypeError, PasturWarning
from pastur._typing import FloatArray
from pastur.cli import main
from pastur.compression import (
    Action,
    Choice,
    CompressionPlan,
    InputMoments,
    MatrixSensitivity,
    Prediction,
    Sensitivities,
)
from pastur.report import write_plan

torch = pytest.importorskip("torch")
nn = torch.nn

Evaluate = Callable[[Any], list[float]]


def network(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(40, 80), nn.Tanh(), nn.Linear(80, 60), nn.Tanh(), nn.Linear(60, 40)
    ).eval()


def texts(count: int, seed: int) -> list[Any]:
    """Documents, each with a mean of its own, of inputs that lie near a few directions."""
    generator = torch.Generator().manual_seed(seed)
    axes = torch.diag(torch.linspace(2, 0.1, 40))
    return [
        (torch.randn(30, 40, generator=generator) + torch.randn(40, generator=generator)) @ axes
        for _ in range(count)
    ]


def against(module: Any, documents: list[Any], shift: float = 0.0) -> Evaluate:
    """Mean squared distance from what the module says now, or from something else."""
    with torch.no_grad():
        expected = [module(x) + shift for x in documents]

    def evaluate(one: Any) -> list[float]:
        with torch.no_grad():
            pairs = zip(documents, expected, strict=True)
            return [float((one(x) - y).double().square().mean()) for x, y in pairs]

    return evaluate


def collected(module: Any, folder: Path, seed: int = 1, count: int = 16) -> InputMoments:
    return pastur.torch.collect_inputs(
        module, texts(count, seed), path=folder / "inputs.safetensors"
    )


def planned(module: Any, inputs: InputMoments, size: float, **options: Any) -> CompressionPlan:
    options = {"method": "outputs", "target": {"size": size}} | options
    return pastur.plan_compression(
        pastur.analyze(module, noise="white"), module, inputs=inputs, **options
    )


def test_a_quadratic_loss_is_predicted_exactly(tmp_path: Path) -> None:
    """One layer, squared loss, a slope that is not zero: nothing is of higher order."""
    torch.manual_seed(3)
    module = nn.Sequential(nn.Linear(40, 60)).double().eval()
    documents = [x.double() for x in texts(16, 2)]
    inputs = pastur.torch.collect_inputs(module, documents, path=tmp_path / "inputs.safetensors")
    plan = planned(module, inputs, 0.6)
    evaluate = against(module, documents, shift=0.3)
    found = pastur.torch.measure_sensitivities(module, plan, evaluate=evaluate)
    before = evaluate(module)
    pastur.torch.compress(module, plan)
    more = np.subtract(evaluate(module), before)
    (one,) = found.matrices
    np.testing.assert_allclose(one.losses, more, rtol=1e-9, atol=1e-12)
    lost = plan["0.weight"].promise
    assert lost is not None and lost.outputs is not None
    predicted = found.predicted({"0.weight": lost.outputs.loss})
    assert predicted.loss == pytest.approx(float(more.mean()), rel=1e-9)


@pytest.mark.lengthy
def test_the_loss_on_other_documents_is_within_the_interval(tmp_path: Path) -> None:
    """6 networks: all but two intervals of 95 % hold, but in 1 of 450; in-sample losses do not."""
    holds, naive = [], []
    for seed in range(6):
        module = network(seed)
        inputs = collected(module, tmp_path, 10 * seed + 1)
        plan = planned(module, inputs, 0.75)
        evaluate = against(module, texts(24, 10 * seed + 2))
        found = pastur.torch.measure_sensitivities(module, plan, evaluate=evaluate)
        again = planned(module, inputs, 0.85, sensitivities=found)
        assert again.parameters_after is not None
        fresh = against(module, texts(200, 10 * seed + 3))
        small = pastur.torch.compress(copy.deepcopy(module), again)
        more = float(np.mean(fresh(small)) - np.mean(fresh(module)))
        low, high = ends(again.predicted)
        holds.append(low <= more <= high)
        inside = {
            m.name: m.promise.outputs.inside
            for m in again.matrices
            if m.promise is not None and m.promise.outputs is not None
        }
        naive.append(found.predicted(inside).loss < 0.9 * more)
    assert sum(holds) >= 4 and sum(naive) >= 4


def ends(found: Prediction | None) -> tuple[float, float]:
    assert found is not None and found.low is not None and found.high is not None
    return found.low, found.high


def test_the_size_follows_from_the_loss(tmp_path: Path) -> None:
    module = network()
    inputs = collected(module, tmp_path)
    plan = planned(module, inputs, 0.6, form="dense")
    evaluate = against(module, texts(16, 2))
    found = pastur.torch.measure_sensitivities(module, plan, evaluate=evaluate)
    sizes = []
    for most in (0.005, 0.01, 0.02):
        one = planned(module, inputs, 1.0, target={"loss": most}, sensitivities=found, form="dense")
        assert one.predicted is not None and one.parameters_after is not None
        assert 0 < one.predicted.loss <= most
        sizes.append(one.parameters_after)
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == 3
    # At the size that was found, no plan of this method is expected to lose less.
    after = sizes[1] / plan.parameters_before
    same = planned(module, inputs, after, sensitivities=found, form="dense")
    assert same.predicted is not None and same.predicted.loss <= 0.01
    least = planned(module, inputs, 1.0, target={"loss": 1e-9}, sensitivities=found, form="dense")
    assert all(matrix.kept for matrix in least.matrices)
    assert "Nothing is changed: the first step, in '" in least.assumption
    with pytest.raises(InvalidInputError, match="needs `sensitivities`"):
        planned(module, inputs, 1.0, target={"loss": 0.1})
    with pytest.raises(InvalidInputError, match="must be positive"):
        planned(module, inputs, 1.0, target={"loss": -0.1}, sensitivities=found, form="dense")


def test_the_prediction_is_shown_stored_and_lost_with_an_edit(tmp_path: Path) -> None:
    module = network()
    inputs = collected(module, tmp_path)
    first = planned(module, inputs, 0.6)
    assert "what the model loses by that is not known" in str(first)
    evaluate = against(module, texts(16, 2))
    found = pastur.torch.measure_sensitivities(module, first, evaluate=evaluate)
    plan = planned(module, inputs, 0.8, sensitivities=found)
    assert f"predicted: {plan.predicted}, from 16 documents" in str(plan)
    path = plan.to_json(tmp_path / "plan.json")
    assert CompressionPlan.from_json(path).predicted == plan.predicted
    document = json.loads(path.read_text("utf-8"))
    (place, *_) = [k for k, one in enumerate(document["matrices"]) if one["promise"]]
    document["matrices"][place]["choice"] = {"action": "keep"}
    path.write_text(json.dumps(document), "utf-8")
    assert CompressionPlan.from_json(path).predicted is None
    name = plan.matrices[place].name
    assert plan.replace({name: Choice(Action.KEEP)}).predicted is None
    # The same numbers on the page of the command.
    stored = found.to_json(tmp_path / "sensitivities.json")
    torch.save(module.state_dict(), tmp_path / "model.pt")
    arguments = ["compress", str(tmp_path / "model.pt"), "-o", str(tmp_path / "small.pt")]
    given = ["--inputs", str(inputs.path), "--sensitivities", str(stored), "--loss", "0.05"]
    done = CliRunner().invoke(main, [*arguments, *given])
    assert done.exit_code == 0, done.output
    assert "Loss of the model, predicted: " in " ".join(done.output.split())
    refused = CliRunner().invoke(main, [*arguments, "--inputs", given[1], "--loss", "0.05"])
    assert refused.exit_code == 2 and "--loss needs --sensitivities" in refused.output
    # A method that was asked for is not replaced by another, nor a file that is read.
    refused = CliRunner().invoke(main, [*arguments, "--method", "truncate", *given[:2]])
    assert refused.exit_code == 2 and "has no use for --inputs" in refused.output
    kept = stored.read_bytes()
    refused = CliRunner().invoke(main, [*arguments[:3], str(stored), "--plan-only", *given])
    assert refused.exit_code == 1 and "is a file that was read" in refused.output
    assert stored.read_bytes() == kept


def test_the_module_is_restored_whatever_happens(tmp_path: Path) -> None:
    module = network()
    plan = planned(module, collected(module, tmp_path), 0.6)
    before = copy.deepcopy(module.state_dict())
    documents = against(module, texts(6, 2))
    calls = []

    def fails(one: Any) -> list[float]:
        calls.append(one)
        if len(calls) == 4:
            raise RuntimeError("out of memory")
        return documents(one)

    with pytest.raises(RuntimeError, match="out of memory"):
        pastur.torch.measure_sensitivities(module, plan, evaluate=fails)
    pastur.torch.measure_sensitivities(module, plan, evaluate=documents)
    for name, numbers in module.state_dict().items():
        assert torch.equal(numbers, before[name])


@pytest.mark.parametrize(
    ("losses", "kind", "words"),
    [
        ([1.0] * 4, InvalidInputError, "at least 5 documents"),
        ([1.0, float("nan"), 1.0, 1.0, 1.0], InvalidInputError, "loss of document 1"),
        (1.0, InvalidTypeError, "losses of several documents"),
        (["a"] * 5, InvalidTypeError, "losses of several documents"),
    ],
)
def test_losses_that_are_none_are_refused(
    losses: Any, kind: type[Exception], words: str, tmp_path: Path
) -> None:
    module = network()
    plan = planned(module, collected(module, tmp_path), 0.6)
    with pytest.raises(kind, match=words):
        pastur.torch.measure_sensitivities(module, plan, evaluate=lambda one: losses)


def test_other_models_and_other_documents_are_refused(tmp_path: Path) -> None:
    module, other = network(), network(1)
    inputs = collected(module, tmp_path)
    plan = planned(module, inputs, 0.6)
    evaluate = against(module, texts(6, 2))
    with pytest.raises(InvalidInputError, match="another model"):
        pastur.torch.measure_sensitivities(other, plan, evaluate=evaluate)
    found = pastur.torch.measure_sensitivities(module, plan, evaluate=evaluate)
    (tmp_path / "other").mkdir()
    with pytest.raises(InvalidInputError, match="sensitivities are of another model"):
        planned(other, collected(other, tmp_path / "other"), 0.6, sensitivities=found)
    with pytest.raises(InvalidInputError, match="go with `inputs`"):
        pastur.plan_compression(
            pastur.analyze(module), module, target={"size": 0.6}, sensitivities=found
        )
    truncated = pastur.plan_compression(pastur.analyze(module), module, target={"size": 0.6})
    with pytest.raises(InvalidInputError, match="changes no matrix of which"):
        pastur.torch.measure_sensitivities(module, truncated, evaluate=evaluate)
    counts = iter([6, 6, 5])
    with pytest.raises(InvalidInputError, match="returned 5 losses, and 6"):
        pastur.torch.measure_sensitivities(
            module, plan, evaluate=lambda one: evaluate(one)[: next(counts)]
        )


LOSSES = (0.16, 0.14, 0.17, 0.14, 0.16)


def sensitivities(**changes: Any) -> Sensitivities:
    values: dict[str, Any] = {
        "model": "",
        "before": (1.0,) * 5,
        "matrices": (MatrixSensitivity("a", 0.1, LOSSES), MatrixSensitivity("b", 0.2, LOSSES)),
        "together": LOSSES,
    }
    return Sensitivities(**values | changes)


def test_a_prediction_is_the_jackknife_of_the_sum(tmp_path: Path) -> None:
    found = sensitivities()
    whole = np.array(LOSSES)
    lost = {"a": 0.05, "b": 0.3}

    def value(kept: list[int]) -> float:
        each = float(whole[kept].mean())
        return each * (0.5 * each + 1.5 * each) / (2 * each)

    predicted = found.predicted(lost)
    assert predicted.loss == pytest.approx(value([0, 1, 2, 3, 4]))
    without = [value([k for k in range(5) if k != left]) for left in range(5)]
    spread = np.sqrt(4 / 5 * sum((one - np.mean(without)) ** 2 for one in without))
    # The 97.5 % point of t with 4 degrees of freedom, from a table.
    # A quarter of the loss has moved from one matrix to the other.
    reach = np.hypot(2.7764 * spread, 0.5 * 0.25 * predicted.loss)
    assert ends(predicted)[1] - predicted.loss == pytest.approx(reach, rel=1e-4)
    assert Sensitivities.from_json(found.to_json(tmp_path / "a.json")) == found
    with pytest.raises(InvalidInputError, match="of 'c' was not measured"):
        found.predicted({"c": 0.1})
    assert "All together" in str(found)


def test_no_interval_is_given_for_what_is_hardly_known() -> None:
    found = sensitivities()
    known = found.predicted({"a": 0.15, "b": 0.1})
    beyond = found.predicted({"a": 0.15, "b": 0.1}, unknown={"a"})
    assert beyond.loss == known.loss and known.low is not None
    assert beyond.low is None and beyond.high is None
    assert "no interval: what 'a' loses of its outputs is hardly known" in str(beyond)
    # A hundredth more is what another machine may make of the same rank.
    just, more = (found.predicted({"a": a, "b": 0.2}, unknown={"a"}) for a in (0.1009, 0.1011))
    assert just.low is not None and more.low is None
    # Where it loses less than when it was measured, it costs nothing at least and as much at most.
    known, less = (found.predicted({"a": 0.02, "b": 0.2}, unknown=one) for one in ((), {"a"}))
    assert less.loss == known.loss == pytest.approx((0.2 + 1) / 2 * np.mean(LOSSES))
    cost = float(np.mean(LOSSES))
    below, above = less.loss - ends(less)[0], ends(less)[1] - less.loss
    reach = ends(known)[1] - known.loss
    assert below == pytest.approx(np.hypot(reach, 0.2 * cost))
    assert above == pytest.approx(np.hypot(reach, 0.8 * cost))
    # The plan that was measured is known.
    same, other = (found.predicted({"a": 0.1, "b": 0.2}, unknown=one) for one in ((), {"b"}))
    assert ends(other)[1] == pytest.approx(ends(same)[1]) and ends(other)[0] < ends(same)[0]


def test_no_interval_is_given_far_below_what_was_measured() -> None:
    found = sensitivities()
    assert found.predicted({"a": 0.1 / 1.9}).low is not None
    far = found.predicted({"a": 0.1 / 2.1})
    assert far.low is None and far.loss == pytest.approx(np.mean(LOSSES) / 4.2)
    assert "the plan that was measured loses more than 4 times as much" in str(far)
    nothing = found.predicted({})
    assert (nothing.low, nothing.loss, nothing.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("low", "high", "reason"),
    [(0.3, 0.4, ""), (None, None, ""), (0.1, None, "far"), (0.1, 0.3, "far")],
)
def test_a_prediction_has_an_interval_or_a_reason(
    low: float | None, high: float | None, reason: str
) -> None:
    with pytest.raises(InvalidInputError, match=r"`reason`|must lie between"):
        Prediction(0.2, low, high, 5, reason)


def words(count: int, seed: int) -> list[Any]:
    """Documents of twelve letters, of which the last are rare."""
    often = np.arange(1.0, 31) ** -2
    rng = np.random.default_rng(seed)
    return [torch.tensor(rng.choice(30, 12, p=often / often.sum())) for _ in range(count)]


@pytest.mark.lengthy
def test_a_layer_given_rare_rows_is_not_predicted_from_larger_ranks(tmp_path: Path) -> None:
    """Measured where nothing is given up, nothing is known of what less costs, and it is said."""
    torch.manual_seed(3)
    module = nn.Sequential(nn.Embedding(30, 40), nn.Linear(40, 60), nn.Tanh(), nn.Linear(60, 40))
    module.eval()
    inputs = pastur.torch.collect_inputs(module, words(40, 1), path=tmp_path / "in.safetensors")
    with torch.no_grad():
        pairs = [(x, module(x)) for x in words(60, 2)]

    def loss(one: Any, pair: Any) -> Any:
        return (one(pair[0]) - pair[1]).square().mean()

    analysis = pastur.analyze(module, noise="white")

    def plan(target: dict[str, float], found: Sensitivities | None = None) -> CompressionPlan:
        return pastur.plan_compression(
            analysis,
            module,
            method="whitened",
            target=target,
            form="dense",
            inputs=inputs,
            sensitivities=found,
        )

    first = plan({"each": 0.7})
    found = pastur.torch.attribute_loss(module, first, documents=pairs, loss=loss)
    far = plan({"size": 0.8}, found)
    assert (far["3.weight"].choice.rank or 40) < (first["3.weight"].choice.rank or 0)
    assert far.predicted is not None and far.predicted.low is None
    assert "what '3.weight' loses of its outputs is hardly known" in " ".join(str(far).split())
    stored = CompressionPlan.from_json(far.to_json(tmp_path / "plan.json"))
    assert stored.predicted == far.predicted
    write_plan(far, tmp_path / "plan.html")
    assert "no interval: what" in (tmp_path / "plan.html").read_text("utf-8")
    # Along that plan it is measured.
    again = pastur.torch.attribute_loss(module, far, documents=pairs, loss=loss)
    there = plan({"size": 0.8}, again)
    assert there.predicted is not None and there.predicted.low is not None


def saturating(steps: tuple[float, ...]) -> Sensitivities:
    """A model that loses S/(1 + S), S = Σ cᵢ qᵢ; each matrix has its part of what all lose."""
    costs, scale = np.array([1.1, 1.5, 1.4]), np.linspace(0.8, 1.2, 9)

    def lost(sums: FloatArray) -> FloatArray:
        return sums / (1 + sums)

    whole = lost(costs.sum() * scale)
    matrices = tuple(
        MatrixSensitivity(name, 0.1, tuple((whole * cost / costs.sum()).tolist()))
        for name, cost in zip("abc", costs, strict=True)
    )
    way = tuple(tuple(lost(t**2 * costs.sum() * scale).tolist()) for t in steps)
    return Sensitivities("", (2.0,) * 9, matrices, tuple(whole.tolist()), steps, way)


def test_a_small_part_of_a_large_loss_is_found_on_the_way() -> None:
    """All matrices lose .8 together; one of them alone is not a quarter of that."""
    for name, cost in (("a", 1.1), ("c", 1.4)):
        truth = float(
            np.mean(cost * np.linspace(0.8, 1.2, 9) / (1 + cost * np.linspace(0.8, 1.2, 9)))
        )
        predicted = saturating((0.1127, 0.5, 0.8873)).predicted({name: 0.1})
        assert predicted.loss == pytest.approx(truth, rel=0.05)
        low, high = ends(predicted)
        assert low < truth < high
        naive = saturating(()).predicted({name: 0.1})
        assert naive.loss < 0.6 * truth and ends(naive)[1] < truth
    # The same mixture needs no allowance for another; twice as much of it does.
    same, more = (saturating((0.5,)).predicted(dict.fromkeys("abc", share)) for share in (0.1, 0.2))
    assert ends(same)[1] - same.loss < 0.1 * same.loss < ends(more)[1] - more.loss


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v.update(steps=[0.5]), "`steps` must ascend"),
        (lambda v: v.update(steps=[0.5], on_the_way=[[1.0]]), "losses of 5 documents"),
        (lambda v: v.update(before=[1.0] * 4), "at least 5 documents"),
        (lambda v: v.update(together=[1.0]), "losses of 5 documents"),
        (lambda v: v["matrices"][0].update(outputs=0.0), "must be positive"),
        (lambda v: v["matrices"][0].update(outputs=1.5), "at most 1"),
        (lambda v: v["matrices"][0].update(losses=[-1e308] * 5), "below 1e.100. Got 1e.308"),
        (
            lambda v: (
                v.update(together=[0.0] * 5, on_the_way=[], steps=[], earlier=[]),
                [one.update(losses=[0.0] * 5) for one in v["matrices"]],
            ),
            "exactly nothing",
        ),
        (lambda v: v["matrices"][0].update(name="b"), "different names"),
        (lambda v: v["matrices"][0].update(outputs="x"), r"matrices\[0\]\.outputs"),
    ],
)
def test_a_damaged_file_is_refused_with_the_place(
    change: Callable[[dict[str, Any]], object], words: str, tmp_path: Path
) -> None:
    path = sensitivities().to_json(tmp_path / "a.json")
    values = json.loads(path.read_text("utf-8"))
    change(values)
    path.write_text(json.dumps(values), "utf-8")
    with pytest.raises(FileFormatError, match=words):
        Sensitivities.from_json(path)


def judged(module: Any, documents: list[Any], shift: float = 0.0) -> list[Any]:
    with torch.no_grad():
        return [(x, module(x) + shift) for x in documents]


def loss(module: Any, pair: Any) -> Any:
    x, y = pair
    return (module(x) - y).double().square().mean()


def test_the_parts_of_a_quadratic_loss_are_those_of_algebra(tmp_path: Path) -> None:
    """Of two layers with one output, ‖(D₁ + D₂) x‖²: D₁ has ‖D₁x‖² + (D₁x)·(D₂x)."""

    class Sum(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(40, 60, bias=False), nn.Linear(40, 60, bias=False)

        def forward(self, x: Any) -> Any:
            return self.a(x) + self.b(x)

    torch.manual_seed(3)
    module = Sum().double().eval()
    documents = [x.double() for x in texts(16, 2)]
    inputs = pastur.torch.collect_inputs(module, documents, path=tmp_path / "i.safetensors")
    plan = planned(module, inputs, 0.6)
    found = pastur.torch.attribute_loss(
        module, plan, documents=judged(module, documents), loss=loss
    )
    small = pastur.torch.compress(copy.deepcopy(module), plan)
    with torch.no_grad():
        changes = [
            torch.stack([getattr(small, k)(x) - getattr(module, k)(x) for x in documents])
            for k in "ab"
        ]
        both = (changes[0] * changes[1]).mean(dim=(1, 2)).numpy()
        alone = [one.square().mean(dim=(1, 2)).numpy() for one in changes]
    for one, own in zip(found.matrices, alone, strict=True):
        np.testing.assert_allclose(one.losses, own + both, rtol=1e-8, atol=1e-12)
    # Each of them alone is something else: what they lose together is shared.
    assert float(np.abs(both).max()) > 0.01 * float(alone[0].mean())
    np.testing.assert_allclose(found.together, alone[0] + alone[1] + 2 * both, rtol=1e-8)


def test_the_parts_add_up_to_what_is_lost(tmp_path: Path) -> None:
    """To the accuracy of the rule, which a rule of one node does not have."""
    module = network().double()
    inputs = pastur.torch.collect_inputs(
        module, [x.double() for x in texts(16, 1)], path=tmp_path / "i.safetensors"
    )
    plan = planned(module, inputs, 0.5)
    pairs = judged(module, [x.double() for x in texts(8, 2)], shift=0.3)
    before = copy.deepcopy(module.state_dict())
    apart = []
    for nodes in (1, 3, 5):
        found = pastur.torch.attribute_loss(module, plan, documents=pairs, loss=loss, nodes=nodes)
        parts = np.sum([one.losses for one in found.matrices], axis=0)
        apart.append(float(np.abs(parts / np.array(found.together) - 1).max()))
    assert apart[0] > 1e-2 and apart[1] < 1e-3 and apart[2] < 1e-6
    small = pastur.torch.compress(copy.deepcopy(module), plan)
    with torch.no_grad():
        more = [float(loss(small, x) - loss(module, x)) for x in pairs]
    np.testing.assert_allclose(found.together, more, rtol=1e-9)
    for name, numbers in module.state_dict().items():
        assert torch.equal(numbers, before[name])
    assert all(one.requires_grad and one.grad is None for one in module.parameters())


def test_it_agrees_with_each_matrix_alone_where_little_is_lost(tmp_path: Path) -> None:
    module = network()
    plan = planned(module, collected(module, tmp_path), 0.8)
    pairs = judged(module, texts(16, 2))

    def evaluate(one: Any) -> list[float]:
        with torch.no_grad():
            return [float(loss(one, pair)) for pair in pairs]

    parts = pastur.torch.attribute_loss(module, plan, documents=pairs, loss=loss)
    alone = pastur.torch.measure_sensitivities(module, plan, evaluate=evaluate)
    for one, other in zip(parts.matrices, alone.matrices, strict=True):
        assert one.name == other.name
        assert one.mean == pytest.approx(other.mean, rel=0.2)


def test_tensors_that_no_document_reaches_have_no_part(tmp_path: Path) -> None:
    class Experts(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(40, 60), nn.Linear(40, 60)

        def forward(self, x: Any) -> Any:
            return self.a(x) if x.shape[0] == 30 else self.b(x)

    torch.manual_seed(0)
    module = Experts().eval()
    module.a.weight.requires_grad_(False)
    documents = texts(8, 1)
    given = [*documents, *(x[:20] for x in documents)]
    inputs = pastur.torch.collect_inputs(module, given, path=tmp_path / "i.safetensors")
    plan = planned(module, inputs, 0.7)
    found = pastur.torch.attribute_loss(
        module, plan, documents=judged(module, documents), loss=loss
    )
    a, b = found.matrices
    assert a.mean > 0 and set(b.losses) == {0.0}
    assert not module.a.weight.requires_grad


def test_matrices_of_a_round_before_are_kept_where_they_were_measured() -> None:
    first = measured(a=0.2, b=0.3)
    second = measured(b=0.1)
    found = second.joined(first)
    assert [one.name for one in found.every] == ["b", "a"]
    assert found.every[0].mean == pytest.approx(0.1) and found.weights["a"] == pytest.approx(2.0)
    # Half of the outputs of b: nothing of what a costs. The plan itself: as it was measured.
    assert found.predicted({"b": 0.05}).loss == pytest.approx(0.05)
    assert found.predicted({"b": 0.1}) == second.predicted({"b": 0.1})
    both = found.predicted({"b": 0.1, "a": 0.05})
    assert both.loss == pytest.approx(0.2) and ends(both)[1] > 0.2 + 0.5 * 0.5 * 0.2
    assert found.joined(first) == found
    with pytest.raises(InvalidInputError, match="another model"):
        second.joined(measured(model="x", a=0.1))
    with pytest.raises(InvalidInputError, match="other documents"):
        second.joined(measured(before=2.0, a=0.1))
    more = MatrixSensitivity("a", 0.1, (0.1,) * 6)
    with pytest.raises(InvalidInputError, match="other documents"):
        second.joined(Sensitivities("", (1.0,) * 6, (more,), (0.1,) * 6))
    with pytest.raises(InvalidTypeError, match=r"must be Sensitivities\. Got str"):
        second.joined("a.json")  # type: ignore[arg-type]


def measured(model: str = "", before: float = 1.0, **means: float) -> Sensitivities:
    matrices = tuple(
        MatrixSensitivity(name, 0.1, (mean, mean + 0.01, mean - 0.01, mean, mean))
        for name, mean in means.items()
    )
    together = tuple(np.sum([one.losses for one in matrices], axis=0).tolist())
    return Sensitivities(model, (before,) * 5, matrices, together)


@pytest.mark.parametrize(
    ("wrong", "kind", "words"),
    [
        (lambda module, pair: 1.0, InvalidTypeError, "tensor of one real number. Got float"),
        (
            lambda module, pair: module(pair[0]),
            InvalidTypeError,
            r"shape .30, 40., of torch\.float32",
        ),
        (lambda module, pair: loss(module, pair).detach(), InvalidTypeError, "differentiated"),
        (lambda module, pair: loss(module, pair) / 0, InvalidInputError, "loss of document 0"),
        (
            lambda module, pair: loss(module, pair) + 0 * (module(pair[0]) * 0).sum().sqrt(),
            InvalidInputError,
            "gradient of document 0",
        ),
        (lambda module, pair: loss(module, pair) + 0j, InvalidTypeError, r"of torch\.complex128"),
        (lambda _, pair: loss(network(), pair), InvalidInputError, "exactly nothing"),
        (
            lambda module, pair: loss(
                module, (nn.functional.dropout(pair[0], training=True), pair[1])
            ),
            InvalidInputError,
            "loss of document 0 is .* where it was .* must return the same",
        ),
        ("x", InvalidTypeError, "a function of module and document"),
    ],
)
def test_losses_without_a_gradient_are_refused(
    wrong: Any, kind: type[Exception], words: str, tmp_path: Path
) -> None:
    module = network()
    plan = planned(module, collected(module, tmp_path), 0.6)
    pairs = judged(module, texts(6, 2), shift=0.1)
    before = copy.deepcopy(module.state_dict())
    with pytest.raises(kind, match=words):
        pastur.torch.attribute_loss(module, plan, documents=pairs, loss=wrong)
    for name, numbers in module.state_dict().items():
        assert torch.equal(numbers, before[name])


def test_copies_of_documents_are_named_and_too_few_others_refused(tmp_path: Path) -> None:
    """Ten times four documents had an interval a third as wide as that of four."""
    module = network()
    plan = planned(module, collected(module, tmp_path), 0.6)
    pairs = judged(module, texts(6, 2))
    with pytest.raises(InvalidInputError, match=r"Of 20 `documents`, 16 .*5 must be different"):
        pastur.torch.attribute_loss(module, plan, documents=pairs[:4] * 5, loss=loss)
    with pytest.warns(PasturWarning, match="Of 7 `documents`, 1 lose to the bit what others"):
        pastur.torch.attribute_loss(module, plan, documents=[*pairs, pairs[2]], loss=loss)


def test_too_few_documents_and_modules_in_training_are_refused(tmp_path: Path) -> None:
    module = network()
    plan = planned(module, collected(module, tmp_path), 0.6)
    pairs = judged(module, texts(4, 2))
    with pytest.raises(InvalidInputError, match=r"at least 5\. Got 4"):
        pastur.torch.attribute_loss(module, plan, documents=pairs, loss=loss)
    with pytest.raises(InvalidInputError, match="training mode"):
        pastur.torch.attribute_loss(module.train(), plan, documents=pairs * 2, loss=loss)
    with pytest.raises(InvalidTypeError, match=r"must be the result of"):
        pastur.torch.attribute_loss(module.eval(), None, documents=pairs * 2, loss=loss)  # type: ignore[arg-type]


def test_a_module_made_in_inference_mode_is_refused(tmp_path: Path) -> None:
    with torch.inference_mode():
        module = network()
    plan = planned(module, collected(module, tmp_path), 0.6)
    pairs = judged(module, texts(6, 2))
    with pytest.raises(InvalidInputError, match=r"'0.weight' was made under .torch.inference_mode"):
        pastur.torch.attribute_loss(module, plan, documents=pairs, loss=loss)


def test_a_smaller_plan_loses_what_was_lost_a_part_of_the_way() -> None:
    """Of a loss 2 t + t² + 3 t³ on the way: a plan with a quarter of its outputs lost is at ½."""
    steps = np.array([0.1, 0.5, 0.9, 1.0])
    *way, whole = (tuple([2 * t + t**2 + 3 * t**3] * 5) for t in steps)
    one = MatrixSensitivity("a", 0.1, whole)
    found = Sensitivities("", (1.0,) * 5, (one,), whole, tuple(steps[:-1].tolist()), tuple(way))
    assert found.predicted({"a": 0.025}).loss == pytest.approx(2 / 2 + 1 / 4 + 3 / 8, rel=1e-9)
    assert found.predicted({"a": 0.1}).loss == pytest.approx(6.0, rel=1e-9)
