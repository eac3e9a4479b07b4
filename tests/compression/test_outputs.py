"""Compression by the outputs of layers: directions, losses measured elsewhere, intervals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import pastur
from pastur._errors import FileAccessError, FileFormatError, InvalidInputError
from pastur._numerics.leading_eigenvectors import leading_eigenvectors
from pastur._typing import FloatArray
from pastur.cli import main
from pastur.compression import (
    Action,
    Choice,
    CompressionPlan,
    InputMoments,
    collect_inputs,
    read_compressed,
)
from pastur.compression._inputs.inputs_used import InputsUsed, Side, output_factors
from pastur.compression._inputs.output_forms import OutputForms, left_after
from pastur.compression._inputs.output_losses import OutputLosses, output_losses
from pastur.compression._methods.menu import Menu
from pastur.compression._planning.allocation import choices_of_each

MOST = 11


def covariance(size: int, seed: int, power: float = 1.0) -> FloatArray:
    """A population of inputs: energies k^-power, one of them massive, on random axes."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(size, size)))[0]
    energies = np.arange(1.0, size + 1) ** -power
    energies[0] *= 50
    return np.asarray((axes * energies) @ axes.T)


def documents(root: FloatArray, count: int, length: int, seed: int) -> list[FloatArray]:
    """Documents whose inputs are alike: each has a mean of its own."""
    rng = np.random.default_rng(seed)
    size = len(root)
    return [
        (np.sqrt(0.7) * rng.normal(size=(length, size)) + np.sqrt(0.3) * rng.normal(size=size))
        @ root
        for _ in range(count)
    ]


def folds_of(texts: list[FloatArray], count: int = 8) -> list[FloatArray]:
    return [
        np.asarray(sum(x.T @ x for x in texts[fold::count]), dtype=np.float64)
        for fold in range(count)
    ]


def forms_of(
    w: FloatArray,
    folds: list[FloatArray],
    dtype: Any = np.float64,
    background: FloatArray | None = None,
    counts: tuple[int, ...] = (),
) -> OutputForms:
    """The forms for Σ x xᵀ of each fold, and the mean of it over a background."""
    halves = [half_of(c) for c in folds]
    behind = None if background is None else half_of(background)
    return OutputForms.of(w, halves, background=behind, counts=counts, dtype=dtype)


def half_of(c: FloatArray) -> FloatArray:
    return np.asarray(np.triu(c) - np.diag(np.diagonal(c)) / 2)


def root_of(c: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(c)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)


# --- directions ---


def whitening(w: FloatArray, c: FloatArray, rank: int) -> FloatArray:
    """SVD-LLM: the best approximation of W L, C = L Lᵀ by Cholesky, times L⁻¹."""
    lower = np.linalg.cholesky(c)
    u, s, vt = np.linalg.svd(w @ lower)
    kept = (u[:, :rank] * s[:rank]) @ vt[:rank]
    return np.asarray(np.linalg.solve(lower.T, kept.T).T)


@pytest.mark.parametrize("shape", [(30, 40), (40, 30)])
def test_the_directions_of_outputs_are_those_of_whitening(
    shape: tuple[int, int], tmp_path: Path
) -> None:
    """The same matrix as SVD-LLM's at equal moments, without an inverse."""
    rng = np.random.default_rng(1)
    w = rng.normal(size=shape)
    texts = documents(root_of(covariance(shape[1], 2)), 9, 30, 3)
    path = tmp_path / "inputs.safetensors"
    found = collect_inputs({"a": w}, texts, run=lambda x, add: add("a", x), path=path)
    used = InputsUsed(str(path), found.digest, "a", Side.COLUMNS, 0.0)
    ours = output_factors(w, 7, used).dense()
    c = found.moments("a").sum(axis=0)
    np.testing.assert_allclose(ours, whitening(w, c, 7), atol=1e-9 * float(np.linalg.norm(w)))
    # With other moments it is another matrix.
    other = whitening(w, c + 0.1 * np.diag(np.diagonal(c)), 7)
    assert float(np.linalg.norm(ours - other)) > 1e-3 * np.linalg.norm(w)
    shrunk = InputsUsed(str(path), found.digest, "a", Side.COLUMNS, 0.25)
    cleaned = whitening(w, 0.75 * c + 0.25 * np.diag(np.diagonal(c)), 7)
    np.testing.assert_allclose(
        output_factors(w, 7, shrunk).dense(), cleaned, atol=1e-9 * float(np.linalg.norm(w))
    )


def test_inputs_along_the_rows_are_those_of_the_transpose(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    w, path = rng.normal(size=(30, 24)), tmp_path / "inputs.safetensors"
    texts = documents(root_of(covariance(30, 5)), 8, 20, 6)

    def run(x: FloatArray, add: Callable[..., None]) -> None:
        add("straight", x)
        add("turned", x, axes="io")

    found = collect_inputs({"straight": w.T, "turned": w}, texts, run=run, path=path)
    sides = {"straight": Side.COLUMNS, "turned": Side.ROWS}
    both = [
        output_factors(
            w.T if name == "straight" else w,
            5,
            InputsUsed(str(path), found.digest, name, side, 0.1),
        ).dense()
        for name, side in sides.items()
    ]
    np.testing.assert_allclose(both[0], both[1].T, atol=1e-12)


# --- losses ---


def losses_slowly(
    w: FloatArray,
    folds: list[FloatArray],
    ranks: list[int],
    *,
    clean: bool,
    background: FloatArray | None = None,
    count: int = 0,
) -> tuple[float, dict[int, tuple[float, float, float]]]:
    """Shrinkage, and losses with the ends of their intervals, from the words of the page."""
    zero = np.zeros_like(folds[0])
    every = list(range(len(folds)))

    def pooled(which: list[int], share: float) -> FloatArray:
        c = sum((folds[f] for f in which), zero)
        behind = np.diag(np.diag(c)) if background is None else count * len(which) * background
        return (1 - share) * c + share * behind

    def rest_of(c: FloatArray, rank: int) -> FloatArray:
        u = np.linalg.svd(w @ root_of(c))[0][:, :rank]
        return np.asarray(w - u @ u.T @ w)

    def energy(a: FloatArray, c: FloatArray) -> float:
        return float(np.trace(a @ c @ a.T))

    front, back = every[: len(every) // 2], every[len(every) // 2 :]
    odds = 0.0
    if clean:
        shares = []
        for rank in range(1, MOST + 1):
            rest = rest_of(pooled(back, 0.0), rank)
            outside = energy(rest, pooled(front, 0.0)) / energy(w, pooled(front, 0.0))
            inside = energy(rest, pooled(back, 0.0)) / energy(w, pooled(back, 0.0))
            target = energy(rest, pooled(back, 1.0)) / energy(w, pooled(back, 0.0))
            shares.append(min(max((outside - inside) / (target - inside), 0.0), 1.0))
        odds = float(np.mean(shares)) / (1 - float(np.mean(shares)))
    # In proportion to one over the documents: half, three quarters, all.
    half, most, final = (one / (1 + one) for one in (odds, odds * 2 / 3, odds / 2))
    found = {}
    for rank in ranks:
        held = [0.0] * len(folds)
        for part in [p.tolist() for p in np.array_split(np.array(every), 4)]:
            rest = rest_of(pooled([f for f in every if f not in part], most), rank)
            for f in part:
                held[f] = energy(rest, folds[f])
        energies = [energy(w, fold) for fold in folds]
        loss = sum(held) / sum(energies)
        without = [(sum(held) - held[f]) / (sum(energies) - energies[f]) for f in every]
        size = len(folds)
        spread = np.sqrt((size - 1) / size * sum((one - loss) ** 2 for one in without))
        fewer = energy(rest_of(pooled(back, half), rank), pooled(front, 0.0))
        # A power of the number of documents, through half and three quarters of them.
        power = max(np.log(fewer / sum(held[f] for f in front)) / np.log(3 / 2), 0.0)
        value = loss * (3 / 4) ** power
        error = np.hypot(1.15 * spread / loss, power * np.log(4 / 3) / 4)
        # The 97.5 % point of t with 7 degrees of freedom, from a table.
        reach = np.exp(2.364624 * error)
        found[rank] = (value, value / reach, value * reach)
    return final, found


@pytest.mark.parametrize("shape", [(14, 20), (20, 14)])
def test_losses_with_a_background_are_those_of_a_slow_version(shape: tuple[int, int]) -> None:
    w = np.random.default_rng(7).normal(size=shape)
    folds = folds_of(documents(root_of(covariance(shape[1], 8)), 48, 6, 9))
    behind = covariance(shape[1], 8) + 0.02 * covariance(shape[1], 10)
    forms = forms_of(w, folds, background=behind, counts=(36,) * 8)
    found = output_losses(forms, MOST, clean=True)
    shrinkage, expected = losses_slowly(w, folds, [3, 9], clean=True, background=behind, count=36)
    assert found.shrinkage == pytest.approx(shrinkage, abs=1e-9)
    for rank in (3, 9):
        interval = (found.losses[rank], found.low[rank], found.high[rank])
        assert interval == pytest.approx(expected[rank], rel=1e-6)
    # As it is, nothing is shrunk towards it.
    plain, other = (output_losses(one, MOST, clean=False) for one in (forms, forms_of(w, folds)))
    assert np.array_equal(plain.losses, other.losses)


def test_a_background_helps_where_it_is_alike_and_is_left_where_it_is_not() -> None:
    """Loss of what is chosen by 8 documents of 12 inputs in 60 dimensions, on the true moments."""
    w = np.random.default_rng(1).normal(size=(50, 60))
    true = covariance(60, 2)
    alike, other = true + 0.02 * covariance(60, 3), covariance(60, 4)
    lost: dict[str, list[float]] = {"none": [], "alike": [], "other": []}
    shrunk: dict[str, list[float]] = {"none": [], "alike": [], "other": []}
    for seed in range(12):
        folds = folds_of(documents(root_of(true), 8, 12, 100 + seed))
        for name, behind in (("none", None), ("alike", alike), ("other", other)):
            forms = forms_of(w, folds, background=behind, counts=(12,) * 8)
            found = output_losses(forms, 25, clean=True)
            vectors = leading_eigenvectors(forms.shrunk(found.shrinkage), 25)
            energies = left_after(w @ true @ w.T, vectors)
            lost[name].append(energies[-1] / energies[0])
            shrunk[name].append(found.shrinkage)
    means = {name: float(np.mean(some)) for name, some in lost.items()}
    assert means["alike"] < 0.9 * means["none"]
    # One of another domain costs less than a tenth.
    assert means["other"] < 1.1 * means["none"]
    assert np.mean(shrunk["other"]) < 0.1 < np.mean(shrunk["alike"])


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("shape", [(14, 20), (20, 14)])
def test_losses_are_those_of_a_slow_version(shape: tuple[int, int], clean: bool) -> None:
    w = np.random.default_rng(7).normal(size=shape)
    folds = folds_of(documents(root_of(covariance(shape[1], 8)), 48, 6, 9))
    found = output_losses(forms_of(w, folds), MOST, clean=clean)
    shrinkage, expected = losses_slowly(w, folds, [3, 9], clean=clean)
    assert found.shrinkage == pytest.approx(shrinkage, abs=1e-9)
    assert clean == (shrinkage > 5e-4)
    for rank in (3, 9):
        interval = (found.losses[rank], found.low[rank], found.high[rank])
        assert interval == pytest.approx(expected[rank], rel=1e-6)
    assert found.losses[0] == pytest.approx(1.0) and found.moved[0] == 1.0
    assert np.all(np.diff(found.losses) <= 0)


def test_float32_is_known_to_a_thousandth() -> None:
    """Of losses from a thousandth on; one input carries 98 % of the energy."""
    w = np.random.default_rng(7).normal(size=(60, 90)) * np.linspace(1, 0.2, 60)[:, None]
    folds = folds_of(documents(root_of(covariance(90, 8)), 16, 40, 9))
    for scale in (1e-12, 1.0, 1e12):
        wide, narrow = (
            output_losses(forms_of(w, [scale * c for c in folds], dtype), 35, clean=True)
            for dtype in (np.float64, np.float32)
        )
        assert 1e-3 < wide.losses[-1] < 5e-3
        np.testing.assert_allclose(narrow.losses, wide.losses, rtol=1e-3)
        np.testing.assert_allclose(narrow.high, wide.high, rtol=2e-3)


@pytest.mark.parametrize(("clean", "most"), [(True, 7), (False, 6)])
def test_few_decompositions_are_made(
    clean: bool, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for each quarter and for all; of one half as measured and, shrunk, for what is lost."""
    calls = []

    def counted(form: FloatArray, count: int) -> Any:
        calls.append(form.dtype)
        return leading_eigenvectors(form, count)

    monkeypatch.setattr("pastur.compression._inputs.output_losses.leading_eigenvectors", counted)
    folds = folds_of(documents(root_of(covariance(30, 8)), 16, 40, 9))
    output_losses(forms_of(np.eye(30), folds, np.float32), 12, clean=clean)
    assert len(calls) == most and set(calls) == {np.dtype(np.float32)}


def measured(seed: int, *, clean: bool, length: int = 12) -> tuple[OutputLosses, float]:
    """Losses of a layer at half of its directions: as found, and of the population."""
    size, rank = 40, 20
    rng = np.random.default_rng([30, seed])
    w = rng.normal(size=(size, size)) * np.linspace(1.5, 0.2, size)[:, None]
    c = covariance(size, seed)
    folds = folds_of(documents(root_of(c), 16, length, 1000 + seed))
    forms = forms_of(w, folds)
    found = output_losses(forms, 23, clean=clean)
    vectors = np.linalg.eigh(forms.shrunk(found.shrinkage))[1][:, ::-1][:, :rank]
    rest = w - vectors @ vectors.T @ w
    return found, float(np.trace(rest @ c @ rest.T) / np.trace(w @ c @ w.T))


def covered(seeds: range, *, clean: bool) -> tuple[float, float, float]:
    """Shares of intervals with the true loss, and of in-sample losses at least so large; width."""
    holds, fits, widths = [], [], []
    for seed in seeds:
        found, truth = measured(seed, clean=clean)
        low, high = found.low[20], found.high[20]
        holds.append(low <= truth <= high)
        fits.append(found.inside[20] >= low)
        widths.append((high - low) / truth)
    return float(np.mean(holds)), float(np.mean(fits)), float(np.median(widths))


@pytest.mark.parametrize("clean", [True, False])
def test_intervals_hold_the_loss_on_other_documents(clean: bool) -> None:
    """40 layers: 33 are too few for intervals of 95 % but in 1 of 700, the in-sample loss fails."""
    holds, in_sample, width = covered(range(40), clean=clean)
    assert holds >= 33 / 40 and width < 1.3
    assert in_sample < 0.4


def test_shrinking_loses_less_where_inputs_are_few() -> None:
    """20 layers, 48 inputs in 40 dimensions: the true loss is smaller, in each but for chance."""
    ratios = [
        measured(seed, clean=True, length=3)[1] / measured(seed, clean=False, length=3)[1]
        for seed in range(20)
    ]
    assert float(np.mean(np.log(ratios))) < -0.02 and max(ratios) < 1.02


def rare(seed: int, words: int) -> tuple[OutputLosses, FloatArray]:
    """A layer given rows of a table of 30, the rare ones in few words: found, and what is so."""
    rng = np.random.default_rng([40, seed])
    table, often = rng.normal(size=(30, 40)), np.arange(1.0, 31) ** -2
    w = rng.normal(size=(50, 40))
    given = [table[rng.choice(30, 6, p=often / often.sum())] for _ in range(words)]
    forms = forms_of(w, folds_of(given))
    found = output_losses(forms, 29, clean=False)
    vectors = np.linalg.eigh(forms.total)[1][:, ::-1]
    rows = np.linalg.qr(w, mode="r") @ table.T * np.sqrt(often)
    lost = np.sum((vectors.T @ rows) ** 2, axis=1)
    truth = 1 - np.append(0.0, np.cumsum(lost)) / lost.sum()
    return found, np.maximum(truth[:30], 0.0)


def held(seeds: range) -> float:
    """The share of intervals that hold, at five ranks where next to nothing is lost."""
    holds = []
    for seed in seeds:
        found, truth = rare(seed, 40)
        for rank in range(8, 29, 5):
            holds.append(found.low[rank] <= truth[rank] + 1e-12 <= found.high[rank] + 2e-12)
            assert found.high[rank] <= found.high[rank - 1]
    return float(np.mean(holds))


def test_what_is_rare_has_an_honest_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """20 tables: 9 of 10 intervals hold, and fewer with the jackknife alone."""
    assert held(range(20)) >= 0.9
    monkeypatch.setattr("pastur.compression._inputs.output_losses._FEW", 1e9)
    assert held(range(20)) < 0.9


def test_a_loss_that_one_fold_has_alone_is_open_above() -> None:
    """One direction occurs in one fold: the loss without it is at most that of fewer directions."""
    rng = np.random.default_rng(3)
    texts = [rng.normal(size=(20, 3)) @ np.eye(3, 20) for _ in range(8)]
    texts[5] = np.concatenate([texts[5], np.eye(20)[None, 7]])
    found = output_losses(forms_of(np.eye(20), folds_of(texts)), 10, clean=False)
    assert found.losses[2] == pytest.approx(1 / 3, abs=0.1) and found.high[2] < 0.7
    assert found.low[5] == 0.0 and found.high[5] >= found.high[2] * 0.9
    assert found.losses[5] < 0.05
    assert found.known[2] and not found.known[5]


def test_rounding_is_not_a_loss() -> None:
    """Inputs along 5 of 20 axes, as from a table of five rows."""
    rng = np.random.default_rng(11)
    axes = rng.normal(size=(5, 20))
    texts = [axes[rng.integers(5, size=12)] for _ in range(16)]
    found = output_losses(forms_of(rng.normal(size=(24, 20)), folds_of(texts)), MOST, clean=False)
    assert found.losses[9] == found.low[9] == 0.0 and found.losses[3] > 1e-3
    # In so few documents something may be missing: at most what four directions lose.
    assert found.high[9] == found.high[4] < 1.0


# --- plans ---


def plan_of(
    model: dict[str, Any], analysis: pastur.Analysis, inputs: Any, **options: Any
) -> CompressionPlan:
    options = {"method": "outputs", "target": {"size": 0.6}} | options
    return pastur.plan_compression(analysis, model, inputs=inputs, **options)


def test_a_plan_promises_outputs_and_is_read_back(
    model: dict[str, Any], analysis: pastur.Analysis, inputs: InputMoments, tmp_path: Path
) -> None:
    plan = plan_of(model, analysis, inputs.path)
    changed = [matrix for matrix in plan.matrices if not matrix.kept]
    assert {matrix.name for matrix in changed} >= {"fc.weight", "conv.weight", "out.weight"}
    for matrix in changed:
        assert matrix.promise is not None and matrix.promise.outputs is not None
        lost = matrix.promise.outputs
        assert 0 < lost.inside < lost.loss and lost.low < lost.loss < lost.high
        assert matrix.note.startswith("inputs shrunk by 0.")
    again = CompressionPlan.from_json(plan.to_json(tmp_path / "plan.json"))
    assert again.to_dict() == plan.to_dict()
    text = str(plan)
    assert "outputs lost" in text and "rank" in text and "480 inputs of each in 12" in text
    assert "Outputs lost, mean over" in text and "what the model loses by that is not" in text
    edited = plan.replace({"fc.weight": Choice(Action.LOW_RANK, rank=8)})
    assert "outputs lost" in str(edited) and "<th" in plan._repr_html_()


def test_a_share_of_each_changes_every_matrix_that_allows_it(
    model: dict[str, Any], analysis: pastur.Analysis, inputs: InputMoments
) -> None:
    plan = plan_of(model, analysis, inputs, target={"each": 0.5})
    by_size = plan_of(model, analysis, inputs, target={"size": 0.5})
    changed = [matrix for matrix in plan.matrices if matrix.packs]
    assert len(changed) >= 3
    for matrix in changed:
        n, m = matrix.shape
        assert matrix.choice.rank == 0.5 * n * m // (n + m) // 8 * 8
    # Ranks of one size for the whole model are others.
    assert [m.choice.rank for m in plan.matrices] != [m.choice.rank for m in by_size.matrices]
    # Factors of rank 8 take more than that of each of them.
    few = plan_of(model, analysis, inputs, target={"each": 0.01})
    assert all(matrix.kept for matrix in few.matrices)
    assert "Nothing is changed: no matrix has a choice of 1.0 % or less." in few.assumption
    with pytest.raises(InvalidInputError, match="must be a share"):
        plan_of(model, analysis, inputs, target={"each": 1.5})
    with pytest.raises(InvalidInputError, match="one of 'size', 'error'"):
        pastur.plan_compression(analysis, model, target={"each": 0.5})


def test_a_share_of_each_is_never_exceeded() -> None:
    sizes, losses = np.array([100.0, 80.0, 60.0, 40.0]), np.array([0.0, 0.1, 0.2, 0.3])

    def nothing(k: int) -> Any:
        raise IndexError(k)

    menu = Menu(sizes, losses, np.arange(4), np.arange(4.0), nothing)
    for share, expected in ((1.0, 0), (0.8, 1), (0.795, 2), (0.4, 3), (0.39, 0)):
        assert choices_of_each([menu], share) == [expected]


@pytest.mark.parametrize("form", ["dense", "factored"])
def test_what_is_written_loses_what_was_promised(
    form: str,
    saved: Path,
    model: dict[str, Any],
    analysis: pastur.Analysis,
    inputs: InputMoments,
    tmp_path: Path,
) -> None:
    plan = plan_of(saved, analysis, inputs, form=form)  # type: ignore[arg-type]
    done = pastur.apply_compression(plan, saved, tmp_path / "small.safetensors")
    assert not done.unkept
    tensors = read_compressed(done.path)
    for name in ("fc.weight", "out.weight"):
        w, small = (np.asarray(one[name], dtype=np.float64) for one in (model, tensors))
        c = inputs.moments(name).sum(axis=0)
        rest = w - small
        lost = float(np.trace(rest @ c @ rest.T) / np.trace(w @ c @ w.T))
        promise = plan[name].promise
        assert promise is not None and promise.outputs is not None
        assert lost == pytest.approx(promise.outputs.inside, rel=1e-3)


def test_inputs_of_another_model_are_refused(
    model: dict[str, Any], analysis: pastur.Analysis, inputs: InputMoments, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match="'outputs' needs `inputs`"):
        plan_of(model, analysis, None)
    with pytest.raises(InvalidInputError, match="'truncate' has no use for `inputs`"):
        plan_of(model, analysis, inputs, method="truncate")
    other = model | {"fc.weight": model["fc.weight"] * np.float32(1.001)}
    with pytest.raises(InvalidInputError, match=r"another model: the numbers of 'fc\.weight'"):
        plan_of(other, pastur.analyze(other, noise="white"), inputs)
    alone = {"else": np.random.default_rng(0).normal(size=(40, 50))}
    with pytest.raises(InvalidInputError, match="none of these is a matrix here"):
        plan_of(alone, pastur.analyze(alone, noise="white"), inputs)
    # Under another name it is the same tensor.
    renamed = {f"model.{name}": array for name, array in model.items()}
    plan = plan_of(renamed, pastur.analyze(renamed, noise="white"), inputs)
    assert not plan["model.fc.weight"].kept


def test_a_plan_goes_with_its_inputs_alone(
    model: dict[str, Any], analysis: pastur.Analysis, inputs: InputMoments, tmp_path: Path
) -> None:
    path = tmp_path / "inputs.safetensors"
    path.write_bytes(inputs.path.read_bytes())
    plan = plan_of(model, analysis, path)
    target = tmp_path / "small.safetensors"
    pastur.apply_compression(plan, model, target)
    before = target.read_bytes()
    collect_inputs(
        model,
        range(8),
        run=lambda seed, add: add(
            "fc.weight", np.random.default_rng(seed).normal(size=(50, model["fc.weight"].shape[1]))
        ),
        path=path,
    )
    with pytest.raises(InvalidInputError, match="other inputs than those of the plan"):
        pastur.apply_compression(plan, model, target)
    path.write_bytes(b"nonsense")
    with pytest.raises(FileFormatError):
        pastur.apply_compression(plan, model, target)
    path.unlink()
    with pytest.raises(FileAccessError, match="next to the stored plan"):
        pastur.apply_compression(plan, model, target)
    assert target.read_bytes() == before


def test_a_plan_moves_with_its_inputs(
    model: dict[str, Any], analysis: pastur.Analysis, inputs: InputMoments, tmp_path: Path
) -> None:
    """To another folder, as to another machine; a file of that name that is another is refused."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()  # type: ignore[func-returns-value]
    path = first / "inputs.safetensors"
    path.write_bytes(inputs.path.read_bytes())
    plan = plan_of(model, analysis, path)
    stored = plan.to_json(first / "plan.json")
    path.rename(second / path.name)
    moved = CompressionPlan.from_json(stored.rename(second / stored.name))
    assert [one.promise for one in moved.matrices] == [one.promise for one in plan.matrices]
    assert moved.choices == plan.choices
    pastur.apply_compression(moved, model, tmp_path / "small.safetensors")
    others = [np.random.default_rng(k).normal(size=(40, 160)) for k in range(5)]
    collect_inputs(model, others, run=lambda x, add: add("fc.weight", x), path=second / path.name)
    with pytest.raises(InvalidInputError, match="other inputs than those of the plan"):
        pastur.apply_compression(moved, model, tmp_path / "small.safetensors")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shrinkage": 1.5}, "shrinkage"),
        ({"side": "diagonal"}, "side"),
        ({"digest": None}, "digest"),
    ],
)
def test_edited_inputs_are_refused_with_their_place(
    change: dict[str, Any],
    words: str,
    model: dict[str, Any],
    analysis: pastur.Analysis,
    inputs: InputMoments,
    tmp_path: Path,
) -> None:
    path = plan_of(model, analysis, inputs).to_json(tmp_path / "plan.json")
    document = json.loads(path.read_text("utf-8"))
    document["matrices"][0]["choice"]["inputs"] |= change
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(FileFormatError, match=words):
        CompressionPlan.from_json(path)


def test_matrices_without_inputs_stay_and_so_do_silent_ones(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    model = {name: rng.normal(size=(60, 50)) for name in ("seen", "unseen", "silent")}

    def run(seed: int, add: Callable[..., None]) -> None:
        add("seen", np.random.default_rng(seed).normal(size=(9, 50)))
        add("silent", np.zeros((9, 50)))

    path = tmp_path / "inputs.safetensors"
    found = collect_inputs(model, range(8), run=run, path=path)
    plan = plan_of(
        model, pastur.analyze(model, noise="white"), found, target={"size": 0.9}, method="whitened"
    )
    assert not plan["seen"].kept
    assert plan["unseen"].note == "its inputs were not collected: kept"
    assert plan["silent"].note == (
        "its outputs are zero, or its inputs below 1e-15, in all documents: kept"
    )


def test_the_command(saved: Path, inputs: InputMoments, tmp_path: Path) -> None:
    small = tmp_path / "small.safetensors"
    arguments = ["compress", str(saved), "-o", str(small), "--size", "0.6"]
    done = CliRunner().invoke(main, [*arguments, "--inputs", str(inputs.path)])
    assert done.exit_code == 0, done.output
    assert "Outputs lost, mean over" in done.output and small.exists()
    for options, words in (
        (["--method", "outputs"], "needs --inputs"),
        (["--method", "edge", "--inputs", str(inputs.path)], "has no use for --inputs"),
    ):
        refused = CliRunner().invoke(main, [*arguments, *options])
        assert refused.exit_code == 2 and words in refused.output
