"""What plans and files of smaller models say word for word, and count to the byte."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import pastur
from pastur._errors import FileFormatError, InvalidInputError, InvalidTypeError
from pastur._stored import Damaged
from pastur._typing import AnyArray
from pastur.compression import (
    Action,
    Choice,
    Compressed,
    CompressionPlan,
    InputMoments,
    MatrixPlan,
)
from pastur.compression._inputs.moments import (
    InputAxes,
    LayerInputs,
    _check_header,
    _Header,
    part_name,
)
from pastur.compression._matrix.codes import BITS, rounded, split_rounded
from pastur.compression._matrix.lies import Orientation
from pastur.compression._matrix.parts import code_bytes, code_parts
from pastur.compression._methods.methods import METHODS
from pastur.compression._methods.sampled_rows import measured
from pastur.compression._source.checkpoint import Kind
from pastur.compression._writing.replaced_tensors import Replaced
from pastur.compression._writing.torch_writer import write_torch_after

# --- words ---


def test_choices_in_words() -> None:
    choices = [
        Choice(),
        Choice(Action.LOW_RANK, rank=3),
        Choice(Action.LOW_RANK, rank=1, values=(2.0, 1.0)),
        Choice(Action.PRUNE, threshold=0.25),
        Choice(Action.ROUND, bits=4),
        Choice(Action.SPLIT, rank=5, bits=3),
    ]
    assert [str(choice) for choice in choices] == [
        "kept",
        "rank 3",
        "rank 1, shrunk",
        "entries ≥ 0.25",
        "4 bits",
        "rank 5 in 16 bits, rest in 3",
    ]


def test_what_was_written_in_words() -> None:
    path = Path("small.npz")
    assert str(Compressed(path, 12, {})) == "small.npz: 12 bytes."
    found = str(Compressed(path, 12, {}, "It is small.", ("a", "b")))
    assert found == (
        "small.npz: 12 bytes. Error not within the promised interval: 'a', 'b'. It is small."
    )


def test_kinds_in_words() -> None:
    assert [str(kind) for kind in Kind] == [
        "safetensors",
        "safetensors in several files",
        "npz",
        "PyTorch",
        "another format",
        "in memory",
    ]


def test_a_file_says_how_it_was_made_and_what_reads_it(
    plan: CompressionPlan, saved: Path, tmp_path: Path
) -> None:
    written = pastur.apply_compression(plan, saved, tmp_path / "small.safetensors")
    assert written.note == (
        "Some of its tensors are factors or codes: read it with pastur.torch.load_compressed or "
        "pastur.compression.read_compressed."
    )
    with safe_open(written.path, "np") as file:
        said = file.metadata()
    assert said["author"] == "Ada"
    assert json.loads(said["pastur.compression"]) == {"method": "truncate", "form": "factored"}


def test_a_dense_file_needs_no_reader(
    analysis: pastur.Analysis, saved: Path, tmp_path: Path
) -> None:
    plan = pastur.plan_compression(analysis, saved, target={"size": 0.6}, form="dense")
    assert pastur.apply_compression(plan, saved, tmp_path / "small.safetensors").note == ""


def test_inputs_are_a_file_of_their_own_kind(inputs: InputMoments) -> None:
    with safe_open(inputs.path, "np") as file:
        assert "pastur.inputs" in file.metadata()


def test_outputs_of_an_edited_plan_are_not_known(
    model: dict[str, Any], analysis: pastur.Analysis, inputs: InputMoments
) -> None:
    plan = pastur.plan_compression(
        analysis, model, method="outputs", target={"size": 0.5}, inputs=inputs
    )
    assert "Outputs lost, mean over" in str(plan)
    name = next(matrix.name for matrix in plan.matrices if not matrix.kept)
    choice = plan[name].choice
    assert choice.rank is not None
    smaller = Choice(Action.LOW_RANK, rank=choice.rank - 1, inputs=choice.inputs)
    assert "Outputs: not known for the edited choices." in str(plan.replace({name: smaller}))


def test_inputs_of_one_vector_in_all_are_enough_for_a_header() -> None:
    weights: Any = SimpleNamespace(
        entries=[SimpleNamespace(name=part_name("a", fold), shape=(3,)) for fold in range(5)]
    )

    def check(*rows: int) -> None:
        layer = LayerInputs("a", (3, 2), "", InputAxes("oi"), "a", rows, 0)
        _check_header(_Header(1, "", "", (1,) * 5, 0, (layer,)), weights)

    check(0, 1, 0, 0, 0)
    with pytest.raises(Damaged, match="must have 5 numbers of rows"):
        check(0, 0, 0, 0, 0)


def test_marks_that_are_not_those_of_the_content_are_refused() -> None:
    layer = LayerInputs("a", (3, 2), "", InputAxes("oi"), "a", (1,) * 5, 0)
    header = _Header(1, "", "something", (1,) * 5, 0, (layer,), marks={"a.0": "other"})
    weights: Any = SimpleNamespace(entries=[])
    with pytest.raises(Damaged, match=r"^`content` is not that of the marks$"):
        _check_header(header, weights)


@pytest.mark.parametrize(
    ("method", "names"),
    [
        ("truncate", "{'size': 0.6} or {'error': 0.1}"),
        ("outputs", "{'size': 0.6} or {'each': 0.1}"),
    ],
)
def test_a_target_of_two_items_is_refused_with_those_of_the_method(
    method: str, names: str, analysis: pastur.Analysis, model: dict[str, Any]
) -> None:
    with pytest.raises(InvalidTypeError) as caught:
        pastur.plan_compression(analysis, model, method=method, target={"size": 0.5, "error": 0.1})
    assert f"of one item, such as {names}. Got" in str(caught.value)


def test_an_error_that_no_step_keeps_to_is_said(
    analysis: pastur.Analysis, model: dict[str, Any]
) -> None:
    said = pastur.plan_compression(analysis, model, target={"error": 1e-9}).assumption
    assert re.search(
        r"Nothing is changed: the first step, in '.*', has an error of \d.*% of all matrices "
        r"together, which is more than was asked for\.$",
        said,
    )


def test_a_share_that_no_matrix_allows_is_said(
    analysis: pastur.Analysis, model: dict[str, Any], inputs: InputMoments
) -> None:
    def said(share: float) -> str:
        return pastur.plan_compression(
            analysis, model, method="outputs", inputs=inputs, target={"each": share}
        ).assumption

    assert said(0.001).endswith("Nothing is changed: no matrix has a choice of 0.10 % or less.")
    assert "Nothing is changed" not in said(1.0) + said(0.5)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("unfold", "sideways", "`unfold` must be outputs, inputs or window. Got 'sideways'"),
        ("matrices", [], "`matrices` must not be empty"),
    ],
)
def test_a_plan_that_is_no_plan_is_refused_with_the_place(
    plan: CompressionPlan, tmp_path: Path, key: str, value: Any, sentence: str
) -> None:
    path = plan.to_json(tmp_path / "plan.json")
    values = json.loads(path.read_text("utf-8"))
    values[key] = value
    path.write_text(json.dumps(values), "utf-8")
    with pytest.raises(FileFormatError) as caught:
        CompressionPlan.from_json(path)
    assert sentence in str(caught.value)


def test_a_torch_file_without_the_tensors_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    source = tmp_path / "model.pt"
    torch.save({"other": torch.zeros(2)}, source)
    with (tmp_path / "small.pt").open("wb") as stream:
        with pytest.raises(FileFormatError, match="it holds no dictionary with 'fc"):
            write_torch_after(source, stream, names=["fc.weight"], change=never)


def never(name: str) -> Replaced:
    raise AssertionError(name)


def test_codes_with_a_scale_are_left_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    small = rng.normal(size=(40, 60)).astype(ml_dtypes.float8_e4m3fn)
    tensors = {"a.weight._data": small, "a.weight._scale": np.ones(1, np.float32)}
    save_file(tensors | {"b.weight": rng.normal(size=(40, 60))}, tmp_path / "model.safetensors")
    analysis = pastur.analyze(tmp_path / "model.safetensors")
    plan = pastur.plan_compression(analysis, method="round")
    reason = "is made of several tensors of the file, or of codes"
    assert plan.left_out == {"a.weight": reason}
    assert [matrix.name for matrix in plan.matrices] == ["b.weight"]


def test_what_was_left_out_comes_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    model = {"a": rng.normal(size=(40, 60)), "b": rng.integers(-9, 9, (40, 60))}
    plan = pastur.plan_compression(pastur.analyze(model), model, method="round")
    assert list(plan.left_out) == ["b"]
    again = CompressionPlan.from_json(plan.to_json(tmp_path / "plan.json"))
    assert again.left_out == plan.left_out


# --- numbers ---


def test_methods_that_depend_on_the_noise_of_the_analysis() -> None:
    assert {str(name) for name, method in METHODS.items() if method.reads_noise} == {
        "edge",
        "denoise",
        "ranks",
    }


@pytest.mark.parametrize(("form", "rank"), [("factored", 16), ("dense", 9)])
def test_factors_have_the_next_multiple_of_eight(
    form: str, rank: int, model: dict[str, Any], analysis: pastur.Analysis
) -> None:
    plan = pastur.plan_compression(
        analysis, model, method="ranks", ranks={"fc.weight": 9}, form=form
    )
    assert plan["fc.weight"].choice.rank == rank


@pytest.mark.parametrize(
    ("dtype", "rounding"), [("float32", 2.0**-24), ("float16", 2.0**-11), ("float64", 2.0**-53)]
)
def test_a_promise_has_the_energy_and_the_rounding_of_the_type(dtype: str, rounding: float) -> None:
    w = (7 * np.random.default_rng(0).normal(size=(40, 60))).astype(dtype)
    plan = pastur.plan_compression(
        pastur.analyze({"a": w}), {"a": w}, method="ranks", ranks={"a": 10}, form="dense"
    )
    promise = plan["a"].promise
    values = np.linalg.svd(w.astype(np.float64), compute_uv=False)
    energy = np.sum(values[:10] ** 2) / np.sum(values**2)
    assert promise is not None and promise.energy == pytest.approx(energy, rel=1e-9)
    assert promise.error == pytest.approx(np.sqrt(1 - energy), rel=1e-9)
    # Sums of squares are known to 64 roundings of float64.
    sums = 64 * 2.0**-52 / (2 * promise.error)
    stored = rounding * np.sqrt(energy)
    assert promise.high - promise.error == pytest.approx(stored + sums, rel=0.1)
    assert promise.error - promise.low == pytest.approx(stored + sums, rel=0.1)


def budget_by_hand(z: float, pruned: float, attention: bool) -> float:
    """β and the end of d up to each share, as published; attention has β = 1 in the last phase."""
    if pruned <= 0.4:
        beta, end = 1.0, 0.5
    elif pruned <= 0.55:
        beta, end = 1.25, 0.7
    else:
        beta, end = (1.0 if attention else 2.0), 0.85
    return max(0.1, 1 + beta * max(0.0, 1 - pruned / end) * z)


@pytest.mark.parametrize("size", [0.7, 0.5, 0.4, 0.2])
def test_budgets_by_edges(size: float, model: dict[str, Any], analysis: pastur.Analysis) -> None:
    plan = pastur.plan_compression(analysis, model, method="edge_budget", target={"size": size})
    edges = np.array([matrix.fit.bulk_edge for matrix in analysis])
    z = (edges - edges.mean()) / edges.std()
    for own, matrix in zip(z.tolist(), analysis, strict=True):
        weight = budget_by_hand(own, 1 - size, "attention" in matrix.name)
        assert plan[matrix.name].note == f"weight {weight:.3f}", matrix.name


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_an_error_is_measured_in_any_unit(scale: float) -> None:
    w = np.random.default_rng(0).normal(size=(30, 20))
    found = measured(scale * w, lambda part: scale * 0.5 * w[part], 30)
    assert (found.loss, found.energy) == pytest.approx((0.25, 0.25))
    assert found.reach == 0.0


def test_codes_count_the_bytes_of_all_their_parts() -> None:
    w = np.random.default_rng(0).normal(size=(7, 45))
    assert BITS == (2, 3, 4, 5, 6, 7, 8)
    for bits in BITS:
        for codes in (rounded(w, bits), split_rounded(w, bits)):
            parts: dict[str, AnyArray] = code_parts("a", codes, (7, 45), Orientation.STRAIGHT)
            counted = code_bytes((7, 45), bits, codes.group)
            assert counted == sum(part.nbytes for part in parts.values())


def test_an_edited_pruning_has_no_count_of_numbers() -> None:
    pruned = Choice(Action.PRUNE, threshold=0.1)
    matrix = MatrixPlan("a", "a", "", (4, 5), "float32", 4, True, pruned)
    assert matrix.parameters is None
    assert matrix.replace(Choice(Action.LOW_RANK, rank=2)).parameters == 18
    assert matrix.replace(Choice()).parameters == 20


@pytest.mark.parametrize(("dtype", "most"), [("float32", 3.4e38), ("float16", 6.5e4)])
def test_values_that_a_type_cannot_hold_are_refused(dtype: str, most: float) -> None:
    def planned(value: float) -> MatrixPlan:
        choice = Choice(Action.LOW_RANK, rank=1, values=(value,))
        return MatrixPlan("a", "a", "", (4, 4), dtype, 4, True, choice)

    assert planned(3.9 * most).kept is False
    with pytest.raises(InvalidInputError, match=f"with the largest numbers of {dtype}"):
        planned(4.1 * most)
