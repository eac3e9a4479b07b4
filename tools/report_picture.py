"""The picture of a report in the README, taken of the demo's page in Chromium.

    python tools/report_picture.py        # writes docs/report.png

Needs the extra browser, and Chromium.
"""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import pastur
from pastur.datasets import shipped_network_path

PICTURE = Path(__file__).parent.parent / "docs" / "report.png"
WIDTH, HEIGHT = 1240, 1330


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        analysis = pastur.analyze(shipped_network_path())
        page_path = pastur.write_report(analysis, Path(folder, "report.html"))
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(page_path.as_uri())
        page.locator("#layer-2").scroll_into_view_if_needed()
        page.evaluate("window.scrollTo(0, document.querySelector('.lead').offsetTop)")
        page.wait_for_timeout(800)
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
