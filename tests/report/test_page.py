"""The page is complete, safe against what a file may hold, and small."""

import base64
import dataclasses
import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from html_page import Page, escaped

from pastur.analysis import Analysis, MatrixAnalysis, analyze
from pastur.estimation import RectangularFit, Verdict
from pastur.report import write_report
from pastur.report._build.chart_data import spectrum
from pastur.report._build.overview import Scale, strip


@pytest.fixture(scope="module")
def path(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(analysis, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="module")
def page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


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
    for sentence in analysis.findings():
        assert sentence in page.text
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


def test_without_a_law_the_update_has_what_stands_out(analysis: Analysis, tmp_path: Path) -> None:
    (known,) = analysis.initial
    assert known.update is not None and len(known.update.standing_out) == 3
    free = dataclasses.replace(known, sigma=None, critical=None, edge=None)
    both = dataclasses.replace(analysis, initial=(known, free))
    page = Page(write_report(both, tmp_path / "r.html").read_text(encoding="utf-8"))
    with_law, without = page.data["initial"]
    assert with_law["critical"] is not None and sum(with_law["marked"]) == known.above_critical
    assert without["critical"] is None and sum(without["marked"]) == 3
    assert "there is no critical value" in page.text and "None" not in page.text


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
    left, right = np.linalg.qr(np.random.default_rng(0).normal(size=(2, 600, 600)))[0]
    w = (left * values) @ right
    layers = {f"encoder.layers.{i}.feed_forward.weight": w for i in range(4)}
    full = analyze(layers, noise="white")
    # No law holds for it, and spikes that do not count would not be drawn.
    sound = [
        dataclasses.replace(fit, goodness=dataclasses.replace(fit.goodness, verdict=Verdict.NOISE))
        for fit in (matrix.fit for matrix in full.matrices)
    ]
    assert min(len(fit.spikes) for fit in sound) > 150
    pairs = zip(full.matrices, sound, strict=True)
    matrices = tuple(dataclasses.replace(matrix, fit=fit) for matrix, fit in pairs)
    full = dataclasses.replace(full, matrices=matrices)
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
    assert max(places) <= drawn.end


def test_analysis_without_matrices(analysis: Analysis, tmp_path: Path) -> None:
    bare = dataclasses.replace(analysis, matrices=(), initial=())
    page = Page(write_report(bare, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "Overview" not in page.text and "Skipped" in page.text


@pytest.fixture(scope="module")
def lawless() -> MatrixAnalysis:
    """A product of noise, of which three directions are made to stand out, the third's θ open.

    The two smallest singular values are zero to rounding; the fourth direction is not readable.
    """
    rng = np.random.default_rng(8)
    w = rng.normal(size=(60, 80)) @ rng.normal(size=(80, 80)) / 80
    w[58:] = 0.0
    (matrix,) = analyze({"broad": w}, noise="free").matrices
    leading = matrix.fit.leading[:14].copy()
    leading["readable"], leading["group"] = True, np.arange(14)
    leading["theta"], leading["low"] = 0.9 * leading["observed"], 0.8 * leading["observed"]
    leading["high"] = leading["observed"]
    leading["high"][2] = np.inf
    for name in ("overlap_left", "overlap_right", "span_left", "span_right"):
        leading[name], leading[f"{name}_low"], leading[f"{name}_high"] = 0.8, 0.7, 0.9
        leading[f"{name}_low"][3:] = 0.4
    for name in ("theta", "low", "high", "span_left", "span_left_low"):
        leading[name][3] = np.nan
    leading["readable"][3] = False
    fit: RectangularFit = dataclasses.replace(matrix.fit, leading=leading)
    return dataclasses.replace(matrix, fit=fit)


@pytest.fixture(scope="module")
def lawless_page(lawless: MatrixAnalysis, analysis: Analysis, tmp_path_factory: Any) -> Page:
    sound = dataclasses.replace(analysis.matrices[0], baselines={}, randomized=None)
    both = dataclasses.replace(analysis, matrices=(sound, lawless))
    path = write_report(both, tmp_path_factory.mktemp("lawless") / "report.html")
    return Page(path.read_text(encoding="utf-8"))


def test_a_matrix_without_a_law_has_what_stands_out_and_no_count(
    lawless_page: Page, lawless: MatrixAnalysis
) -> None:
    sound, free = lawless_page.data["layers"]
    assert sound["counted"] and not free["counted"]
    assert free["law"] == [[], []] and free["edge"] is None and free["spikes"]["observed"] == []
    assert sound["edge"] is not None and len(sound["spikes"]["observed"]) == 3
    # The first eight are listed, of which three stand out.
    assert free["leading"]["out"] == [1] * 3 + [0] * 5
    assert free["leading"]["high"][2] is None and free["leading"]["theta"][3] is None
    for words in (lawless.summary(), "3 of 60 singular values", "3 directions that stand out"):
        assert words in lawless_page.text
    assert "in doubt" not in lawless_page.text


def test_columns_say_something(analysis: Analysis, lawless_page: Page, tmp_path: Path) -> None:
    def columns(page: Page) -> set[str | None]:
        return {attrs["data-column"] for _, attrs in page.elements if "data-column" in attrs}

    one = dataclasses.replace(analysis, matrices=analysis.matrices[:1])
    plain = Page(write_report(one, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert {"rank", "sigma"} <= columns(plain) and "out" not in columns(plain)
    assert {"rank", "sigma", "out"} <= columns(lawless_page)


def test_the_noise_of_each_matrix_is_said_once(
    lawless_page: Page, analysis: Analysis, lawless: MatrixAnalysis
) -> None:
    text = lawless_page.text
    assert text.count(str(analysis.matrices[0].fit.noise)) == 1
    # At the top of the page, and in the sentences on the matrix.
    assert text.count(lawless.fit.noise.assumption) == 2


def test_a_strip_without_a_law_has_squares_beyond_its_bulk(lawless: MatrixAnalysis) -> None:
    scale = Scale.of([lawless])
    drawn = strip(lawless, scale)
    assert drawn is not None and drawn.law == "" and drawn.bulk
    places = [float(mark.split(" ")[0]) for mark in drawn.marks.split("M")[1:]]
    assert len(places) == 3 and min(places) >= drawn.end
    # Without noise there is no bulk, and no strip.
    (exact,) = analyze({"w": np.ones((30, 40))}).matrices
    assert strip(exact, scale) is None


def test_a_count_that_is_not_believed_is_not_shown(tmp_path: Path) -> None:
    w = np.random.default_rng(4).standard_t(1.5, size=(90, 110))
    asked = analyze({"heavy": w}, noise="white")
    (matrix,) = asked.matrices
    assert matrix.kind == "does not fit" and matrix.fit.rank > len(matrix.fit.standing_out)
    page = Page(write_report(asked, tmp_path / "r.html").read_text(encoding="utf-8"))
    (chart,) = page.data["layers"]
    # The law that was asked for is drawn, with its edge; its spikes are not.
    assert chart["law"] != [[], []] and chart["edge"] is not None and not chart["counted"]
    assert "rank" not in {attrs.get("data-column") for _, attrs in page.elements}
    assert f"{matrix.fit.rank} spikes" not in page.text


def test_both_readings_of_a_strength_where_they_differ(page: Page, analysis: Analysis) -> None:
    first = analysis.matrices[0].fit
    assert first.rank == 3 and first.strengths["agree"].all()
    assert page.data["layers"][0]["leading"]["signal"][:4] == [True] * 3 + [None]
    # A signal of full rank: against all else each direction is weaker than in the whole.
    rng = np.random.default_rng(6)
    left, right = (np.linalg.qr(rng.normal(size=(side, 100)))[0] for side in (100, 140))
    w = (left * (10 * np.arange(1, 101) ** -0.5)) @ right.T + rng.normal(size=(100, 140)) / 12
    (matrix,) = analyze({"w": w}, noise="white").matrices
    differ = matrix.fit.strengths[~matrix.fit.strengths["agree"]][0]
    found = [one for one in spectrum(matrix)["leading"]["signal"] if isinstance(one, list)]
    ends = [differ[f"of_signal{end}"] for end in ("", "_low", "_high")]
    assert found[0] == pytest.approx(ends, rel=1e-3)
