"""The page is complete, safe against what a file may hold, and small."""

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from pastur.analysis import Analysis, analyze
from pastur.report import write_report
from pastur.report._build.overview import Scale, strip


class Page(HTMLParser):
    """The elements of a page with their attributes, its text, and the content of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.style = ""
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            attrs, text = self.scripts[-1]
            self.scripts[-1] = attrs, text + data
        elif self._inside == "style":
            self.style += data
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    @property
    def data(self) -> dict[str, list[dict[str, list[float]]]]:
        text = next(text for attrs, text in self.scripts if attrs.get("id") == "data")
        return json.loads(text)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def path(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(analysis, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="module")
def page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def escaped(name: str) -> str:
    """The name as the page shows it: what is not ASCII here is all of the invisible kind."""
    return name.encode("ascii", "backslashreplace").decode()


def test_every_matrix_has_its_strip_its_row_and_its_spectrum(
    page: Page, analysis: Analysis
) -> None:
    numbers = [(tag, attrs["data-layer"]) for tag, attrs in page.elements if "data-layer" in attrs]
    expected = [str(i) for i in range(1, len(analysis.matrices) + 1)]
    for tag in ("li", "tr", "article"):
        assert [number for name, number in numbers if name == tag] == expected
    assert len(page.data["layers"]) == len(analysis.matrices)
    for matrix in analysis.matrices:
        assert page.text.count(escaped(matrix.name)) >= 3


def test_every_skipped_tensor_with_its_reason(page: Page, analysis: Analysis) -> None:
    assert len(analysis.skipped) == 4
    for tensor in analysis.skipped:
        assert escaped(tensor.name) in page.text
        assert tensor.reason in page.text


def test_summary_source_versions_and_alpha(page: Page, analysis: Analysis) -> None:
    assert analysis.summary() in page.text
    for word in (analysis.source, *analysis.versions.values(), "0.05"):
        assert word in page.text


def test_figures_of_a_matrix_are_those_of_its_fit(page: Page, analysis: Analysis) -> None:
    best = analysis.matrices[0].leading
    assert best is not None
    assert f"{best.theta:#.4g}" in page.text
    assert f"{best.low:#.4g} to {best.high:#.4g}" in page.text
    assert f"{analysis.matrices[0].fit.sigma:#.4g}" in page.text


def test_comparison_with_the_initial_value(page: Page, analysis: Analysis) -> None:
    (comparison,) = analysis.initial
    assert "Initial values" in page.text
    assert f"{comparison.above_critical} of 120" in page.text
    assert page.data["initial"][0]["value"][0] == pytest.approx(40, rel=0.05)


def test_no_section_on_initial_values_without_them(analysis: Analysis, tmp_path: Path) -> None:
    bare = dataclasses.replace(analysis, initial=())
    text = write_report(bare, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Initial values" not in Page(text).text


def test_hostile_names_stay_text(page: Page, hostile: str) -> None:
    assert escaped(hostile) in page.text
    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint({"img", "iframe", "object", "embed", "form", "base"})
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert len(page.scripts) == 3


def test_hostile_metadata_source_and_reason_stay_text(
    analysis: Analysis, hostile: str, tmp_path: Path
) -> None:
    bad = dataclasses.replace(
        analysis,
        source=hostile,
        metadata={hostile: hostile},
        versions={"pastur": hostile},
        skipped=(dataclasses.replace(analysis.skipped[0], reason=hostile, dtype=hostile),),
    )
    page = Page(write_report(bad, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "img" not in {tag for tag, _ in page.elements}
    assert len(page.scripts) == 3


def test_embedded_data_holds_no_markup(page: Page) -> None:
    text = next(text for attrs, text in page.scripts if attrs.get("id") == "data")
    assert not re.search("[<>&\u2028\u2029]", text)


def test_page_asks_for_nothing(page: Page) -> None:
    for tag, attrs in page.elements:
        for name in ("src", "href", "action", "srcset", "poster", "data"):
            target = attrs.get(name)
            assert target is None or target.startswith(("#", "data:,")), (tag, name, target)
    assert "url(" not in page.style and "@import" not in page.style
    ours = [text for attrs, text in page.scripts if len(text) < 1_000_000]
    assert len(ours) == 2
    assert not any("://" in text for text in [page.style, *ours])


def test_policy_allows_only_the_scripts_of_the_page(page: Page) -> None:
    policy = next(
        attrs["content"]
        for tag, attrs in page.elements
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None and policy.startswith("default-src 'none'; ")
    runnable = [text for attrs, text in page.scripts if "type" not in attrs]
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in runnable]
    listed = " ".join(f"'sha256-{digest.decode()}'" for digest in digests)
    assert f"script-src {listed};" in policy
    assert "unsafe-eval" not in policy


def test_ids_are_unique_and_links_lead_somewhere(page: Page) -> None:
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = {attrs["href"] for _, attrs in page.elements if (attrs.get("href") or "")[:1] == "#"}
    assert {str(link)[1:] for link in links} <= set(ids)


def test_bars_of_the_embedded_data_hold_all_singular_values(page: Page, analysis: Analysis) -> None:
    for chart, matrix in zip(page.data["layers"], analysis.matrices, strict=True):
        assert sum(chart["counts"]) == min(matrix.shape)
        assert len(chart["bins"]) == len(chart["counts"]) + 1


def test_page_is_small_even_where_every_layer_is_full_of_spikes(tmp_path: Path) -> None:
    # A spectrum over eight orders of magnitude: most of it lies beyond any edge.
    values = np.geomspace(1e-4, 1e4, 600)
    layers = {f"encoder.layers.{i}.feed_forward.weight": np.diag(values) for i in range(4)}
    full = analyze(layers)
    assert min(matrix.fit.rank for matrix in full.matrices) > 150
    size = [
        write_report(one, tmp_path / "r.html").stat().st_size
        for one in (dataclasses.replace(full, matrices=()), full)
    ]
    assert size[0] < 8_000_000
    assert (size[1] - size[0]) / 4 < 20_000


def test_law_in_the_overview_ends_at_the_edge() -> None:
    """The law of a growing signal goes on, but its strip compares the bulk."""
    rng = np.random.default_rng(3)
    dense = rng.standard_normal((100, 40)) @ rng.standard_normal((40, 150))
    (matrix,) = analyze({"w": dense + rng.standard_normal((100, 150))}).matrices
    assert matrix.fit.growing
    assert matrix.fit.law.support[-1, 1] ** 0.5 > 1.5 * matrix.fit.edge
    drawn = strip(matrix, Scale.of([matrix]))
    assert drawn is not None
    places = [float(point.split(" ")[0]) for point in drawn.law.removeprefix("M").split("L")]
    assert max(places) <= drawn.edge


def test_analysis_without_matrices(analysis: Analysis, tmp_path: Path) -> None:
    bare = dataclasses.replace(analysis, matrices=(), initial=())
    page = Page(write_report(bare, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "Overview" not in page.text and "Skipped" in page.text
