"""What a plan promises is what is found, and its choices are the best for its target."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pastur
from pastur._errors import FileFormatError, InvalidInputError, InvalidTypeError
from pastur.compression import Action, Choice, CompressionPlan, InputMoments
from pastur.compression._methods.methods import METHODS, MethodName
from pastur.compression._plan.outcome import carried_out

TARGETS: dict[str, dict[str, float] | None] = {
    "truncate": {"size": 0.6},
    "energy": {"error": 0.5},
    "rank": {"size": 0.5},
    "magnitude": {"size": 0.5},
    "edge_budget": {"size": 0.5},
    "ramp": {"error": 0.3},
    "outputs": {"size": 0.5},
    "whitened": {"size": 0.5},
}


def values_of(model: dict[str, Any], name: str) -> Any:
    return np.linalg.svd(matrix_of(model, name), compute_uv=False)


def matrix_of(model: dict[str, Any], name: str) -> Any:
    tensor, _, part = name.partition(":")
    w = np.asarray(model[tensor], np.float64)
    if part:
        return w.reshape(3, -1, w.shape[1])["qkv".index(part)]
    return w.reshape(w.shape[0], -1)


def error_of(model: dict[str, Any], plan: CompressionPlan, name: str) -> float:
    w = matrix_of(model, name)
    return float(np.linalg.norm(w - carried_out(plan[name].choice, w).dense()) / np.linalg.norm(w))


@pytest.mark.parametrize("form", ["dense", "factored"])
@pytest.mark.parametrize("method", list(METHODS))
def test_the_error_that_is_promised_is_found(
    method: str,
    form: str,
    model: dict[str, Any],
    analysis: pastur.Analysis,
    inputs: InputMoments,
) -> None:
    target = TARGETS.get(str(method))
    given = inputs if METHODS[MethodName(method)].reads_inputs else None
    plan = pastur.plan_compression(
        analysis, model, method=method, target=target, form=form, inputs=given
    )
    assert [matrix.name for matrix in plan.matrices] == [m.name for m in analysis.matrices]
    changed = [matrix for matrix in plan.matrices if not matrix.kept]
    if (method, form) == ("denoise", "factored"):
        # At growing rank every direction is left.
        assert "too many directions are left" in plan["fc.weight"].note
    else:
        assert changed
    for matrix in changed:
        promise, found = matrix.promise, error_of(model, plan, matrix.name)
        assert promise is not None
        assert promise.low <= found <= promise.high, matrix.name
        # `split` works out the rest in float32 before it is coded.
        rounding = 1e-6 if method == "split" else 1e-12
        # Directions by outputs are chosen in float32, and written in float64.
        rounding = 1e-5 if given is not None else rounding
        assert found == pytest.approx(promise.error, rel=rounding, abs=1e-12)


def test_truncation_loses_the_tail_of_the_singular_values(
    model: dict[str, Any], analysis: pastur.Analysis
) -> None:
    plan = pastur.plan_compression(analysis, model, target={"size": 0.5}, form="dense")
    changed = [matrix for matrix in plan.matrices if not matrix.kept]
    assert len(changed) > 2
    for matrix in changed:
        s, rank = values_of(model, matrix.name), matrix.choice.rank
        assert rank is not None
        tail = np.sqrt(np.sum(s[rank:] ** 2) / np.sum(s**2))
        assert error_of(model, plan, matrix.name) == pytest.approx(tail, abs=1e-12)


@pytest.mark.parametrize("method", ["denoise", "shrink"])
def test_shrinkage_loses_the_tail_and_what_it_takes_from_the_rest(
    method: str, model: dict[str, Any], analysis: pastur.Analysis
) -> None:
    plan = pastur.plan_compression(analysis, model, method=method, form="dense")
    changed = [matrix for matrix in plan.matrices if not matrix.kept]
    assert len(changed) > 2
    for matrix in changed:
        s, choice = values_of(model, matrix.name), matrix.choice
        assert choice.values is not None
        assert choice.rank is not None
        eta = np.array(choice.values[: choice.rank])
        lost = np.sum(s[choice.rank :] ** 2) + np.sum((s[: choice.rank] - eta) ** 2)
        expected = np.sqrt(lost / np.sum(s**2))
        assert error_of(model, plan, matrix.name) == pytest.approx(expected, abs=1e-12)
        # A naive truncation of the same rank does not have that error.
        assert np.sqrt(np.sum(s[choice.rank :] ** 2) / np.sum(s**2)) < expected - 1e-6


@pytest.mark.parametrize("noise", ["white", "profile", "free"])
def test_denoising_is_that_of_the_fit(noise: str, model: dict[str, Any]) -> None:
    analysis = pastur.analyze(model, noise=noise, include=["fc.weight", "out.weight"])
    plan = pastur.plan_compression(analysis, model, method="denoise", form="dense")
    for matrix in analysis.matrices:
        w = matrix_of(model, matrix.name)
        found = carried_out(plan[matrix.name].choice, w).dense()
        assert np.abs(found - matrix.fit.denoise(w)).max() < 1e-10 * np.abs(w).max()


def test_the_rank_at_the_edge_is_that_of_the_fit(
    model: dict[str, Any], analysis: pastur.Analysis
) -> None:
    dense = pastur.plan_compression(analysis, model, method="edge", form="dense")
    factored = pastur.plan_compression(analysis, model, method="edge")
    for matrix in analysis.matrices:
        rank = matrix.fit.rank
        assert rank > 0
        assert dense[matrix.name].choice.rank == rank
        if factored[matrix.name].packs:
            assert factored[matrix.name].choice.rank == -(-rank // 8) * 8


@pytest.mark.parametrize("noise", ["profile", "free"])
def test_the_edge_is_that_of_white_noise_whatever_was_analysed(
    noise: str, model: dict[str, Any]
) -> None:
    analysis = pastur.analyze(model, noise=noise, include=["fc.weight", "out.weight"])
    plan = pastur.plan_compression(analysis, model, method="edge", form="dense")
    for matrix in plan.matrices:
        w = matrix_of(model, matrix.name)
        end = pastur.fit_rectangular(w).bulk_edge
        assert matrix.choice.rank == np.count_nonzero(values_of(model, matrix.name) > end)
        assert "which the analysis does not assume" in matrix.note


def test_ranks_of_factors_are_multiples_of_eight_below_the_break_even(
    model: dict[str, Any], analysis: pastur.Analysis
) -> None:
    for size in (0.95, 0.8, 0.6):
        plan = pastur.plan_compression(analysis, model, target={"size": size})
        for matrix in plan.matrices:
            if not matrix.kept:
                n, m = matrix.shape
                rank = matrix.choice.rank
                assert rank is not None
                assert rank % 8 == 0
                assert rank * (n + m) < n * m


@pytest.mark.parametrize("method", ["truncate", "energy", "rank", "magnitude", "ramp", "edge"])
@pytest.mark.parametrize("size", [0.9, 0.7, 0.5])
def test_the_size_aimed_at_is_met(
    method: str, size: float, model: dict[str, Any], analysis: pastur.Analysis
) -> None:
    plan = pastur.plan_compression(
        analysis, model, method=method, target={"size": size}, form="dense"
    )
    after = plan.parameters_after
    assert after is not None
    assert size - 0.02 < after / plan.parameters_before <= size


@pytest.mark.parametrize("error", [0.05, 0.2, 0.4])
def test_the_error_aimed_at_is_met(
    error: float, model: dict[str, Any], analysis: pastur.Analysis
) -> None:
    plan = pastur.plan_compression(analysis, model, target={"error": error}, form="dense")
    assert plan.error is not None
    # The first step of a matrix, to where factors are smaller than it, is a large one.
    assert error - 0.05 <= plan.error <= error
    whole = sum(matrix.entries for matrix in plan.matrices)
    squares = sum(m.entries * error_of(model, plan, m.name) ** 2 for m in plan.matrices)
    assert plan.error == pytest.approx(np.sqrt(squares / whole), abs=1e-12)


def test_an_error_that_changes_nothing_has_a_reason(
    model: dict[str, Any], analysis: pastur.Analysis
) -> None:
    """The step that is named is the first one: with its error the plan takes it."""
    plan = pastur.plan_compression(analysis, model, target={"error": 1e-3})
    assert all(matrix.kept for matrix in plan.matrices)
    found = re.search(r"the first step, in '(.*)', has an error of ([\d.]+) %", plan.assumption)
    assert found is not None
    target = {"error": float(found[2]) / 100 * 1.06}
    more = pastur.plan_compression(analysis, model, target=target)
    assert [matrix.name for matrix in more.matrices if not matrix.kept] == [found[1]]
    assert "Nothing is changed" not in more.assumption


def test_values_before_training_are_no_parameters(
    model: dict[str, Any], analysis: pastur.Analysis, tmp_path: Path
) -> None:
    """Nor of what is asked for: sizes are shares of the parameters."""
    name = next(iter(analysis)).name.partition(":")[0]
    both = {**model, f"{name}.initial": np.ones(model[name].shape)}
    options: dict[str, Any] = {"target": {"size": 0.6}}
    one = pastur.plan_compression(analysis, model, **options)
    two = pastur.plan_compression(pastur.analyze(both), both, **options)
    assert two.parameters_before == one.parameters_before
    assert two.parameters_after == one.parameters_after
    assert two.initial_entries == model[name].size and one.initial_entries == 0
    assert two.bytes_before > one.bytes_before
    assert "values from before training are in the file" in str(two)
    assert CompressionPlan.from_json(two.to_json(tmp_path / "p.json")).parameters_before == (
        one.parameters_before
    )


def test_no_other_ranks_are_better_at_the_size_that_is_reached() -> None:
    """Against all combinations of ranks of three small matrices."""
    rng = np.random.default_rng(5)
    model = {f"w{k}": rng.normal(size=(6, 9)) * np.arange(1, 10) ** k for k in range(3)}
    analysis = pastur.analyze(model)
    spectra = [values_of(model, name) for name in model]
    for size in (0.8, 0.6, 0.45):
        plan = pastur.plan_compression(
            analysis, model, target={"size": size}, form="dense", min_side=1
        )
        after, found = plan.parameters_after, plan.error
        assert after is not None
        assert found is not None
        best = least_error(spectra, after)
        assert found == pytest.approx(best, rel=1e-12)
        # Uniform ranks, which fit into the size as well, are not as good.
        rank = int(after / 3 / 15)
        uniform = np.sqrt(np.mean([np.sum(s[rank:] ** 2) / np.sum(s**2) for s in spectra]))
        assert uniform > found * 1.02


def least_error(spectra: list[Any], budget: int) -> float:
    best = np.inf
    for ranks in itertools.product(range(1, 7), repeat=3):
        sizes = [54 if rank == 6 else min(54, 15 * rank) for rank in ranks]
        if sum(sizes) <= budget:
            lost = [np.sum(s[r:] ** 2) / np.sum(s**2) for s, r in zip(spectra, ranks, strict=True)]
            best = min(best, float(np.sqrt(np.mean(lost))))
    return best


def test_uniform_methods_are_uniform(model: dict[str, Any], analysis: pastur.Analysis) -> None:
    energy = pastur.plan_compression(
        analysis, model, method="energy", target={"error": 0.4}, form="dense"
    )
    most = max(m.promise.error for m in energy.matrices if m.promise is not None)
    for matrix in energy.matrices:
        s, rank = values_of(model, matrix.name), matrix.choice.rank
        assert rank is not None
        assert np.sum(s[rank - 1 :] ** 2) > most**2 * np.sum(s**2)
    ranks = pastur.plan_compression(
        analysis, model, method="rank", target={"size": 0.5}, form="dense"
    )
    kept = [(m.parameters or 0) / m.entries for m in ranks.matrices]
    assert max(kept) - min(kept) < 0.05
    stable = pastur.plan_compression(analysis, model, method="stable_rank", form="dense")
    for matrix in stable.matrices:
        s = values_of(model, matrix.name)
        assert matrix.choice.rank == int(np.ceil(np.sum(s**2) / s[0] ** 2))


def test_pruning_is_by_one_threshold(model: dict[str, Any], analysis: pastur.Analysis) -> None:
    plan = pastur.plan_compression(analysis, model, method="magnitude", target={"size": 0.4})
    everything = np.concatenate([np.abs(matrix_of(model, m.name)).ravel() for m in plan.matrices])
    for matrix in plan.matrices:
        w = np.abs(matrix_of(model, matrix.name))
        threshold = matrix.choice.threshold
        assert threshold is not None
        assert matrix.parameters == int(np.sum(w >= threshold))
        # Up to a thousandth of the entries of this matrix.
        expected = np.quantile(everything, 1 - 0.4)
        assert abs(np.mean(w < threshold) - np.mean(w < expected)) < 0.01


def test_the_ramp_is_an_arithmetic_progression(
    model: dict[str, Any], analysis: pastur.Analysis
) -> None:
    plan = pastur.plan_compression(analysis, model, method="ramp", target={"size": 0.5})
    pruned = np.array([1 - (m.parameters or 0) / m.entries for m in plan.matrices])
    steps = np.diff(pruned)
    assert steps == pytest.approx(2 * 0.15 / (pruned.size - 1), abs=0.005)


@pytest.mark.parametrize("size", [0.25, 0.1, 0.03])
def test_the_ramp_leaves_half_the_mean_share_of_the_last(
    size: float, model: dict[str, Any], analysis: pastur.Analysis
) -> None:
    plan = pastur.plan_compression(analysis, model, method="ramp", target={"size": size})
    left = np.array([(m.parameters or 0) / m.entries for m in plan.matrices])
    assert np.diff(left) == pytest.approx(np.diff(left).mean(), abs=0.003)
    # ±0.15 would leave nothing of it.
    assert left[-1] == pytest.approx(left.mean() / 2, abs=0.003)


# --- matrices with few rows ---


def spiked(n: int, m: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, m)) + 3 * rng.normal(size=(n, 3)) @ rng.normal(size=(3, m))


@pytest.mark.parametrize("form", ["dense", "factored"])
@pytest.mark.parametrize(
    "method", ["truncate", "edge", "denoise", "shrink", "energy", "rank", "stable_rank"]
)
def test_matrices_with_few_rows_keep_all_directions(method: str, form: str) -> None:
    rng = np.random.default_rng(11)
    model = {
        "fc.weight": spiked(96, 160, 1),
        # Ten classes, one of them weak, as a classifier has them.
        "head.weight": rng.normal(size=(10, 96)) * np.append(np.ones(9), 0.1)[:, None],
        "in.weight": rng.normal(size=(96, 19)),
    }
    analysis = pastur.analyze(model, noise="white")
    asked: dict[str, Any] = {"method": method, "form": form}
    if METHODS[MethodName(method)].needs:
        asked["target"] = {"size": 0.7}
    plan = pastur.plan_compression(analysis, model, **asked)
    assert not plan["fc.weight"].kept
    for name, side in (("head.weight", 10), ("in.weight", 19)):
        assert plan[name].kept
        assert plan[name].note == f"short side {side}, below 20: all directions kept"
    if method == "rank":
        # It would be cut.
        cut = pastur.plan_compression(analysis, model, **asked | {"min_side": 1})
        assert not cut["head.weight"].kept


@pytest.mark.parametrize("method", ["magnitude", "round"])
def test_other_methods_work_on_every_matrix(method: str) -> None:
    model = {"fc": spiked(60, 80, 1), "head": spiked(10, 60, 2)}
    target = {"size": 0.5} if method == "magnitude" else None
    plan = pastur.plan_compression(pastur.analyze(model), model, method=method, target=target)
    assert not any(matrix.kept for matrix in plan.matrices)


def test_the_budget_of_the_edge_is_as_published(
    model: dict[str, Any], analysis: pastur.Analysis
) -> None:
    size = 0.7
    plan = pastur.plan_compression(analysis, model, method="edge_budget", target={"size": size})
    edges = np.array([matrix.fit.bulk_edge for matrix in analysis.matrices])
    z = (edges - edges.mean()) / edges.std()
    # 2606.02608 for a sparsity of 0.3: β = 1, s_d = 0.5.
    weights = np.maximum(0.1, 1 + 1.0 * max(0.0, 1 - 0.3 / 0.5) * z)
    thresholds = np.array([matrix.choice.threshold for matrix in plan.matrices])
    ratios = thresholds / weights
    assert ratios == pytest.approx(ratios.mean(), rel=0.02)
    # One threshold for all is another rule.
    assert thresholds.max() / thresholds.min() > 1.2


# --- what is refused ---


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"target": {"size": 0.001}}, "A size of 0.001 cannot be reached"),
        ({"target": {"size": 0}}, "must be a share, above 0 and at most 1"),
        ({"target": {"size": 1.5}}, "must be a share"),
        ({"target": {"size": float("nan")}}, "must be finite"),
        ({"target": {"loss": 0.1}}, "`target` must be one of 'size', 'error'"),
        ({}, "The method 'truncate' needs a target"),
        ({"method": "svd"}, "`method` must be one of 'truncate'"),
        ({"method": "edge_budget", "target": {"error": 0.1}}, "`target` must be one of 'size'"),
        ({"method": "round", "bits": 9}, "`bits` must be one of 2, 3"),
        ({"target": {"size": 0.5}, "min_side": 0}, "`min_side` must be at least 1"),
        ({"form": "sparse", "target": {"size": 0.5}}, "`form` must be one of"),
    ],
)
def test_wrong_arguments_are_refused(
    arguments: dict[str, Any], words: str, model: dict[str, Any], analysis: pastur.Analysis
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        pastur.plan_compression(analysis, model, **arguments)


def test_wrong_types_are_refused(model: dict[str, Any], analysis: pastur.Analysis) -> None:
    with pytest.raises(InvalidTypeError, match="must be a dictionary of one item"):
        pastur.plan_compression(analysis, model, target=0.6)  # type: ignore[arg-type]
    with pytest.raises(InvalidTypeError, match="`analysis` must be the result of"):
        pastur.plan_compression(model, model)  # type: ignore[arg-type]


def test_an_analysis_of_another_model_is_refused(
    model: dict[str, Any], analysis: pastur.Analysis
) -> None:
    target = {"size": 0.6}
    other = model | {"fc.weight": 1.01 * model["fc.weight"]}
    with pytest.raises(InvalidInputError, match="is of other numbers"):
        pastur.plan_compression(analysis, other, target=target)
    fewer = {name: array for name, array in model.items() if name != "out.weight"}
    with pytest.raises(InvalidInputError, match=r"no matrix 'out.weight' of shape"):
        pastur.plan_compression(analysis, fewer, target=target)
    with pytest.raises(InvalidInputError, match="Pass the model as `source`"):
        pastur.plan_compression(analysis, target=target)


# --- a plan on disk ---


def test_a_plan_is_read_back_as_it_was(plan: CompressionPlan, tmp_path: Path) -> None:
    path = plan.to_json(tmp_path / "plan.json")
    again = CompressionPlan.from_json(path)
    assert again.to_dict() == plan.to_dict()
    assert str(again) == str(plan)
    assert "rank" in str(plan)
    assert "<table" in plan._repr_html_()


def test_a_promise_is_not_kept_for_an_edited_choice(plan: CompressionPlan, tmp_path: Path) -> None:
    path = plan.to_json(tmp_path / "plan.json")
    values = json.loads(path.read_text())
    values["matrices"][0]["choice"]["rank"] = 16
    path.write_text(json.dumps(values))
    edited = CompressionPlan.from_json(path)
    assert edited.matrices[0].choice.rank == 16
    assert edited.matrices[0].promise is None
    assert edited.error is None
    assert "not known" in str(edited)
    assert edited.to_dict() == plan.replace({"fc.weight": edited.matrices[0].choice}).to_dict()


@pytest.mark.parametrize(
    ("keys", "value", "words"),
    [
        (("choice", "rank"), 0, "`rank` must be at least 1"),
        (("choice", "rank"), 97, "`rank` must be at most 96"),
        (("choice", "rank"), 8.5, "must be an integer"),
        (("choice", "values"), [1e305] * 96, "`values` must be at most 4.22e\\+40"),
        (("choice", "rank"), None, "`rank` is needed"),
        (("choice", "action"), "delete", "must be one of 'keep'"),
        (("choice", "threshold"), 1.0, "has no meaning"),
        (("choice", "size"), 1, "is not a part of a choice"),
        (("promise", "energy"), -0.5, "`energy` must not be negative"),
        (("promise", "error"), 2.0, "`error` must lie between `low` and `high`"),
        (("promise", "low"), -0.1, "`error` must lie between `low` and `high`"),
        (("promise", "entries"), -1, "`entries` must not be negative"),
        (("tensor",), "fc.wieght", "the tensor 'fc.wieght'.*Did you mean 'fc.weight'"),
        (("shape",), [960, 160], "does not go with its tensor"),
        (("name",), "conv.weight", "Two matrices of a plan have one name"),
    ],
)
def test_a_plan_edited_to_nonsense_is_refused(
    keys: tuple[str, ...], value: Any, words: str, plan: CompressionPlan, tmp_path: Path
) -> None:
    path = plan.to_json(tmp_path / "plan.json")
    values = json.loads(path.read_text())
    place = values["matrices"][0]
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(json.dumps(values))
    with pytest.raises(FileFormatError, match=words):
        CompressionPlan.from_json(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2}', "{", '{"schema": 1}'])
def test_what_is_not_a_plan_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=r"plan\.json"):
        CompressionPlan.from_json(path)


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"action": Action.LOW_RANK}, "`rank` is needed"),
        ({"action": Action.PRUNE, "threshold": -1.0}, "must not be negative"),
        ({"action": Action.ROUND, "bits": 1}, "`bits` must be 2 to 8"),
        ({"action": Action.KEEP, "rank": 3}, "`rank` has no meaning"),
        ({"action": Action.LOW_RANK, "rank": 3, "values": (1.0,)}, "at most 1, the number of"),
        ({"action": Action.LOW_RANK, "rank": 1, "values": (-1.0,)}, "`values` must not be neg"),
    ],
)
def test_choices_check_themselves(figures: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        Choice(**figures)
