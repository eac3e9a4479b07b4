"""The page on a plan is complete, safe against what a file may hold, and asks for nothing."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from html_page import Page, escaped

import pastur
from pastur._errors import FileAccessError, InvalidInputError, InvalidTypeError
from pastur._format import percent
from pastur.compression import Action, Choice, CompressionPlan, Prediction, collect_inputs
from pastur.report import write_plan


def page_of(plan: CompressionPlan, folder: Path) -> Page:
    return Page(write_plan(plan, folder / "plan.html").read_text(encoding="utf-8"))


def cells(page: Page) -> list[str]:
    return [text.strip() for text in page.texts if text.strip()]


def test_every_matrix_has_its_strip_and_its_row(plan: CompressionPlan, tmp_path: Path) -> None:
    page = page_of(plan, tmp_path)
    numbers = [(tag, attrs["data-layer"]) for tag, attrs in page.elements if "data-layer" in attrs]
    expected = [str(number) for number in range(1, len(plan.matrices) + 1)]
    for tag in ("li", "tr"):
        assert [number for name, number in numbers if name == tag] == expected
    for matrix in plan.matrices:
        assert page.text.count(escaped(matrix.name)) >= 2


def test_the_figures_are_those_of_the_plan(plan: CompressionPlan, tmp_path: Path) -> None:
    found = cells(page_of(plan, tmp_path))
    changed = [matrix for matrix in plan.matrices if not matrix.kept]
    assert changed and len(changed) < len(plan.matrices)
    for matrix in changed:
        assert f"{matrix.choice}, factored" in found
        assert f"{matrix.parameters:,}" in found
        assert f"{matrix.bytes_after(plan.form):,}" in found
        assert matrix.promise is not None
        assert percent(matrix.promise.error, 3) in found
    after = plan.parameters_after
    assert after is not None and plan.error is not None
    assert percent(after / plan.parameters_before, 3) in found
    assert percent(plan.error, 3) in found
    assert any(plan.assumption in text for text in found)


def test_bars_and_dots_are_at_their_places(plan: CompressionPlan, tmp_path: Path) -> None:
    page = page_of(plan, tmp_path)
    paths = [attrs for tag, attrs in page.elements if tag == "path" and attrs.get("class")]
    bars, dots = (
        [str(one["d"]) for one in paths if one["class"] == name] for name in ("bulk", "dots")
    )
    for matrix, bar, dot in zip(plan.matrices, bars, dots, strict=True):
        end = re.fullmatch(r"M0 22H([\d.]+)V78H0Z", bar)
        assert end is not None and matrix.parameters is not None
        share = matrix.parameters / matrix.entries
        assert float(end[1]) == pytest.approx(985 * share, abs=0.06)
        if matrix.promise is None:
            assert dot == ""
        else:
            at = float(dot.removeprefix("M").split()[0])
            assert at == pytest.approx(985 * matrix.promise.error, abs=0.06)


def test_what_is_not_known_is_said(plan: CompressionPlan, tmp_path: Path) -> None:
    name = plan.matrices[0].name
    edited = plan.replace({name: Choice(Action.PRUNE, threshold=0.1)})
    found = cells(page_of(edited, tmp_path))
    assert found.count("not known") >= 4
    assert "None" not in found and "nan" not in " ".join(found)


def test_hostile_words_stay_text(plan: CompressionPlan, hostile: str, tmp_path: Path) -> None:
    first = dataclasses.replace(plan.matrices[0], note=hostile)
    bad = dataclasses.replace(
        plan,
        source=hostile,
        method=hostile,
        assumption=hostile,
        versions={hostile: hostile},
        left_out={hostile: hostile},
        matrices=(first, *plan.matrices[1:]),
    )
    page = page_of(bad, tmp_path)
    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint({"img", "iframe", "object", "embed", "form", "base"})
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert len(page.scripts) == 1
    assert page.text.count(escaped(hostile)) > 8


def test_the_page_asks_for_nothing_and_is_small(plan: CompressionPlan, tmp_path: Path) -> None:
    page = page_of(plan, tmp_path)
    assert (tmp_path / "plan.html").stat().st_size < 100_000
    for _, attrs in page.elements:
        for name in ("src", "href", "action", "srcset"):
            target = attrs.get(name)
            assert target is None or target.startswith(("#", "data:,"))
    (text,) = (text for _, text in page.scripts)
    assert "://" not in text + page.style
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = {attrs["href"] for _, attrs in page.elements if (attrs.get("href") or "")[:1] == "#"}
    assert {str(link)[1:] for link in links} <= set(ids)
    (policy,) = (
        str(attrs["content"])
        for tag, attrs in page.elements
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; script-src 'sha256-")


@pytest.mark.lengthy
def test_ten_thousand_matrices(plan: CompressionPlan, tmp_path: Path) -> None:
    one = plan.matrices[0]
    record = next(record for record in plan.tensors if record.name == one.tensor)
    names = [f"layers.{number}.weight" for number in range(10_000)]
    many = dataclasses.replace(
        plan,
        matrices=tuple(dataclasses.replace(one, name=name, tensor=name) for name in names),
        tensors=tuple(dataclasses.replace(record, name=name) for name in names),
    )
    path = write_plan(many, tmp_path / "many.html")
    assert path.stat().st_size < 2_500 * 10_000


def test_bad_paths_get_a_sentence(plan: CompressionPlan, tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"it is a folder. Name a file in it, such as .*plan"):
        write_plan(plan, tmp_path)
    with pytest.raises(FileAccessError, match=r"folder '.*nowhere' does not exist"):
        write_plan(plan, tmp_path / "nowhere" / "plan.html")
    with pytest.raises(InvalidTypeError, match=r"result of `pastur.plan_compression`. Got a dict"):
        write_plan({}, tmp_path / "plan.html")  # type: ignore[arg-type]


def test_the_model_is_not_overwritten(arrays: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez(path, w=arrays["encoder.1.dense.weight"])
    before = path.read_bytes()
    plan = pastur.plan_compression(pastur.analyze(path), method="round")
    with pytest.raises(InvalidInputError, match="would be overwritten"):
        write_plan(plan, path)
    assert path.read_bytes() == before


def test_an_edited_plan_is_shown(plan: CompressionPlan, tmp_path: Path) -> None:
    stored = plan.to_json(tmp_path / "plan.json")
    values = json.loads(stored.read_text())
    values["matrices"][0]["choice"] = {"action": "round", "bits": 3}
    stored.write_text(json.dumps(values))
    found = cells(page_of(CompressionPlan.from_json(stored), tmp_path))
    assert "3 bits, factored" in found


def test_what_outputs_lose_is_on_the_page(tmp_path: Path) -> None:
    """With its interval, and what the model loses where that was measured."""
    rng = np.random.default_rng(3)
    model = {"a": rng.normal(size=(60, 50)), "b": rng.normal(size=(40, 60))}

    def run(seed: int, add: Any) -> None:
        drawn = np.random.default_rng(seed)
        for name, w in model.items():
            add(name, drawn.normal(size=(30, w.shape[1])) * np.linspace(3, 0.1, w.shape[1]))

    inputs = collect_inputs(model, range(8), run=run, path=tmp_path / "inputs.safetensors")
    analysis = pastur.analyze(model, noise="white")
    made = pastur.plan_compression(
        analysis, model, method="outputs", target={"size": 0.6}, inputs=inputs
    )
    text = (write_plan(made, tmp_path / "plan.html")).read_text("utf-8")
    assert "Outputs lost" in text and "in sample" in text
    assert "what the model loses is not known" in text and "without data" not in text
    predicted = dataclasses.replace(made, predicted=Prediction(0.02, 0.015, 0.025, 30))
    text = (write_plan(predicted, tmp_path / "plan.html")).read_text("utf-8")
    assert "+0.02" in text and "predicted from 30 documents" in text
    plain = pastur.plan_compression(analysis, model, target={"size": 0.6})
    text = (write_plan(plain, tmp_path / "plan.html")).read_text("utf-8")
    assert "Outputs lost" not in text and "without data" in text
