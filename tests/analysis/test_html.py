"""What a notebook shows."""

from html.parser import HTMLParser

import numpy as np
import pytest

from pastur._typing import AnyArray
from pastur.analysis import Analysis, analyze

HOSTILE = "</td><script>alert(1)</script>\"' \ud800"


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text: list[str] = []
        self.attributes: list[str] = []
        self.titles: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.titles += [value or "" for name, value in attrs if name == "title"]
        if tag not in ("br", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "path":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def analysis(planted: dict[str, AnyArray]) -> Analysis:
    heavy = np.random.default_rng(1).standard_t(1.5, size=(90, 110))
    return analyze(planted | {HOSTILE: heavy, f"{HOSTILE}.bias": np.zeros(4)})


def test_every_matrix_and_every_skipped_tensor(analysis: Analysis) -> None:
    page = Page(analysis._repr_html_())
    assert page.open == []
    text = "".join(page.text)
    assert page.tags.count("tr") == 1 + len(analysis.matrices)
    assert page.tags.count("li") == len(analysis.skipped)
    assert analysis.summary() in text
    for matrix in analysis.matrices:
        assert matrix.name.replace("\ud800", r"\ud800") in text
        assert str(matrix.fit.noise.name) in text
        assert matrix.fit.sigma is None or f"{matrix.fit.sigma:#.4g}" in text
    for tensor in analysis.skipped:
        assert tensor.reason in text
    strongest = analysis.matrices[1].leading
    assert strongest is not None
    assert f"[{strongest.low:#.4g}, {strongest.high:#.4g}]" in text


def test_a_name_stays_text(analysis: Analysis) -> None:
    page = Page(analysis._repr_html_())
    assert "script" not in page.tags
    assert not [name for name in page.attributes if name.startswith("on")]
    analysis._repr_html_().encode("utf-8")


def test_without_a_law_nothing_is_counted_but_what_stands_out(analysis: Analysis) -> None:
    heavy = analysis.matrices[-1]
    assert heavy.kind == "no law of noise"
    cells = analysis._repr_html_().split("<tr>")[-1].split("</td>")
    shown = [cell.rpartition(">")[2] for cell in cells[4:9]]
    # σ, edge, spikes; what stands out.
    assert shown[:4] == ["–", "–", "–", str(len(heavy.fit.standing_out))]
    assert heavy.summary() in "".join(Page(analysis._repr_html_()).titles)


def dots(analysis: Analysis, place: int) -> int:
    """The marks of spikes in the row of one matrix."""
    return analysis._repr_html_().split("<tr>")[2 + place].count("h0")


def test_pictures_have_a_dot_for_each_spike(analysis: Analysis) -> None:
    assert dots(analysis, 1) == analysis.matrices[1].fit.rank == 3
    assert dots(analysis, 0) == analysis.matrices[0].fit.rank == 0
