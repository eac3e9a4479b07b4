"""Results as notebooks show them: complete, harmless, readable on white and on black."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pastur
from pastur import _html
from pastur._errors import NumericalError
from pastur._html import Picture
from pastur.estimation._result.status import Status

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)>\"' \x1b\ud800"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
VOID = {"br", "path"}
# Colours that are readable on white and on black.
COLOURS = {"currentColor", "none", _html.BLUE}


class Piece(HTMLParser):
    """The tags, attributes and text of a piece of HTML, which must close what it opens."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def faults(text: str) -> list[str]:
    """Return what a piece has that a notebook should not be given."""
    piece = Piece(text)
    found = [*piece.open, *(piece.tags & {"script", "style", "img", "iframe", "link", "a"})]
    for name, value in piece.attributes:
        if name.startswith("on") or name in ("src", "href") or "url(" in value:
            found.append(name)
        if name in ("fill", "stroke") and value not in COLOURS:
            found.append(value)
        if "nan" in value or "inf" in value:
            found.append(value)
    return found


def signal(shape: tuple[int, int], strengths: list[float]) -> Any:
    rng = np.random.default_rng(5)
    u, v = (np.linalg.qr(rng.normal(size=(k, len(strengths))))[0] for k in shape)
    return (u * strengths) @ v.T


NOISE = pastur.sample_gaussian((60, 90), rng=0)
MATRIX = NOISE + signal((60, 90), [9.0, 3.0])
HEAVY = np.random.default_rng(1).standard_t(1.5, size=(90, 110))


def fits() -> dict[str, Any]:
    symmetric = pastur.sample_goe(120, rng=0)
    u = np.linalg.qr(np.random.default_rng(2).normal(size=(120, 24)))[0]
    rates = np.random.default_rng(3).gamma(1, size=(60, 1)) * np.ones((1, 90))
    missing = np.where(np.random.default_rng(4).random((60, 90)) < 0.1, np.nan, MATRIX)
    return {
        "white": pastur.fit_rectangular(MATRIX),
        "noise": pastur.fit_rectangular(NOISE),
        "growing": pastur.fit_symmetric(symmetric + (u * np.linspace(-3, 3, 24)) @ u.T),
        "without a law": pastur.fit_rectangular(HEAVY, noise="auto"),
        "free": pastur.fit_rectangular(MATRIX, noise="free"),
        "refused": pastur.fit_rectangular(HEAVY),
        "no noise": pastur.fit_rectangular(signal((60, 90), [2.0])),
        "values alone": pastur.fit_rectangular(
            singular_values=np.linalg.svd(MATRIX, compute_uv=False), shape=(60, 90)
        ),
        "tiny": pastur.fit_rectangular(1e-300 * MATRIX),
        "small": pastur.fit_rectangular(MATRIX[:4, :5]),
        "counts": pastur.fit_counts(np.random.default_rng(6).poisson(10 * rates)),
        "incomplete": pastur.fit_incomplete(missing),
    }


def laws() -> dict[str, Any]:
    two = pastur.DeformedWigner(pastur.Atoms([-1.5, 1.5]), sigma=0.8)
    many = pastur.Empirical(np.random.default_rng(7).normal(size=400))
    return {
        "atoms": pastur.Atoms([-1.5, 1.5]),
        "one atom": pastur.Atoms([0.0]),
        "many atoms": many,
        "semicircle": pastur.Semicircle(1.0),
        "unbounded": pastur.TracyWidom(1),
        "a pole": pastur.MarchenkoPastur(1.0),
        "atom and density": pastur.MarchenkoPastur(2.0),
        "signed": pastur.Atoms([3.0]) - pastur.Semicircle(1.0),
        "signed and unbounded": pastur.TracyWidom(1) - pastur.Semicircle(1.0),
        "nothing": 0 * pastur.Semicircle(1.0),
        "law": two.law,
        "outliers": two.outlier_measure(pastur.Uniform(3, 4) - pastur.Uniform(-2, -1)),
        "symmetric": two,
        "rectangular": pastur.InformationPlusNoise(pastur.Atoms([1.0, 4.0]), ratio=0.5),
        "description": two.describe([2.8, 0.3, 1.9], size=100),
        "two overlaps": pastur.InformationPlusNoise(pastur.Atoms([0.0]), ratio=0.5).describe([2.0]),
        "many spikes": two.describe(np.linspace(3, 4, 30)),
        "square": pastur.InformationPlusNoise(pastur.Atoms([0.0]), ratio=1.0),
        "many intervals": pastur.DeformedWigner(many, sigma=1e-4),
        "too many to draw": pastur.DeformedWigner(pastur.Empirical(np.arange(10_001.0))),
    }


def results() -> dict[str, Any]:
    model = {HOSTILE: MATRIX, "heavy": HEAVY, f"{HOSTILE}.bias": np.zeros(4)}
    analysis = pastur.analyze(model)
    other = pastur.analyze({HOSTILE: MATRIX}, noise="white")
    return {
        "analysis": analysis,
        "matrix": analysis[HOSTILE],
        "heavy": analysis["heavy"],
        "white analysis": other,
        "plan": pastur.plan_compression(analysis, model, target={"size": 0.5}),
        "comparison": pastur.compare({HOSTILE: MATRIX}, {HOSTILE: NOISE}),
        "references": pastur.cite(analysis),
    }


MAKERS: dict[str, Callable[[], dict[str, Any]]] = {"fits": fits, "laws": laws, "results": results}


@pytest.mark.lengthy
@pytest.mark.parametrize("maker", MAKERS)
def test_pieces_are_complete_and_harmless(maker: str) -> None:
    for name, value in MAKERS[maker]().items():
        html = value._repr_html_()
        # Findings have colours of their own, which are as readable.
        known = {entry for entry in faults(html) if not re.fullmatch(r"#[0-9a-f]{6}", entry)}
        assert not known, name
        html.encode("utf-8")
        assert "<script" not in html and len(html) < 60_000, name


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<p>open", "p"),
        ("<p><script>1</script></p>", "script"),
        ('<p onclick="x">a</p>', "onclick"),
        ('<svg><path fill="black" d=""/></svg>', "black"),
        ('<svg><path d="M0 nan"/></svg>', "M0 nan"),
        ('<p style="background:url(//x)">a</p>', "style"),
    ],
)
def test_a_fault_is_noticed(text: str, fault: str) -> None:
    assert fault in faults(text)


def text_of(value: Any) -> str:
    return Piece(value._repr_html_()).text


def test_a_fit_says_its_verdict_and_what_it_assumes() -> None:
    for fit in (pastur.fit_rectangular(MATRIX), pastur.fit_rectangular(HEAVY, noise="auto")):
        text = text_of(fit)
        assert str(fit.noise) in text
        assert str(fit.goodness.verdict) in text
        assert fit.goodness.reason in text
        assert "Not converged" not in text
    lost = replace(fit, status=Status(False, 1.0, 9, "It turned in a circle."))
    assert "Not converged: It turned in a circle." in text_of(lost)


def test_without_a_law_there_is_neither_level_nor_count() -> None:
    fit = pastur.fit_rectangular(HEAVY, noise="auto")
    assert fit.sigma is None
    rows = dict(re.findall(r"<th[^>]*>([^<]*)</th><td[^>]*>([^<]*)</td>", fit._repr_html_()))
    assert list(rows) == ["verdict", "directions that stand out", "white noise at most"]
    assert rows["directions that stand out"] == str(len(fit.standing_out))
    refused = pastur.fit_rectangular(HEAVY)
    assert f"{refused.rank}, which do not count" in text_of(refused)


def test_spikes_of_a_group_share_their_interval_in_words() -> None:
    fit = pastur.fit_rectangular(NOISE + signal((60, 90), [3.0, 2.99, 2.98]))
    together = [int(np.sum(fit.spikes["group"] == row["group"])) for row in fit.spikes]
    assert max(together) > 1
    for row, count in zip(fit.spikes, together, strict=True):
        assert f"{row['theta']:#.4g}" in text_of(fit)
        assert count == 1 or f", {count} together" in text_of(fit)


def test_a_matrix_says_its_name_and_its_finding() -> None:
    matrix = pastur.analyze({"a<b": MATRIX})["a<b"]
    text = text_of(matrix)
    assert text.startswith("a<b")
    assert matrix.summary() in text
    assert len(re.findall("h0", matrix._repr_html_())) == matrix.fit.rank == 2


def test_a_description_says_what_becomes_of_its_spikes() -> None:
    found = pastur.DeformedWigner(pastur.Atoms([0.0])).describe([2.0, 0.5], size=100)
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", found._repr_html_())
    assert cells[5:10] == [
        "2.000",
        "outlier",
        "2.500",
        f"{found.spikes.fluctuation[0]:#.4g}",
        "0.7500",
    ]
    assert cells[10:13] == ["0.5000", "subcritical", "2.000"]
    assert found._repr_html_().count("h0") == 1
    assert "at 100 rows" in text_of(found)


def test_what_is_of_another_matrix_or_a_part_is_said() -> None:
    scales = np.random.default_rng(8).uniform(0.5, 2, size=(60, 1))
    assert "σ of the matrix scaled" in text_of(pastur.fit_rectangular(NOISE * scales, noise="auto"))
    part = pastur.fit_operator(pastur.sample_gaussian((600, 900), rng=1) + 0.1, memory="1MB")
    assert part.partial is not None
    assert f"the {part.partial.known} largest, and a sample" in text_of(part)


def test_the_picture_of_a_law_is_its_density() -> None:
    drawn = re.search(r'd="(M[^"h]*)" fill="none"', pastur.Semicircle(2.0)._repr_html_())
    assert drawn is not None
    x, y = np.array(re.findall(r"[ML]([\d.]+) ([\d.]+)", drawn[1]), dtype=float).T
    # A half ellipse, on its own axis.
    places = 8.8 * (x / 420) / 2 - 2.2
    heights = (y.max() - y) / (y.max() - y.min())
    assert np.abs(heights - np.sqrt(np.maximum(0, 1 - (places / 2) ** 2))).max() < 0.01


def test_narrow_intervals_and_poles_are_seen() -> None:
    model = pastur.DeformedWigner(pastur.Atoms([-1e3, 1e3]), sigma=1e-3)
    for law, least in ((model.law, 60), (pastur.MarchenkoPastur(1.0), 10)):
        drawn = re.search(r'd="(M[^"h]*)" fill="none"', law._repr_html_())
        assert drawn is not None
        heights = np.array(re.findall(r"[ML][\d.]+ ([\d.]+)", drawn[1]), dtype=float)
        # The middle of the points is neither at the bottom nor cut off at the top.
        assert least < np.ptp(heights) and heights.min() < np.median(heights) < heights.max() - 3


def test_marks_beyond_the_picture_stand_at_its_end() -> None:
    assert 'd="M420.0 ' in Picture("", (0.0, 1.0), marks=[7.0]).svg()
    assert Picture("", (1.0, 1.0)).svg() == ""


def test_a_law_that_cannot_be_computed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, x: Any) -> Any:
        raise NumericalError("ω cannot be <certified>.")

    model = pastur.DeformedWigner(pastur.Atoms([-1.5, 1.5]))
    monkeypatch.setattr(type(model.law), "_density", refuse)
    for value in (model, model.law):
        assert "ω cannot be <certified>." in text_of(value)
        assert faults(value._repr_html_()) == []


def axis_of(value: Any) -> tuple[str, str]:
    """The numbers at both ends of the axis."""
    low, high = re.findall(r"<text[^>]*>([^<]*)</text>", value._repr_html_())
    return low, high


def rows_of(value: Any) -> dict[str, str]:
    return dict(re.findall(r"<th[^>]*>([^<]*)</th><td[^>]*>([^<]*)</td>", value._repr_html_()))


def test_the_first_four_atoms_are_listed_and_all_are_counted() -> None:
    few = "-1.000 (mass 0.2500); 0.000 (mass 0.2500); 1.000 (mass 0.2500); 2.000 (mass 0.2500)"
    assert rows_of(pastur.Atoms([-1.0, 0.0, 1.0, 2.0])) == {"mass": "1.000", "atoms": few}
    many = rows_of(pastur.Atoms(np.arange(-1.0, 7.0)))["atoms"]
    assert many == few.replace("0.2500", "0.1250") + "; … 8 in all"


@pytest.mark.parametrize(
    ("value", "ends"),
    [
        (pastur.Atoms([1.0, 3.0]), ("0.9", "3.1")),
        (pastur.Atoms([2.0]), ("1.9", "2.1")),
        (pastur.Atoms([0.0]), ("-0.5", "0.5")),
        (pastur.Semicircle(2.0), ("-4.4", "4.4")),
        (pastur.DeformedWigner(pastur.Atoms([0.0])), ("-2.2", "2.2")),
        # A spike of 2 goes to 2.5.
        (pastur.DeformedWigner(pastur.Atoms([0.0])).describe([2.0]), ("-2.23", "2.73")),
        # Singular values begin at 0.
        (pastur.InformationPlusNoise(pastur.Atoms([0.0]), ratio=0.25), ("0", "1.55")),
    ],
    ids=repr,
)
def test_the_axis_is_a_twentieth_wider_than_what_it_shows(
    value: Any, ends: tuple[str, str]
) -> None:
    assert axis_of(value) == ends


def test_a_model_says_how_single_spikes_are_asked_for() -> None:
    text = text_of(pastur.DeformedWigner(pastur.Atoms([0.0]), sigma=0.5))
    assert text.endswith(
        "The law of the eigenvalues as the size grows: noise of independent entries, of "
        "σ = 0.5000, and a signal with the law above. What single spikes become: "
        "describe(spikes, size=…)."
    )


@pytest.mark.parametrize(("count", "more"), [(8, ""), (9, "and 1 more"), (10, "and 2 more")])
def test_eight_spikes_are_listed_and_the_others_counted(count: int, more: str) -> None:
    fit = pastur.fit_rectangular(NOISE + signal((60, 90), [*np.linspace(9, 30, count)]))
    assert fit.rank == count
    assert rows_of(fit)["spikes"] == str(count)
    assert re.findall(r"and \d+ more", text_of(fit)) == ([more] if more else [])


def test_a_small_picture_has_the_counts_and_a_dot_for_each_spike() -> None:
    analysis = pastur.analyze({"a": MATRIX, "product": signal((60, 90), [2.0, 1.0])})
    html = analysis._repr_html_()
    assert len(re.findall(r"<span[^>]*>no noise</span>", html)) == 1
    steps, dots = re.findall(r'<path d="(M0 [^"]*Z)"', html), re.findall(r'd="(M[^"]*h0)"', html)
    (bars,), (marks,) = steps, dots
    matrix = analysis["a"]
    ratios = matrix.singular_values / matrix.fit.edge
    places = np.array(re.findall(r"V([\d.]+)H([\d.]+)", bars), dtype=float)
    counts, _ = np.histogram(ratios[ratios <= 1], len(places), (0.0, 1.0))
    heights = places[:, 0].max() - places[:, 0]
    np.testing.assert_allclose(heights / heights.max(), counts / counts.max(), atol=0.01)
    assert marks.count("h0") == matrix.fit.rank == 2


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize(("paper", "ink"), [("#fff", "#111"), ("#111", "#eee")])
def test_pieces_fit_into_a_cell_and_take_its_colours(tmp_path: Path, paper: str, ink: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    pieces = [value._repr_html_() for maker in MAKERS.values() for value in maker().values()]
    page = tmp_path / "page.html"
    cell = "<div class=cell style='width:640px;overflow:hidden'>{}</div>"
    page.write_text(
        f"<meta charset=utf-8><body style='background:{paper};color:{ink}'>"
        + "".join(map(cell.format, pieces)),
        "utf-8",
    )
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown = browser.new_page()
        asked: list[str] = []
        shown.on("request", lambda request: asked.append(request.url))
        shown.on("dialog", lambda dialog: asked.append(dialog.message))
        shown.goto(page.as_uri())
        wide = "e => [...e.querySelectorAll('.cell')].filter(c => c.scrollWidth > 640).length"
        assert shown.eval_on_selector("body", wide) == 0
        colours = shown.eval_on_selector_all(
            "td, th, p, text", "all => [...new Set(all.map(e => getComputedStyle(e).color))]"
        )
        browser.close()
    assert asked == [page.as_uri()]
    assert len(colours) == 1
