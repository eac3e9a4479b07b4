"""An HTML page taken apart, for tests."""

import json
from html.parser import HTMLParser
from typing import Any


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
    def data(self) -> dict[str, list[dict[str, Any]]]:
        text = next(text for attrs, text in self.scripts if attrs.get("id") == "data")
        return json.loads(text)  # type: ignore[no-any-return]


def escaped(name: str) -> str:
    """The name as the page shows it: what is not ASCII here is all of the invisible kind."""
    return name.encode("ascii", "backslashreplace").decode()
