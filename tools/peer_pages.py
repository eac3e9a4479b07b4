"""Run the pages that compare with other tools, the lines included that the tests leave out.

    pip install --target DIR dipy optht scikit-learn
    PYTHONPATH=DIR python tools/peer_pages.py

A line with ``# doctest: +SKIP`` needs a package that is too large to be installed for the tests.
"""

import doctest
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def run(page: Path) -> doctest.TestResults:
    """Run all examples of a page."""
    text = page.read_text("utf-8")
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    for example in test.examples:
        example.options.pop(doctest.SKIP, None)
    return doctest.DocTestRunner(optionflags=OPTIONS).run(test)


def main() -> int:
    """Print how many examples each page has, and return whether all of them hold."""
    failed = 0
    for page in sorted(DOCS.glob("from-*.md")):
        found = run(page)
        failed += found.failed
        print(f"{page.name}: {found.attempted} examples, {found.failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
