"""The noise test, on linear networks whose loss has a closed form for every change."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pastur
import pastur.torch
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._typing import FloatArray
from pastur.analysis import NoiseTest
from pastur.analysis._noise_test.parts import MatrixParts
from pastur.datasets import FashionMnist, shipped_network_path
from pastur.estimation import fit_rectangular

torch = pytest.importorskip("torch")
nn = torch.nn

SHAPE, SPIKES, SD = (60, 90), 3, 0.1


def noise(seed: int, kind: str = "white") -> FloatArray:
    rng = np.random.default_rng(seed)
    g = SD * rng.normal(size=SHAPE)
    if kind == "profile":
        rows, columns = (np.exp(rng.normal(scale=0.5, size=side)) for side in SHAPE)
        return np.asarray(rows[:, None] * g * columns)
    if kind == "free":
        # Neighbours in a row are correlated.
        for j in range(1, SHAPE[1]):
            g[:, j] += 0.7 * g[:, j - 1]
    return g


def signal(seed: int, kind: str = "white") -> FloatArray:
    """Directions beyond the edge of the noise, far beyond where its neighbours are correlated."""
    strength = 8.0 if kind == "free" else 2.0
    rng = np.random.default_rng([seed, 1])
    u, v = (np.linalg.qr(rng.normal(size=(side, SPIKES)))[0] for side in SHAPE)
    theta = strength * SD * np.sqrt(max(SHAPE)) * np.linspace(1, 2, SPIKES)
    return np.asarray((u * theta) @ v.T)


def linear(weight: FloatArray) -> Any:
    layer = nn.Linear(*weight.shape[::-1], bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
    return nn.Sequential(layer)


def distance_to(target: FloatArray) -> Callable[[Any], Any]:
    """The mean of ‖(W − target)x‖² over inputs of covariance 1: ‖W − target‖² in closed form."""
    inputs = torch.eye(target.shape[1], dtype=torch.float64)
    wanted = torch.from_numpy(target)
    return lambda module: torch.sum((module(inputs) - wanted.T) ** 2)


@pytest.mark.parametrize("kind", ["white", "profile", "free"])
def test_every_change_has_the_loss_of_its_closed_form(kind: str) -> None:
    w = noise(1, kind) + signal(1, kind)
    module = linear(w)
    analysis = pastur.analyze(module)
    fit = analysis.matrices[0].fit
    assert fit.noise == kind
    test = pastur.torch.noise_test(module, distance_to(w), analysis=analysis, draws=8)
    one = test["0.weight"]
    assert (test.loss, test.repeated, one.noise) == (0.0, 0.0, kind)
    parts = MatrixParts.of(w, fit)
    power = np.linalg.svd(w, compute_uv=False) ** 2
    # ‖W − W′‖² is the energy of what was removed.
    assert one.rest_removed == pytest.approx(np.sum(parts.rest**2), rel=1e-9)
    assert one.signal_removed == pytest.approx(np.sum(parts.signal**2), rel=1e-9)
    tenths = [part.sum() for part in np.split(power, 10)]
    np.testing.assert_allclose(np.array(one.deciles, dtype=float), tenths, rtol=1e-9)
    if kind != "profile":
        kept = SPIKES if kind == "white" else len(fit.standing_out)
        assert one.directions == kept
        assert one.signal_removed == pytest.approx(power[:kept].sum(), rel=1e-9)
    assert one.rest_energy == pytest.approx(np.sum(parts.rest**2) / power.sum(), rel=1e-9)


@pytest.mark.parametrize("kind", ["white", "profile", "free"])
def test_fresh_noise_adds_its_own_energy(kind: str) -> None:
    # Independent of the rest, it is at ‖rest‖² + ‖fresh‖² from W. The scalar product of two
    # independent matrices of 5000 entries is within 5/√5000 of zero, relative; false alarm 1e-6.
    w = noise(2, kind) + signal(2, kind)
    test = pastur.torch.noise_test(linear(w), distance_to(w), draws=4)
    one = test["0.weight"]
    rest = one.rest_energy * np.sum(w**2)
    assert one.fresh_mean == pytest.approx(rest * (1 + one.fresh_energy), rel=0.08)
    assert one.fresh_error is not None and one.fresh_error > 0
    # The rest serves this network: it is what it was trained to be.
    assert one.p_value == pytest.approx(1 / 5)
    exact = kind == "free"
    assert one.fresh_energy == pytest.approx(1.0, rel=1e-9 if exact else 0.15)


@pytest.mark.parametrize("kind", ["white", "profile", "free"])
def test_fresh_noise_leaves_the_signal_as_it_is(kind: str) -> None:
    w = noise(3, kind) + signal(3, kind)
    fit = fit_rectangular(w, noise=kind)
    parts = MatrixParts.of(w, fit)
    assert len(parts.chosen) > 0
    drawn = parts.fresh(np.random.default_rng(0))
    scaled = drawn if parts.variances is None else parts.variances.whitened(drawn)
    u, v = parts.left[:, parts.chosen], parts.right[parts.chosen]
    size = np.linalg.norm(scaled)
    assert np.linalg.norm(u.T @ scaled) < 1e-12 * size
    assert np.linalg.norm(scaled @ v.T) < 1e-12 * size
    np.testing.assert_allclose(parts.signal + parts.rest, w, atol=1e-12)
    values = np.linalg.svd(scaled, compute_uv=False)
    others = np.delete(parts.values, parts.chosen)
    if kind == "free":
        np.testing.assert_allclose(values[: others.size], others, rtol=1e-10)
    # Of the same law: each quantile is that of the rest to a few percent.
    np.testing.assert_allclose(values[5:50:5], others[5:50:5], rtol=0.12)
    # Noise of a level that is 30 % too high would be noticed.
    assert not np.allclose(1.3 * values[5:50:5], others[5:50:5], rtol=0.12)


def one_output(target: FloatArray, seed: int) -> Callable[[Any], Any]:
    """‖(W − target)x‖² for one input x, which depends on the directions of W."""
    x = torch.from_numpy(np.random.default_rng([seed, 2]).normal(size=SHAPE[1]))
    wanted = torch.from_numpy(target) @ x
    return lambda module: torch.sum((module(x) - wanted) ** 2)


def p_values(kind: str, served: float, seeds: range) -> FloatArray:
    """P-values of networks that were trained for a share of their noise."""
    found = []
    for seed in seeds:
        r, s = noise(seed, kind), signal(seed, kind)
        module = linear(r + s)
        analysis = pastur.analyze(module, noise=kind)
        loss = one_output(s + served * r, seed)
        found.append(_fresh_only(module, loss, analysis, seed))
    return np.array(found)


def _fresh_only(module: Any, loss: Any, analysis: pastur.Analysis, seed: int) -> float:
    test = pastur.torch.noise_test(module, loss, analysis=analysis, draws=9, seed=seed)
    return test["0.weight"].p_value


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["white", "free"])
def test_noise_that_no_one_needs_has_uniform_p_values(kind: str) -> None:
    # Of 100 p-values 0.1, 0.2, …, 1 the mean is 0.55 ± 0.029: four deviations, false alarm 6e-5.
    found = p_values(kind, 0.0, range(100))
    assert abs(found.mean() - 0.55) < 0.116
    assert np.mean(found <= 0.1) < 0.1 + 4 * 0.03


def test_noise_that_the_network_was_trained_for_is_noticed() -> None:
    found = p_values("white", 1.0, range(6))
    assert (found <= 0.1).all()


# --- what else is tested and what is not ---


class Net(nn.Module):
    """Fused queries, keys and values, a convolution, tied weights, sixteen bits."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(48, 4, batch_first=True)
        self.conv = nn.Conv2d(8, 40, 3)
        self.embedding = nn.Embedding(90, 48)
        self.out = nn.Linear(48, 90, bias=False)
        self.out.weight = self.embedding.weight
        self.half = nn.Linear(48, 64).to(torch.bfloat16)
        self.register_buffer("still", torch.full((40, 40), float("nan")))

    def forward(self, words: Any, image: Any) -> Any:
        x = self.embedding(words)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        low = self._modules["half"](x.to(torch.bfloat16)).float()
        return self.out(x).square().mean() + self.conv(image).square().mean() + low.square().mean()


def network() -> Any:
    torch.manual_seed(0)
    return Net().eval()


def evaluate(module: Any) -> Any:
    torch.manual_seed(1)
    return module(torch.randint(0, 90, (2, 7)), torch.randn(2, 8, 6, 6))


def bits(module: Any) -> list[bytes]:
    return [
        value.detach().contiguous().view(torch.uint8).numpy().tobytes()
        for value in module.state_dict().values()
    ]


@pytest.mark.lengthy
def test_every_matrix_is_tested_and_the_module_restored_to_the_bit() -> None:
    module = network()
    before = bits(module)
    with torch.no_grad():
        test = pastur.torch.noise_test(module, evaluate, draws=2)
    assert bits(module) == before
    names = [one.name for one in test.matrices]
    assert names == [
        "attention.in_proj_weight:q",
        "attention.in_proj_weight:k",
        "attention.in_proj_weight:v",
        "attention.out_proj.weight",
        "conv.weight",
        "embedding.weight",
        "half.weight",
    ]
    assert test.loss == test.repeated
    assert test.skipped == {
        "still": "holds 1600 NaN values",
        "out.weight": "is the same tensor as 'embedding.weight'",
    }
    # Each change reached what is computed.
    for one in test.matrices:
        assert any(abs(change or 0.0) > 1e-6 for change in one.deciles), one.name
    with torch.no_grad():
        again = pastur.torch.noise_test(module, evaluate, draws=2)
        other = pastur.torch.noise_test(module, evaluate, draws=2, seed=1)
    assert again.to_dict() == test.to_dict()
    assert other.to_dict() != test.to_dict()


def test_draws_of_a_matrix_do_not_depend_on_the_others() -> None:
    module = network()
    alone = pastur.analyze(module, include="conv.weight")
    few = pastur.analyze(module, include=["conv.weight", "half.weight"])
    with torch.no_grad():
        tests = [
            pastur.torch.noise_test(module, evaluate, analysis=analysis, draws=1)
            for analysis in (alone, few)
        ]
    assert tests[0]["conv.weight"] == tests[1]["conv.weight"]


@pytest.mark.parametrize("call", [2, 3, 5, 9, 14])
def test_the_module_is_restored_after_an_error(call: int) -> None:
    module = linear(noise(4) + signal(4))
    before, calls = bits(module), []

    def fails(module: Any) -> float:
        calls.append(1)
        if len(calls) == call:
            raise KeyError("evaluation")
        return float(module[0].weight.detach().sum())

    with pytest.raises(KeyError, match="evaluation"):
        pastur.torch.noise_test(module, fails, draws=2)
    assert len(calls) == call
    assert bits(module) == before


def test_rows_of_zeros_stay_so_and_a_matrix_without_noise_is_skipped() -> None:
    w = noise(5) + signal(5)
    w[::7], w[:, 3] = 0.0, 0.0
    layers = nn.Sequential(linear(w)[0], nn.ReLU(), linear(signal(6) @ np.eye(90))[0])
    seen = []

    def loss(module: Any) -> Any:
        weight = module[0].weight.detach()
        seen.append(float(weight[::7].abs().sum() + weight[:, 3].abs().sum()))
        return weight.square().sum()

    test = pastur.torch.noise_test(layers, loss, draws=2)
    assert len(test.matrices) == 1 and max(seen) == 0.0
    assert test.skipped == {"2.weight": "has no noise"}
    assert "Not tested: '2.weight' has no noise." in str(test)


def test_losses_that_are_not_finite_are_kept_as_such() -> None:
    w = noise(7) + signal(7)
    first = w[0, 0]
    test = pastur.torch.noise_test(
        linear(w), lambda m: 1.0 if m[0].weight[0, 0] == first else float("inf"), draws=3
    )
    one = test["0.weight"]
    assert one.rest_removed is one.signal_removed is one.fresh_mean is one.fresh_error is None
    assert one.p_value == 0.25
    assert "–" in str(test)


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (lambda m: float("nan"), InvalidInputError, "finite loss for the module as it is. Got nan"),
        (lambda m: "low", InvalidTypeError, r"`evaluate\(module\)` must be a real number"),
        (lambda m: torch.zeros(3), InvalidTypeError, r"`evaluate\(module\)` must be a real number"),
        (3, InvalidTypeError, "`evaluate` must be a function of the module. Got int"),
    ],
)
def test_what_is_not_a_loss_is_refused(loss: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        pastur.torch.noise_test(linear(noise(8)), loss)


def test_other_analyses_and_modules_are_refused() -> None:
    module = linear(noise(8))
    with pytest.raises(InvalidTypeError, match=r"result of `pastur\.analyze`. Got str"):
        pastur.torch.noise_test(module, evaluate, analysis="this")  # type: ignore[arg-type]
    other = pastur.analyze({"1.weight": noise(8)})
    with pytest.raises(InvalidInputError, match=r"has no matrix '1.weight' of shape \(60, 90\)"):
        pastur.torch.noise_test(module, evaluate, analysis=other)
    changed = pastur.analyze({"0.weight": 1.01 * noise(8)})
    with pytest.raises(InvalidInputError, match=r"matrix '0.weight' has other numbers"):
        pastur.torch.noise_test(module, distance_to(noise(8)), analysis=changed)
    with pytest.raises(InvalidInputError, match=r"must be a torch\.nn\.Module"):
        pastur.torch.noise_test(np.eye(3), evaluate)
    with pytest.raises(InvalidInputError, match="`draws` must be at least 1"):
        pastur.torch.noise_test(module, evaluate, draws=0)
    with pytest.raises(InvalidInputError, match=r"No matrix can be tested: '0\.weight'"):
        pastur.torch.noise_test(linear(signal(8)), distance_to(signal(8)))


# --- the record ---


@pytest.fixture(scope="module")
def result() -> NoiseTest:
    """Of two layers."""
    module = nn.Sequential(linear(noise(9) + signal(9))[0], linear(noise(10, "free").T)[0])
    return pastur.torch.noise_test(module, lambda m: m[1].weight.sum() + m[0].weight[0, 0], draws=3)


def test_it_reads_as_two_tables(result: NoiseTest) -> None:
    lines = str(result).splitlines()
    assert lines[0].split()[:4] == ["matrix", "shape", "noise", "signal"]
    assert lines[1].startswith("0.weight  60 × 90  white       3")
    assert lines[2].startswith("1.weight  90 × 60  free")
    assert lines[4].split() == ["without", "tenth", *map(str, range(1, 11))]
    assert "the same when evaluated again" in lines[8]
    assert (
        "Noise free: no law of noise is claimed: the rest is everything that does not stand"
        in str(result)
    )


def test_it_comes_back_from_json(result: NoiseTest, tmp_path: Path) -> None:
    path = result.to_json(tmp_path / "test.json")
    found = NoiseTest.from_json(path)
    assert found == result
    text = path.read_text()
    path.write_text(text.replace('"free"', '"loud"'))
    with pytest.raises(pastur.PasturError, match=r"damaged noise test: `matrices\[1\].noise`"):
        NoiseTest.from_json(path)
    path.write_text("{}")
    with pytest.raises(pastur.PasturError, match="not a noise test that this version reads"):
        NoiseTest.from_json(path)
    with pytest.raises(InvalidInputError, match=r"No matrix '0.weigth' .*Did you mean '0.weight'"):
        result["0.weigth"]


@pytest.mark.lengthy
def test_it_is_drawn(result: NoiseTest) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    ax = pastur.figures.plot_noise_test(result)
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "0.weight (white)",
        "1.weight (free)",
    ]
    drawn = {line.get_label(): np.asarray(line.get_xdata()).tolist() for line in ax.lines}
    assert drawn["rest removed"] == [one.rest_removed for one in result.matrices]
    assert drawn["fresh rest"] == [one.fresh_mean for one in result.matrices]
    ax.figure.canvas.draw()
    with pytest.raises(InvalidTypeError, match=r"result of `noise_test`. Got a dict"):
        pastur.figures.plot_noise_test({})  # type: ignore[arg-type]


@pytest.mark.lengthy
def test_the_example_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    page = (Path(__file__).parents[2] / "docs" / "compression-reference.md").read_text("utf-8")
    (example,) = [part for part in page.split("```") if "noise_test(\n" in part]
    space: dict[str, Any] = {}
    exec(example.removeprefix("python"), space)
    assert "Loss of the model" in capsys.readouterr().out
    assert len(space["test"].matrices) == 2


@pytest.mark.slow
def test_the_figures_of_the_page(real_data: FashionMnist) -> None:
    tensors = pytest.importorskip("safetensors.torch").load_file(shipped_network_path())
    del tensors["fc2.weight.initial"]
    layers = {"fc1": nn.Linear(784, 300), "fc2": nn.Linear(300, 300), "fc3": nn.Linear(300, 10)}
    module = nn.ModuleDict(layers)
    module.load_state_dict(tensors)
    images = torch.from_numpy(real_data.test_images[:2000] / np.float32(255)).reshape(2000, 784)
    labels = torch.from_numpy(np.array(real_data.test_labels[:2000], dtype=np.int64))

    def loss(module: Any) -> Any:
        with torch.no_grad():
            x = module["fc2"](module["fc1"](images).abs()).abs()
            return nn.functional.cross_entropy(module["fc3"](x), labels)

    white, free = (
        pastur.torch.noise_test(
            module, loss, analysis=pastur.analyze(module, noise=noise, include="fc2.weight")
        )["fc2.weight"]
        for noise in ("white", "free")
    )
    assert (white.directions, free.directions) == (11, 9)
    # As printed, to the last digit.
    assert white.rest_removed == pytest.approx(0.051, abs=6e-4)
    assert white.fresh_mean == pytest.approx(0.065, abs=6e-4)
    assert white.fresh_error == pytest.approx(0.010, abs=6e-4)
    assert white.signal_removed == pytest.approx(3.2, abs=0.06)
    assert max(change or 0.0 for change in white.deciles[1:]) <= 0.005
    assert white.p_value == 0.05
    assert free.fresh_mean == pytest.approx(1.65, abs=6e-3)
    assert free.fresh_error == pytest.approx(0.10, abs=6e-3)


def test_copies_of_a_module_give_the_same() -> None:
    module = linear(noise(11) + signal(11))
    losses = distance_to(signal(11))
    tests = [
        pastur.torch.noise_test(one, losses, draws=2) for one in (module, copy.deepcopy(module))
    ]
    assert tests[0] == tests[1]
