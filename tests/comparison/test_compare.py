"""Two models, matrix by matrix: every change that was planted is found, and named."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import pastur
from pastur._errors import FileAccessError, InvalidInputError, PasturError
from pastur._typing import AnyArray
from pastur.analysis import MatrixAnalysis
from pastur.analysis._matrix.fit_matrix import examine
from pastur.comparison import Comparison, ComparisonInterrupted, MatrixComparison
from pastur.comparison._matrix.compare_pair import compare_anew
from pastur.comparison._matrix.directions import compare_directions

States = tuple[dict[str, AnyArray], dict[str, AnyArray]]


def one(comparison: Comparison, name: str) -> MatrixComparison:
    (found,) = (matrix for matrix in comparison.matrices if matrix.name == name)
    return found


def untimed(comparison: Comparison) -> dict[str, Any]:
    """All that a comparison says, without times, sources and the order of the file."""
    values = comparison.to_dict()
    del values["old"], values["new"]
    for tensors in (tensors for tensors in values.values() if isinstance(tensors, list)):
        tensors.sort(key=lambda tensor: tensor["name"])
    for matrix in values["matrices"]:
        for part in (matrix, matrix["old"], matrix["new"], matrix["change"] or {}):
            part.pop("seconds", None)
    return values


def reading(analysis: MatrixAnalysis | None) -> dict[str, Any]:
    assert analysis is not None
    return analysis.to_dict() | {"seconds": 0.0}


def test_the_relative_change_is_that_of_the_norms(comparison: Comparison, states: States) -> None:
    for name in ("louder", "added", "removed"):
        old, new = states[0][name], states[1][name]
        expected = np.linalg.norm(new - old) / np.linalg.norm(old)
        assert one(comparison, name).relative_change == pytest.approx(expected, rel=1e-9)


def test_each_state_is_what_its_analysis_says(comparison: Comparison, states: States) -> None:
    for state, arrays in zip(("old", "new"), states, strict=True):
        alone = pastur.analyze({name: arrays[name] for name in ("louder", "added")})
        for matrix in alone.matrices:
            found = getattr(one(comparison, matrix.name), state)
            assert reading(found) == reading(matrix)


def test_the_change_is_read_as_with_a_base(comparison: Comparison, states: States) -> None:
    analysis = pastur.analyze(states[1], base=states[0], include=["louder", "added", "removed"])
    for matrix in analysis.matrices:
        assert reading(one(comparison, matrix.name).change) == reading(matrix)


def test_what_was_planted_is_found(comparison: Comparison) -> None:
    added, removed = one(comparison, "added"), one(comparison, "removed")
    assert (added.directions.old, added.directions.new) == (3, 4)
    assert (added.directions.lost, added.directions.gained) == (0, 1)
    assert added.change is not None and added.change.strongest is not None
    assert added.change.strongest["theta"] == pytest.approx(3.0)
    assert (removed.directions.old, removed.directions.new) == (3, 2)
    assert (removed.directions.lost, removed.directions.gained) == (1, 0)
    louder = one(comparison, "louder")
    assert louder.directions.old == louder.directions.new == 0
    assert louder.overlap is None and louder.expected_overlaps is None
    assert louder.relative_change == pytest.approx(0.5)
    assert louder.new.fit.sigma == pytest.approx(1.5 * louder.old.fit.sigma)


def test_a_matrix_that_is_the_same_is_unchanged(comparison: Comparison) -> None:
    kept = one(comparison, "kept")
    assert kept.unchanged and kept.change is None and kept.relative_change == 0.0
    assert kept.directions.lost == kept.directions.gained == 0
    assert kept.overlap == pytest.approx(1.0)
    assert kept.summary().startswith("Unchanged: every entry is the same.")


def test_the_total_is_of_all_matrices() -> None:
    """What stands out in matrices that were not changed, and in the changes, is in it too."""
    rng = np.random.default_rng(5)
    u, v = (np.linalg.qr(rng.normal(size=(side, 2)))[0] for side in (80, 120))
    noise, strong = rng.normal(size=(80, 120)) / 11, 5 * u @ v.T
    old = {"kept": strong + noise, "tuned": noise}
    new = {"kept": strong + noise, "tuned": noise + 0.1 * strong + 0.01 * noise[::-1]}
    words = pastur.compare(old, new).summary()
    assert "1 changed, 1 unchanged" in words
    assert "In what was changed no direction stands out, before or after." in words
    assert "Of the changes themselves, 2 directions stand out from the rest." in words
    assert "In what was not changed, 2 directions stand out. This assumes" in words
    assert "stand out" not in pastur.compare({"a": noise}, {"a": noise}).summary()


def test_one_bit_is_a_change(states: States) -> None:
    old = states[0]["kept"]
    new = old.copy()
    new[7, 8] = np.nextafter(new[7, 8], np.inf)
    (matrix,) = pastur.compare({"w": old}, {"w": new}).matrices
    assert not matrix.unchanged
    assert 0 < matrix.relative_change < 1e-15


def test_what_one_has_alone_is_named(comparison: Comparison) -> None:
    assert [tensor.name for tensor in comparison.only_old] == ["gone", "gone.bias"]
    assert [tensor.name for tensor in comparison.only_new] == ["fresh"]
    assert comparison.only_old[1].reason == "has the shape 100, and is in OLD only"
    (reshaped,) = comparison.reshaped
    assert reshaped.name == "reshaped"
    assert reshaped.reason == "has the shape 50 × 140 in OLD, and 100 × 140 in NEW"


def test_what_cannot_be_compared_is_named_with_its_side(comparison: Comparison) -> None:
    reasons = {tensor.name: tensor.reason for tensor in comparison.skipped}
    assert reasons == {
        "broken": "in OLD: holds 1 NaN and 1 infinite values",
        "zero": "in OLD: every entry is zero",
        "bias": "not a matrix: its shape is (100,)",
    }


def test_both_sides_are_named(states: States) -> None:
    w = states[0]["kept"]
    infinite = np.where(np.eye(*w.shape) > 0, np.inf, w)
    broken = states[0]["broken"]
    old = {"w": w, "a": broken, "b": broken, "c": np.zeros_like(w)}
    new = {"w": w, "a": infinite, "b": broken, "c": np.zeros_like(w)}
    reasons = {one.name: one.reason for one in pastur.compare(old, new).skipped}
    assert reasons["a"].startswith("in OLD: holds 1 NaN")
    assert reasons["a"].endswith("in NEW: holds 100 infinite values")
    assert reasons["b"] == "in OLD and in NEW: holds 1 NaN and 1 infinite values"
    assert reasons["c"] == "in OLD and in NEW: every entry is zero"


def test_a_change_beyond_its_type_is_named(states: States) -> None:
    w = states[0]["kept"]
    far = np.full((30, 40), np.finfo(np.float64).max / 1e3)
    old, new = {"w": w, "far": far}, {"w": w, "far": -far * 1e3}
    comparison = pastur.compare(old, new)
    assert [matrix.name for matrix in comparison.matrices] == ["w"]
    (far_one,) = comparison.skipped
    assert "too large" in far_one.reason


def test_formats_do_not_matter(
    comparison: Comparison, files: tuple[Path, Path], states: States, tmp_path: Path
) -> None:
    assert untimed(pastur.compare(*files)) == untimed(comparison)
    torch = pytest.importorskip("torch")
    tensors = {name: torch.from_numpy(array) for name, array in states[0].items()}
    torch.save(tensors, tmp_path / "old.pt")
    assert untimed(pastur.compare(tmp_path / "old.pt", files[1])) == untimed(comparison)


def test_gguf_with_a_half_precision_copy(states: States, tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    w = states[0]["added"].astype(np.float32)
    writer = gguf.GGUFWriter(tmp_path / "new.gguf", "llama")
    writer.add_tensor("w", w.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file({"w": w}, tmp_path / "old.safetensors")
    comparison = pastur.compare(tmp_path / "old.safetensors", tmp_path / "new.gguf")
    (matrix,) = comparison.matrices
    expected = np.linalg.norm(w - w.astype(np.float16)) / np.linalg.norm(w)
    assert matrix.relative_change == pytest.approx(expected, rel=1e-4)
    assert matrix.directions.lost == matrix.directions.gained == 0
    header = matrix.old.dtype, matrix.new.dtype
    assert header == ("float32", "float16")


def test_the_same_file_twice_is_said(files: tuple[Path, Path], tmp_path: Path) -> None:
    new = files[1]
    link, copy = tmp_path / "link.safetensors", tmp_path / "copy.safetensors"
    os.symlink(new, link)
    shutil.copy(new, copy)
    for path in (new, link):
        comparison = pastur.compare(new, path)
        assert comparison.same_source
        assert comparison.summary().startswith("OLD and NEW are one and the same. ")
        assert all(matrix.unchanged for matrix in comparison.matrices)
    copied = pastur.compare(new, copy)
    assert not copied.same_source
    assert "all unchanged" in copied.summary()


def test_one_model_in_memory_is_the_same_twice(states: States) -> None:
    assert pastur.compare(states[0], states[0]).same_source
    assert not pastur.compare(states[0], dict(states[0])).same_source


def test_patterns_are_of_both(states: States) -> None:
    old, new = states
    chosen = pastur.compare(old, new, include=["kept", "gone*", "fresh"], exclude="gone.bias")
    assert [matrix.name for matrix in chosen.matrices] == ["kept"]
    assert [tensor.name for tensor in chosen.only_old] == ["gone"]
    assert [tensor.name for tensor in chosen.only_new] == ["fresh"]
    reasons = {tensor.name: tensor.reason for tensor in chosen.skipped}
    assert reasons["gone.bias"] == "excluded by 'gone.bias'"
    assert reasons["added"] == "not among those included"
    with pytest.raises(InvalidInputError, match=r"No layer named 'kopt'\. Did you mean 'kept'"):
        pastur.compare(old, new, include="kopt")


def test_parts_are_compared_one_by_one(states: States) -> None:
    rng = np.random.default_rng(4)
    fused = rng.normal(size=(180, 60))
    turned = fused.copy()
    turned[60:120] *= 2.0
    name = "attention.in_proj_weight"
    comparison = pastur.compare({name: fused}, {name: turned})
    changes = {matrix.name: matrix.relative_change for matrix in comparison.matrices}
    assert changes == {f"{name}:q": 0.0, f"{name}:k": pytest.approx(1.0), f"{name}:v": 0.0}


def test_nothing_to_compare(states: States) -> None:
    w = states[0]["kept"]
    with pytest.raises(InvalidInputError, match=r"No matrix can be compared in .*'a': has the sha"):
        pastur.compare({"a": w}, {"b": w})
    with pytest.raises(InvalidInputError, match="'a': has the shape 100 × 140 in OLD, and 50"):
        pastur.compare({"a": w}, {"a": w[:50]})


def test_an_adapter_is_not_compared_with_a_model(tmp_path: Path, states: States) -> None:
    rng = np.random.default_rng(1)
    stem = "base_model.model.w"
    adapter = {
        f"{stem}.lora_A.weight": rng.normal(size=(4, 140)),
        f"{stem}.lora_B.weight": rng.normal(size=(100, 4)),
    }
    save_file(adapter, tmp_path / "adapter_model.safetensors")
    settings = '{"peft_type": "LORA", "r": 4, "lora_alpha": 8}'
    (tmp_path / "adapter_config.json").write_text(settings)
    path = tmp_path / "adapter_model.safetensors"
    model = {"w.weight": states[0]["kept"]}
    with pytest.raises(InvalidInputError, match="NEW is an adapter"):
        pastur.compare(model, path)
    with pytest.raises(InvalidInputError, match="OLD is an adapter"):
        pastur.compare(path, model)
    assert all(matrix.unchanged for matrix in pastur.compare(path, path).matrices)


def test_no_output_over_an_input(files: tuple[Path, Path]) -> None:
    for path in files:
        before = path.read_bytes()
        with pytest.raises(InvalidInputError, match="would be overwritten"):
            pastur.compare(*files, outputs=[path])
        comparison = pastur.compare(*files, include="kept")
        with pytest.raises(InvalidInputError, match="would be overwritten"):
            comparison.to_json(path)
        assert path.read_bytes() == before


def test_a_file_that_is_not_there(files: tuple[Path, Path], tmp_path: Path) -> None:
    for pair in ((files[0], tmp_path / "nowhere"), (tmp_path / "nowhere", files[1])):
        with pytest.raises(FileAccessError, match="No file or folder"):
            pastur.compare(*pair)


def test_threads_give_the_same(comparison: Comparison, states: States) -> None:
    calls: list[tuple[int, int, str]] = []
    with ThreadPoolExecutor(2) as threads:
        found = pastur.compare(*states, executor=threads, progress=lambda *call: calls.append(call))
    assert untimed(found) == untimed(comparison)
    assert calls[-1] == (6, 6, "")


@pytest.mark.lengthy
def test_processes_give_the_same(comparison: Comparison, files: tuple[Path, Path]) -> None:
    assert untimed(pastur.compare(*files, jobs=2, memory="1GB")) == untimed(comparison)


@pytest.fixture
def worked_on(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the matrices that are analysed, as they come."""
    names: list[str] = []

    def noting(matrix: Any, *, settings: Any) -> Any:
        names.append(matrix.name)
        return examine(matrix, settings=settings)

    monkeypatch.setattr("pastur.comparison._matrix.compare_pair.examine", noting)
    return names


def test_finished_pairs_are_kept(
    files: tuple[Path, Path], states: States, tmp_path: Path, worked_on: list[str]
) -> None:
    kept = tmp_path / "kept"
    first = pastur.compare(*files, resume=kept)
    # What is unchanged is analysed once; the change is a third analysis.
    assert sorted(worked_on) == sorted(["kept", *3 * ["louder", "added", "removed"]])
    assert len(list(kept.iterdir())) == 4
    worked_on.clear()
    again = pastur.compare(*files, resume=kept)
    assert worked_on == []
    assert again.to_dict() == first.to_dict()
    changed = states[1] | {"louder": 2.0 * states[1]["louder"]}
    save_file(changed, tmp_path / "new.safetensors")
    worked_on.clear()
    other = pastur.compare(files[0], tmp_path / "new.safetensors", resume=kept)
    assert worked_on == ["louder"] * 3
    assert one(other, "louder").relative_change == pytest.approx(2.0)


def test_an_interrupt_returns_what_is_finished(
    states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def stopping(pair: Any, known: Any, **options: Any) -> Any:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(pair.name)
        return compare_anew(pair, known, **options)

    monkeypatch.setattr("pastur.comparison._model.compare.compare_anew", stopping)
    with pytest.raises(ComparisonInterrupted) as caught:
        pastur.compare(*states)
    comparison = caught.value.comparison
    assert [matrix.name for matrix in comparison.matrices] == done
    left = [t.name for t in comparison.skipped if t.reason.startswith("not compared: the run was")]
    assert left == ["added", "removed", "broken", "zero"]
    assert comparison.summary().startswith("Partial: the run was interrupted")


@pytest.mark.internal_error
def test_a_fault_of_ours_costs_one_matrix(states: States, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(old: AnyArray, *others: Any) -> Any:
        if np.array_equal(old, states[0]["louder"]):
            raise ZeroDivisionError("a slip")
        return compare_directions(old, *others)

    place = "pastur.comparison._matrix.compare_pair.compare_directions"
    monkeypatch.setattr(place, failing)
    comparison = pastur.compare(*states)
    assert [m.name for m in comparison.matrices] == ["kept", "added", "removed"]
    (slip,) = (tensor for tensor in comparison.skipped if tensor.name == "louder")
    assert "internal error" in slip.reason and "ZeroDivisionError" in slip.traceback


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"alpha": 2.0}, "`alpha`"),
        ({"jobs": 0}, "`jobs`"),
        ({"memory": "much"}, "`memory`"),
        ({"unfold": "sideways"}, "`unfold`"),
    ],
)
def test_wrong_arguments(states: States, options: dict[str, Any], words: str) -> None:
    with pytest.raises(PasturError, match=words):
        pastur.compare(*states, **options)
