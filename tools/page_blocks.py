"""Parts of a page that a program writes, between two marks: what the tools that do so share.

    <!-- NAME -->
    … written …
    <!-- end -->

Imported, and not run.
"""

import re
from collections.abc import Callable

_BLOCK = re.compile(r"(<!-- ([\w.-]+(?: [\w.-]+)?) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_blocks(page: str, made: Callable[[str], str | None]) -> str:
    """Return a page with every block written again; None leaves it as it is.

    ``made(name)`` is the text between the marks, which ends with a line end.
    """

    def block(match: re.Match[str]) -> str:
        text = made(match[2])
        return match[0] if text is None else f"{match[1]}{text}{match[3]}"

    return _BLOCK.sub(block, page)


def between(page: str, begin: str, end: str, text: str) -> str:
    """Return a page with `text` in the place of what stands between two marks of its own.

    Raises
    ------
    ValueError
        When a mark is not there: all of the page behind it would be lost.
    """
    front, mark, rest = page.partition(begin)
    _, closed, back = rest.partition(end)
    if not (mark and closed):
        raise ValueError(f"The page has no part between {begin!r} and {end!r}.")
    return f"{front}{begin}{text}{end}{back}"
