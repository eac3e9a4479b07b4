"""The page in Chromium with the network off: no request, no error, and everything works."""

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur.analysis import Analysis, analyze
from pastur.comparison import Comparison
from pastur.compression import CompressionPlan
from pastur.report import write_comparison, write_plan, write_report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# The browser takes seconds to start.
pytestmark = [
    pytest.mark.lengthy,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


# Each width and each choice of colours once: they do not depend on one another.
VIEWS = pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark")])


@dataclass
class Opened:
    """A page with what it asked for and what it complained of."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(analysis, tmp_path_factory.mktemp("browser") / "report.html").as_uri()


def new_context(browser: Any, width: int, scheme: str, **options: bool) -> Any:
    """A window without a network."""
    return browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        offline=True,
        **options,
    )


@contextmanager
def visit(browser: Any, address: str, width: int, scheme: str) -> Iterator[Opened]:
    """Open the page; once it is left, it must have been silent throughout."""
    context = new_context(browser, width, scheme)
    opened = Opened(context.new_page())
    opened.page.on("request", lambda made: opened.requests.append(made.url))
    opened.page.on("console", lambda message: opened.complaints.append(message.text))
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.on("dialog", lambda dialog: opened.complaints.append(dialog.message))
    opened.page.goto(address)
    yield opened
    assert opened.requests == [address]
    assert opened.complaints == []
    context.close()


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Opened]:
    """The page on a desktop."""
    with visit(browser, address, 1280, "light") as opened:
        yield opened


def counts(page: Any) -> list[str]:
    """The numbers of spikes in the table, from top to bottom."""
    cells: list[str] = page.locator("#layers tbody td.c-rank").all_inner_texts()
    return cells


def rows(page: Any) -> list[str]:
    """The names in the table, as shown from top to bottom."""
    names: list[str] = page.locator("#layers tbody tr:visible th.name bdi").all_inner_texts()
    return names


@VIEWS
def test_fits_the_width_and_draws_every_chart(
    browser: Any, address: str, analysis: Analysis, width: int, scheme: str
) -> None:
    with visit(browser, address, width, scheme) as opened:
        page = opened.page
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        for number, matrix in enumerate(analysis.matrices, start=1):
            card = page.locator(f"#layer-{number}")
            card.scroll_into_view_if_needed()
            card.locator(".js-plotly-plot .main-svg").first.wait_for()
            assert card.locator(".bars .point").count() > 0
            # Of what stands out, the strengths are marked as well.
            marked = card.locator(".scatterlayer .points path").count()
            marks = len(matrix.drawn.marked)
            assert marked == (min(marks, 150) if matrix.counted else 2 * marks)
        residual = page.locator("#initial .js-plotly-plot .points path").first
        residual.scroll_into_view_if_needed()


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(browser: Any, address: str, width: int, scheme: str) -> None:
    checker = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    # The checker is a script of its own, which the page's policy would refuse.
    context = new_context(browser, width, scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    found = checker.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    context.close()


def test_sorts_by_a_click(opened: Opened, analysis: Analysis) -> None:
    page = opened.page
    header = page.locator("#layers th[data-column=rank]")
    header.locator("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    ranks = sorted(matrix.fit.rank for matrix in analysis.matrices if matrix.counted)
    # What is not counted stays at the end, in either order.
    rest = ["–"] * (len(analysis.matrices) - len(ranks))
    assert rest and counts(page) == [*map(str, reversed(ranks)), *rest]
    header.locator("button").press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    assert counts(page) == [*map(str, ranks), *rest]
    assert page.locator("#layers [aria-sort]").count() == 1


def test_filters_by_name_and_by_finding(opened: Opened, analysis: Analysis) -> None:
    page = opened.page
    page.locator("#find").fill("dense encoder.1")
    assert rows(page) == ["encoder.1.dense.weight"]
    assert page.locator("article[data-layer]:visible").count() == 1
    assert page.locator("#shown").inner_text() == f"1 of {len(analysis.matrices)} shown"
    page.locator("#find").fill("")
    page.locator(".chip[data-kind=signal]").click()
    expected = [matrix.name for matrix in analysis.matrices if matrix.kind == "signal"]
    assert expected and [name for name in rows(page) if name in expected] == expected
    assert len(rows(page)) == len(expected)
    page.locator("#find").fill("nothing is called this")
    assert rows(page) == []
    assert page.locator(".empty:visible").count() == 2


def test_a_spike_tells_its_figures_to_mouse_and_keys(opened: Opened, analysis: Analysis) -> None:
    page = opened.page
    theta = f"{analysis.matrices[0].fit.spikes['theta'][0]:.4g}"
    card = page.locator("#layer-1")
    card.scroll_into_view_if_needed()
    card.locator(".ranges button[data-range=all]").click()
    card.locator(".scatterlayer .points path").first.hover(force=True)
    hover = card.locator(".hoverlayer")
    hover.locator("text=overlap").first.wait_for()
    assert theta in hover.text_content()
    page.mouse.move(0, 0)
    card.locator(".chart").press("ArrowRight")
    assert theta in card.locator("[role=status]").text_content()


def test_zooms_to_the_bulk_and_back(opened: Opened, analysis: Analysis) -> None:
    page = opened.page
    edge = analysis.matrices[0].fit.edge
    card = page.locator("#layer-1")
    card.scroll_into_view_if_needed()
    card.locator(".main-svg").first.wait_for()

    def last() -> float:
        return float(card.locator(".chart").evaluate("chart => chart.layout.xaxis.range[1]"))

    bulk = card.locator("button[data-range=bulk]")
    assert last() < 2 * edge, "a spike at twenty edges must not squeeze the bulk"
    assert bulk.get_attribute("aria-pressed") == "true"
    card.locator("button[data-range=all]").click()
    assert last() > 35
    card.locator(".chart").press("+")
    assert last() < 35
    card.locator(".chart").press("0")
    assert last() < 2 * edge


def test_spikes_as_a_table(opened: Opened, analysis: Analysis) -> None:
    page = opened.page
    page.locator("#layer-1 [data-rows=spikes] summary").click()
    cells = (
        page.locator("#layer-1 [data-rows=spikes] tbody tr").first.locator("td").all_inner_texts()
    )
    first = analysis.matrices[0].fit.spikes[0]
    assert cells[1] == f"{first['observed']:.4g}"
    assert cells[2] == f"{first['theta']:.4g}"


def test_figures_and_other_estimators_of_a_matrix(opened: Opened, analysis: Analysis) -> None:
    page = opened.page
    matrix = analysis.matrices[0]
    assert matrix.randomized is not None
    # What is far from the window is not laid out: its text is there all the same.
    cells = page.locator("#layer-1 .others tbody td:nth-child(2)").all_text_contents()
    ranks = [int(text) for text in cells]
    others = [one.rank for one in matrix.baselines.values()]
    assert ranks == [matrix.fit.rank, *others, matrix.randomized.rank]
    card = page.locator("#layer-1 details.more")
    assert not card.locator("dl").is_visible()
    card.locator("summary").press("Enter")
    card.locator("dl").wait_for()
    text = card.locator("dl").text_content()
    assert f"{matrix.metrics.stable_rank:#.4g}" in text
    assert f"{matrix.metrics.alpha:#.4g}" in text
    header = page.locator("#layers th[data-column=bema]")
    header.locator("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    place = page.locator("#layers thead th").evaluate_all(
        "all => all.findIndex(th => th.dataset.column === 'bema')"
    )
    cells = page.locator(f"#layers tbody tr > :nth-child({place + 1})").all_inner_texts()
    expected = sorted((m.baselines["bema"].rank for m in analysis.matrices), reverse=True)
    assert [int(text) for text in cells] == expected


def test_finds_among_many_skipped_tensors(browser: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    tensors = {"w": rng.standard_normal((40, 50))}
    tensors |= {f"layers.{i}.bias": np.zeros(40) for i in range(20)}
    tensors["broken"] = np.full((20, 30), np.nan)
    path = write_report(analyze(tensors), tmp_path / "report.html")
    with visit(browser, path.as_uri(), 1280, "light") as opened:
        page = opened.page
        page.locator("#skipped summary").click()
        rows = page.locator("#not-analysed tbody tr:visible")
        assert rows.count() == 21
        page.locator("#find-skipped").fill("layers.1")
        assert rows.count() == 11
        assert page.locator("#shown-skipped").inner_text() == "11 of 21 shown"
        page.locator("#find-skipped").fill("600 NaN")
        assert rows.count() == 1
        assert "broken" in rows.first.inner_text()


@pytest.mark.lengthy
def test_three_hundred_layers(browser: Any, tmp_path: Path) -> None:
    """The page stays small and quick: only what is near the window is drawn."""
    rng = np.random.default_rng(2)
    one = analyze({"w": rng.standard_normal((60, 80)) + np.ones((60, 80))})
    many = [dataclasses.replace(one.matrices[0], name=f"layers.{i}.weight") for i in range(300)]
    path = write_report(dataclasses.replace(one, matrices=tuple(many)), tmp_path / "report.html")
    assert path.stat().st_size < 8_000_000 + 300 * 20_000
    with visit(browser, path.as_uri(), 1280, "light") as opened:
        page = opened.page
        page.locator("#layer-290").scroll_into_view_if_needed()
        page.locator("#layer-290 .main-svg").first.wait_for()
        assert page.locator(".main-svg").count() < 60
        page.locator("#find").fill("layers.299.")
        assert page.locator("article[data-layer]:visible").count() == 1
        page.locator("#layer-300").scroll_into_view_if_needed()
        page.locator("#layer-300 .main-svg").first.wait_for()


def test_a_link_leads_to_its_spectrum(opened: Opened, analysis: Analysis) -> None:
    page = opened.page
    last = f"#layer-{len(analysis.matrices) - 1}"
    page.locator(f'#layers a[href="{last}"]').click()
    page.locator(f"{last} .main-svg").first.wait_for()
    top = page.locator(last).evaluate("card => card.getBoundingClientRect().top")
    assert 0 <= top < 400


@pytest.mark.lengthy
def test_switches_the_colours(opened: Opened) -> None:
    page = opened.page

    def background() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    before = background()
    page.locator("#theme").click()
    assert background() != before
    page.locator("#theme").click()
    assert background() == before


def test_what_stands_out_tells_its_figures(browser: Any, tmp_path: Path) -> None:
    """Squares, with the intervals of their strengths, and a table with what is not readable."""
    rng = np.random.default_rng(5)
    w = rng.normal(size=(60, 80)) @ rng.normal(size=(80, 80)) / 80
    w += 9 * np.outer(rng.normal(size=60), rng.normal(size=80)) / np.sqrt(60 * 80)
    analysis = analyze({"broad": w}, noise="free")
    (row,) = analysis.matrices[0].fit.standing_out
    path = write_report(analysis, tmp_path / "report.html")
    with visit(browser, path.as_uri(), 1280, "light") as opened:
        card = opened.page.locator("#layer-1")
        card.scroll_into_view_if_needed()
        card.locator(".main-svg").first.wait_for()
        assert card.locator(".scatterlayer .points path").count() == 2
        assert card.locator(".errorbars path.xerror").count() == 1
        card.locator(".chart").press("ArrowRight")
        said = card.locator(".spectrum [role=status]").text_content()
        assert said.startswith("Direction 1 of 1: observed ")
        for value in (row["theta"], row["low"], row["high"]):
            assert f"{value:#.4g}" in said
        card.locator("[data-rows=leading] summary").click()
        rows = card.locator("[data-rows=leading] tbody tr")
        rows.first.wait_for()
        lines = rows.all_inner_texts()
        assert len(lines) == 8
        assert [line.split("\t")[2] for line in lines] == ["yes"] + ["no"] * 7


@pytest.fixture(scope="module")
def plan_address(plan: CompressionPlan, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_plan(plan, tmp_path_factory.mktemp("plan") / "plan.html").as_uri()


@VIEWS
def test_a_plan_fits_the_width_sorts_and_filters(
    browser: Any, plan_address: str, plan: CompressionPlan, width: int, scheme: str
) -> None:
    with visit(browser, plan_address, width, scheme) as opened:
        page = opened.page
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        header = page.locator("#layers th[data-column=parameters]")
        header.locator("button").click()
        assert header.get_attribute("aria-sort") == "descending"
        place = page.locator("#layers thead th").evaluate_all(
            "all => all.findIndex(th => th.dataset.column === 'parameters')"
        )
        after = page.locator(f"#layers tbody tr > :nth-child({place + 1})").all_text_contents()
        numbers = [m.parameters for m in plan.matrices if m.parameters is not None]
        pairs = zip(after, sorted(numbers, reverse=True), strict=True)
        assert all(text.startswith(f"{number:,}") for text, number in pairs)
        page.locator("#find").fill("encoder.1")
        assert rows(page)[0].startswith("encoder.1.dense.weight")
        assert page.locator("li[data-layer]:visible").count() == 1
        page.locator("#find").fill("")
        kept = sum(matrix.kept for matrix in plan.matrices)
        page.locator(".chip[data-kind=noise]").click()
        assert page.locator("#layers tbody tr:visible").count() == kept
        page.locator("#theme").click()


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_plan_is_accessible(browser: Any, plan_address: str, width: int, scheme: str) -> None:
    checker = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    context = new_context(browser, width, scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(plan_address)
    found = checker.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    context.close()


@pytest.fixture(scope="module")
def comparison_address(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("comparison")
    return write_comparison(comparison, folder / "changes.html").as_uri()


@VIEWS
def test_a_comparison_fits_the_width_sorts_and_filters(
    browser: Any, comparison_address: str, comparison: Comparison, width: int, scheme: str
) -> None:
    with visit(browser, comparison_address, width, scheme) as opened:
        page = opened.page
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        header = page.locator("#layers th[data-column=change]")
        header.locator("button").click()
        assert header.get_attribute("aria-sort") == "descending"
        orders = page.locator("#layers tbody tr td:nth-child(4)").evaluate_all(
            "all => all.map(td => Number(td.dataset.order))"
        )
        sizes = sorted((matrix.relative_change for matrix in comparison.matrices), reverse=True)
        assert orders == pytest.approx(sizes, rel=1e-6)
        page.locator(".chip[data-kind=misfit]").click()
        lost = [m.name for m in comparison.matrices if not m.unchanged and m.directions.lost]
        assert rows(page) == lost
        assert page.locator("article[data-layer]:visible").count() == len(lost) == 1
        page.locator("#theme").click()


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_comparison_is_accessible(
    browser: Any, comparison_address: str, width: int, scheme: str
) -> None:
    checker = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    context = new_context(browser, width, scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(comparison_address)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    found = checker.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    context.close()


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page on a model of three blocks alike, and two matrices outside of them."""
    rng = np.random.default_rng(4)
    one = analyze({"w": rng.standard_normal((60, 80)) + np.ones((60, 80))})
    inner = [f"h.{k}.{kind}.weight" for k in range(3) for kind in ("key", "query")]
    names = ["embedding.weight", *inner, "head.weight"]
    source = "/home/ada/tiny-net/model.safetensors"
    matrices = tuple(dataclasses.replace(one.matrices[0], name=name) for name in names)
    many = dataclasses.replace(one, source=source, matrices=matrices)
    return write_report(many, tmp_path_factory.mktemp("blocks") / "report.html").as_uri()


@VIEWS
def test_groups_by_block_and_by_type(browser: Any, blocks: str, width: int, scheme: str) -> None:
    with visit(browser, blocks, width, scheme) as opened:
        page = opened.page

        def headings(place: str) -> list[str]:
            texts: list[str] = page.locator(f"{place} .group:visible").all_inner_texts()
            return [text.strip() for text in texts]

        assert page.locator("h1").inner_text() == "tiny-net"
        assert "/home/ada" not in page.content()
        for place in ("#overview", "#layers", "#spectra"):
            assert headings(place) == ["Others", "h.0", "h.1", "h.2"]
        assert rows(page)[:4] == ["embedding.weight", "head.weight", "key.weight", "query.weight"]
        page.locator("[data-group=type]").click()
        assert headings("#layers") == ["Others", "key.weight", "query.weight"]
        assert rows(page)[2:4] == ["h.0.key.weight", "h.1.key.weight"]
        page.locator("#find").fill("query")
        assert headings("#layers") == headings("#spectra") == ["query.weight"]
        page.locator("#find").fill("")
        page.locator("#layers th[data-column=rank] button").click()
        assert headings("#layers") == [] and headings("#spectra") != []
        page.locator("[data-group='']").click()
        assert headings("#overview") == [] and rows(page)[1] == "h.0.key.weight"
        cells = page.locator("table.map td a")
        assert cells.count() == 8
        assert cells.nth(1).get_attribute("href") == "#layer-4"
        # On a phone as well: the number of spikes and the strength are in the window.
        table = page.locator("#layers tbody tr").first
        table.scroll_into_view_if_needed()
        for column in ("rank", "suggested", "theta"):
            box = table.locator(f".c-{column}").bounding_box()
            assert box["x"] + box["width"] <= width


def test_on_paper_every_chart_is_drawn(browser: Any, blocks: str) -> None:
    with visit(browser, blocks, 375, "dark") as opened:
        page = opened.page
        assert page.locator("#layer-8 .main-svg").count() == 0
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        for number in range(1, 9):
            assert page.locator(f"#layer-{number} .bars .point").count() > 0
            assert page.locator(f"#layer-{number} .main-svg").first.is_visible()
        assert page.evaluate("document.getElementById('reading').open")
        assert page.evaluate("document.documentElement.dataset.theme") == "light"
        assert not page.locator(".filters").is_visible()
        page.emulate_media(media="screen")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert not page.evaluate("document.getElementById('reading').open")
        page.locator("#layer-8").scroll_into_view_if_needed()
        page.locator("#layer-8 .main-svg").first.wait_for()


def test_how_to_read_opens_from_the_top(opened: Opened) -> None:
    page = opened.page
    assert not page.locator("#reading dl").first.is_visible()
    page.locator("nav a[href='#reading']").click()
    assert page.locator("#reading dl").first.is_visible()
    top = page.locator("#reading").evaluate("it => it.offsetTop")
    assert top < page.locator("#overview").evaluate("it => it.offsetTop")
