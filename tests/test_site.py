"""The documentation site: it builds without the network, and opens from a file in a browser."""

import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("sphinx")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

ROOT = Path(__file__).parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PAGES: tuple[str, ...] = (
    *("index.html", "start.html", "choose.html", "theory.html", "cli.html", "api.html"),
    *("gallery/index.html", "gallery/theory/peche_transition.html"),
)
ROOMS: tuple[str, ...] = (
    "measures",
    "models",
    "ensembles",
    "estimation",
    "estimation.baselines",
    "analysis",
)
ROOMS += (
    "comparison",
    "citations",
    "weights",
    "compression",
    "figures",
    "report",
    "sklearn",
    "torch",
    "experiments",
)
A_CLASS = "api/pastur.measures.Atoms.html"

# Of what the checker reports.
SERIOUS = {"serious", "critical"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


def without_network() -> list[str]:
    """Return what starts a command without a network, where this machine allows that."""
    for options in (["--net"], ["--net", "--map-root-user"]):
        command = ["unshare", *options]
        if (
            shutil.which("unshare")
            and not subprocess.run([*command, "true"], check=False).returncode
        ):
            return command
    return []


def build(source: Path, target: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Build the site as `make docs` does."""
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--quiet", source, target]
    command += options
    return subprocess.run(
        [*without_network(), *map(str, command)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, once: Callable[[str, Callable[[], Any]], Any]
) -> Path:
    # In a copy, as the pages of the reference are written next to the others.
    def built() -> tuple[Path, int, str]:
        folder = tmp_path_factory.mktemp("site")
        made = shutil.ignore_patterns("api", "gallery")
        shutil.copytree(ROOT / "docs", folder / "docs", ignore=made)
        shutil.copytree(ROOT / "gallery", folder / "gallery")
        for page in ("CONTRIBUTING.md", "CHANGES.md"):
            shutil.copy(ROOT / page, folder)
        # The scripts of the gallery have tests of their own, which run them.
        done = build(folder / "docs", folder / "site", "-D", "plot_gallery=0")
        return folder / "site", done.returncode, done.stderr

    folder, *rest = once("site", built)
    assert rest == [0, ""]
    return Path(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def opened(browser: Any, page: Path, width: int = 1280, scheme: str = "light") -> Any:
    """Open a page, in a window without a network."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
    )
    result = context.new_page()
    result.goto(page.as_uri())
    return result


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_has_a_page(site: Path, room: str) -> None:
    module = importlib.import_module(f"pastur.{room}")
    names = [name for name in module.__all__ if callable(getattr(module, name))]
    assert names
    for name in names:
        assert (site / f"api/pastur.{room}.{name}.html").exists(), name


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    loaded = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=\"([^\"]+)\"")
    for page in site.rglob("*.html"):
        for address in loaded.findall(page.read_text("utf-8")):
            assert not urlsplit(address).netloc, (page.name, address)


def test_links_lead_somewhere(site: Path) -> None:
    """Pages, and places on them."""
    places = {
        page.resolve(): set(re.findall(r"\bid=\"([^\"]+)\"", page.read_text("utf-8")))
        for page in site.rglob("*.html")
    }
    for page in places:
        for address in re.findall(r"<a\b[^>]*?\bhref=\"([^\"]+)\"", page.read_text("utf-8")):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / parts.path).resolve() if parts.path else page
            assert target.exists(), (page.name, address)
            if parts.fragment and target in places:
                assert parts.fragment in places[target], (page.name, address)


def test_names_in_pages_lead_to_the_reference(site: Path) -> None:
    page = (site / "statements.html").read_text("utf-8")
    place = "api/pastur.models.DeformedWigner.html#pastur.models.DeformedWigner.phi"
    assert f'href="{place}"' in page


def test_search_finds_a_function(site: Path, browser: Any) -> None:
    page = opened(browser, site / "search.html")
    page.goto(f"{(site / 'search.html').as_uri()}?q=fit_rectangular")
    page.locator("#search-results li a", has_text="fit_rectangular").first.wait_for()


@pytest.mark.parametrize("name", [*PAGES, A_CLASS])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_pages_fit_and_are_accessible(
    site: Path, browser: Any, name: str, width: int, scheme: str
) -> None:
    checker = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    page = opened(browser, site / name, width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = checker.Axe().run(page)
    serious = [one for one in found.response["violations"] if one["impact"] in SERIOUS]
    assert serious == [], found.generate_report()


@pytest.mark.parametrize("text", ["[gone](gone.md)", "{unknownrole}`x`", "[none](noise.md#none)"])
def test_a_mistake_in_a_page_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.md").write_text(f"# Title\n\n{text}\n")
    (tmp_path / "conf.py").write_text(
        'extensions = ["myst_parser"]\nmyst_heading_anchors = 4\nexclude_patterns = []\n'
    )
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode == 1
    assert "WARNING" in done.stderr
