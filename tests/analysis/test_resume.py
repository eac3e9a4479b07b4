"""Finished matrices are kept, and used where numbers, settings and versions are the same."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from pastur._errors import FileAccessError, PasturWarning
from pastur._typing import FloatArray
from pastur.analysis import Analysis, AnalysisInterrupted, analyze
from pastur.analysis._matrix.fit_matrix import examine

NAMES = ("a", "b", "c", "d")


@pytest.fixture
def tensors() -> dict[str, FloatArray]:
    rng = np.random.default_rng(3)
    found = {name: rng.normal(size=(40, 50)) for name in NAMES}
    found["zeros"] = np.zeros((40, 50))
    return found


@pytest.fixture
def model(tensors: dict[str, FloatArray], tmp_path: Path) -> Path:
    save_file(tensors, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the matrices that are worked on, as they come."""
    names: list[str] = []

    def noting(matrix: Any, **options: Any) -> Any:
        names.append(matrix.name)
        return examine(matrix, **options)

    monkeypatch.setattr("pastur.analysis._matrix.examine_anew.examine", noting)
    return names


def content(analysis: Analysis) -> str:
    return json.dumps(analysis.to_dict())


def untimed(analysis: Analysis) -> dict[str, Any]:
    result = analysis.to_dict()
    for matrix in result["matrices"]:
        del matrix["seconds"]
    return result


def test_what_is_there_is_not_done_again(model: Path, tmp_path: Path, examined: list[str]) -> None:
    plain = analyze(model)
    first = analyze(model, resume=tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == len(NAMES)
    examined.clear()
    again = analyze(model, resume=tmp_path / "kept")
    # What is skipped is looked into each time.
    assert examined == ["zeros"]
    assert content(again) == content(first)
    assert untimed(first) == untimed(plain)


def test_numbers_that_changed_are_analysed_again(
    model: Path, tensors: dict[str, FloatArray], tmp_path: Path, examined: list[str]
) -> None:
    analyze(model, resume=tmp_path / "kept")
    tensors["b"][3, 4] += 1e-12
    save_file(tensors, model)
    examined.clear()
    again = analyze(model, resume=tmp_path / "kept")
    assert examined == ["b", "zeros"]
    assert untimed(again) == untimed(analyze(model))


def test_each_way_to_analyse_has_its_own(
    model: Path, tmp_path: Path, examined: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[dict[str, Any]] = [{}, {"alpha": 0.01}, {"noise": "white"}, {"seed": 3}]
    for way in [*ways, *ways]:
        analyze(model, resume=tmp_path / "kept", **way)
    assert examined.count("a") == len(ways)
    other = {"pastur": "0.0", "numpy": "1", "scipy": "1", "python": "3"}
    monkeypatch.setattr(
        "pastur.analysis._model.matrix_records.package_versions", lambda: dict(other)
    )
    analyze(model, resume=tmp_path / "kept")
    assert examined.count("a") == len(ways) + 1


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda text: text[:100], "not a JSON file"),
        (lambda text: text.replace('"name":"', '"name":"x', 1), "header"),
        (lambda text: text.replace('"digest":"', '"digest":7,"x":"'), "digest"),
        (lambda text: text.replace('"singular_values":[', '"singular_values":[-1,'), "singular"),
    ],
)
def test_a_damaged_record_is_kept_and_its_matrix_done_again(
    model: Path, tmp_path: Path, examined: list[str], edit: Any, why: str
) -> None:
    kept = tmp_path / "kept"
    first = analyze(model, resume=kept)
    victim = sorted(kept.iterdir())[0]
    victim.write_text(edit(victim.read_text()))
    examined.clear()
    with pytest.warns(PasturWarning, match=f"{why}.* the matrix is analysed again"):
        again = analyze(model, resume=kept)
    assert len(examined) == 2
    assert untimed(again) == untimed(first)
    assert victim.exists() and victim.with_name(f"{victim.name}.damaged").exists()


def test_an_interrupt_hands_over_what_is_finished(
    model: Path, tmp_path: Path, examined: list[str]
) -> None:
    def stop(done: int, total: int, name: str) -> None:
        if name == "c":
            raise KeyboardInterrupt

    with pytest.raises(AnalysisInterrupted) as raised:
        analyze(model, resume=tmp_path / "kept", progress=stop)
    partial = raised.value.analysis
    assert [matrix.name for matrix in partial.matrices] == ["a", "b"]
    assert {t.name: t.reason for t in partial.skipped} == dict.fromkeys(
        ("c", "d", "zeros"), "not analysed: the run was interrupted"
    )
    sentence = "Partial: the run was interrupted, and 3 matrices were left out."
    assert partial.summary().startswith(sentence)
    partial.to_json(tmp_path / "partial.json")
    assert Analysis.from_json(tmp_path / "partial.json").summary().startswith(sentence)
    examined.clear()
    whole = analyze(model, resume=tmp_path / "kept")
    assert examined == ["c", "d", "zeros"]
    assert untimed(whole) == untimed(analyze(model))
    assert not whole.summary().startswith("Partial")


def test_an_interrupt_before_anything_is_finished_is_one(model: Path) -> None:
    def stop(done: int, total: int, name: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        analyze(model, progress=stop)
    assert not isinstance(raised.value, AnalysisInterrupted)


def test_a_full_disk_costs_what_was_under_way(
    model: Path, tmp_path: Path, examined: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "pastur.analysis._model.matrix_records.write_whole"
    from pastur._files import write_whole

    def full(path: Path, text: str) -> None:
        if len(examined) == 3:
            raise FileAccessError(f"Cannot write '{path}': No space left on device.")
        write_whole(path, text)

    with monkeypatch.context() as context:
        context.setattr(place, full)
        with pytest.raises(FileAccessError, match="No space left"):
            analyze(model, resume=tmp_path / "kept")
    examined.clear()
    analyze(model, resume=tmp_path / "kept")
    assert examined == ["c", "d", "zeros"]
