"""The page on a comparison is complete, safe against what a file may hold, and asks for nothing."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from html_page import Page, escaped

import pastur
from pastur._errors import FileAccessError, InvalidInputError, InvalidTypeError
from pastur._format import percent
from pastur.analysis._result.places import has_groups
from pastur.comparison import Comparison
from pastur.report import write_comparison
from pastur.report._build.comparison_layers import marks


def page_of(comparison: Comparison, folder: Path) -> Page:
    return Page(write_comparison(comparison, folder / "c.html").read_text(encoding="utf-8"))


def cells(page: Page) -> list[str]:
    return [text.strip() for text in page.texts if text.strip()]


def test_every_matrix_has_strip_row_and_words(comparison: Comparison, tmp_path: Path) -> None:
    page = page_of(comparison, tmp_path)
    numbers = [(tag, attrs["data-layer"]) for tag, attrs in page.elements if "data-layer" in attrs]
    expected = [str(number) for number in range(1, len(comparison.matrices) + 1)]
    for tag in ("li", "tr", "article"):
        assert [number for name, number in numbers if name == tag] == expected
    found = cells(page)
    for matrix in comparison.matrices:
        assert matrix.summary() in found
        if matrix.change is not None:
            assert f"The change alone: {matrix.change.summary()}" in found


def test_the_figures_are_those_of_the_comparison(comparison: Comparison, tmp_path: Path) -> None:
    found = cells(page_of(comparison, tmp_path))
    assert comparison.summary() in found
    changed = [matrix for matrix in comparison.matrices if not matrix.unchanged]
    assert len(changed) == 2 < len(comparison.matrices)
    for matrix in changed:
        assert percent(matrix.relative_change, 3) in found
    assert "3 → 2" in found
    assert any(text.startswith("random 0.0") for text in found)
    assert "None" not in found and "nan" not in " ".join(found).lower().replace("nan value", "")


def test_what_is_not_compared_is_listed(comparison: Comparison, tmp_path: Path) -> None:
    found = cells(page_of(comparison, tmp_path))
    for tensors in (comparison.only_old, comparison.only_new, comparison.reshaped):
        (tensor,) = tensors
        assert tensor.reason in found
    for tensor in comparison.skipped:
        assert tensor.reason in found


@pytest.mark.parametrize(
    ("largest", "labels"),
    [
        (0.12, ["0.01 %", "0.1 %", "1 %"]),
        (0.1, ["0.01 %", "0.1 %", "1 %"]),
        (3.0, ["0.1 %", "1 %", "10 %", "100 %"]),
        (0.0, []),
    ],
)
def test_ticks_are_powers_of_ten(largest: float, labels: list[str]) -> None:
    found = marks(largest)
    assert [label for label, _ in found] == labels
    for label, position in found:
        share = 1 + np.log10(float(label.removesuffix(" %")) / 100 / largest) / 4
        assert position == pytest.approx(98.5 * share, abs=0.02)


def test_a_matrix_and_its_initial_value_are_no_block(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    names = ["fc1.weight", "fc2.weight", "fc2.weight.initial", "fc3.weight"]
    model = {name: rng.normal(size=(24, 30)) for name in names}
    path = write_comparison(pastur.compare(model, model), tmp_path / "c.html")
    page = Page(path.read_text(encoding="utf-8"))
    assert "By block" not in cells(page) and not has_groups(names)
    assert has_groups([*names, "fc3.other"])


def test_bars_are_as_long_as_their_logarithms(comparison: Comparison, tmp_path: Path) -> None:
    page = page_of(comparison, tmp_path)
    bars = [str(a["d"]) for tag, a in page.elements if tag == "path" and a.get("class") == "bulk"]
    sizes = [matrix.relative_change for matrix in comparison.matrices]
    for size, bar in zip(sizes, bars, strict=True):
        if size == 0.0:
            assert bar == ""
            continue
        end = re.fullmatch(r"M0 22H([\d.]+)V78H0Z", bar)
        assert end is not None
        share = 1 + np.log10(size / max(sizes)) / 4
        assert float(end[1]) == pytest.approx(985 * share, abs=0.06)


def test_hostile_words_stay_text(comparison: Comparison, hostile: str, tmp_path: Path) -> None:
    first = dataclasses.replace(comparison.matrices[0], name=hostile)
    tensor = dataclasses.replace(comparison.skipped[0], name=hostile, reason=hostile)
    bad = dataclasses.replace(
        comparison,
        old=hostile,
        new=hostile,
        versions={hostile: hostile},
        matrices=(first, *comparison.matrices[1:]),
        only_old=(tensor,),
        skipped=(tensor,),
    )
    page = page_of(bad, tmp_path)
    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint({"img", "iframe", "object", "embed", "form", "base"})
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert len(page.scripts) == 1
    assert page.text.count(escaped(hostile)) > 6


def test_the_page_asks_for_nothing_and_is_small(comparison: Comparison, tmp_path: Path) -> None:
    page = page_of(comparison, tmp_path)
    assert (tmp_path / "c.html").stat().st_size < 100_000
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


def test_nothing_changed(tmp_path: Path) -> None:
    model = {"w": np.random.default_rng(0).normal(size=(40, 50))}
    page = page_of(pastur.compare(model, model), tmp_path)
    assert "OLD and NEW are one and the same." in " ".join(page.texts)
    assert "none" in cells(page)


def test_bad_paths_get_a_sentence(comparison: Comparison, tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"it is a folder. Name a file in it"):
        write_comparison(comparison, tmp_path)
    with pytest.raises(FileAccessError, match=r"folder '.*nowhere' does not exist"):
        write_comparison(comparison, tmp_path / "nowhere" / "c.html")
    with pytest.raises(InvalidTypeError, match=r"result of `pastur.compare`. Got a dict"):
        write_comparison({}, tmp_path / "c.html")  # type: ignore[arg-type]


def test_the_models_are_not_overwritten(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    paths = [tmp_path / "old.npz", tmp_path / "new.npz"]
    for path in paths:
        np.savez(path, w=rng.normal(size=(40, 50)))
    comparison = pastur.compare(*paths)
    for path in paths:
        before = path.read_bytes()
        with pytest.raises(InvalidInputError, match="would be overwritten"):
            write_comparison(comparison, path)
        assert path.read_bytes() == before
