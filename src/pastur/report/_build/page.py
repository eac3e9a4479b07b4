"""A page put together: template, style, scripts, and the policy that locks it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pastur._foreign import visible
from pastur._format import level
from pastur.analysis._matrix.finding import FINDINGS
from pastur.report._build import page_text
from pastur.report._build.title import title_of

if TYPE_CHECKING:
    from markupsafe import Markup

_OPTION = re.compile(r"(--[a-z]+(?: [A-Z]+)?)")


def page(
    template: str,
    scripts: Sequence[str],
    *,
    source: str,
    versions: Mapping[str, str],
    **content: Any,
) -> str:
    """Return a whole page.

    Parameters
    ----------
    template : str
        One that extends ``base.html``.
    scripts : sequence of str
        From `script` and `own_script`.
    source : str
        What it is about.
    versions : mapping of str to str
    **content
        What else the template shows.
    """
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_template),
        finalize=_harmless,
    )
    environment.globals["text"] = page_text
    environment.globals["level"] = level
    environment.filters["breakable"] = _breakable
    environment.filters["options"] = _options
    title, place = title_of(source)
    whole: str = environment.get_template(template).render(
        title=title,
        source=place,
        versions=versions,
        findings=FINDINGS,
        policy=_policy(scripts),
        style=markup(_tones() + _asset("report.css")),
        scripts=[markup(script) for script in scripts],
        **content,
    )
    return whole


def own_script(*names: str) -> str:
    """Return the script of every page and those of this one, in one scope."""
    parts = "".join(_asset(name) for name in ("page.js", *names))
    return script(f'"use strict";\n(() => {{\n{parts}}})();\n')


def script(text: str) -> str:
    """Return the text of a script element."""
    # What would end or disguise a script element; both stand only in strings and comments.
    return text.replace("</script", r"<\/script").replace("<!--", r"<\!--").replace("\r\n", "\n")


def markup(text: str) -> Markup:
    """Return text of our own as markup that is not escaped again."""
    from markupsafe import Markup

    return Markup(text)


def _harmless(value: Any) -> Any:
    """Return what a template shows: text from a file with its invisible characters as escapes."""
    plain = isinstance(value, str) and not hasattr(value, "__html__")
    return visible(value) if plain else value


def _tones() -> str:
    """Return the style of each finding's class: its colour, on light and on dark paper."""
    return "".join(
        f".{entry.key} {{ --tone: var(--{entry.key}); }}\n"
        f":root {{ --{entry.key}: light-dark({entry.light}, {entry.dark}); }}\n"
        for entry in FINDINGS.values()
    )


@cache
def _asset(name: str) -> str:
    return files("pastur.report").joinpath("page", name).read_text(encoding="utf-8")


def _template(name: str) -> str:
    # Indentation would be a tenth of a page of many layers.
    return "\n".join(line.strip() for line in _asset(name).splitlines())


def _policy(scripts: Sequence[str]) -> str:
    """Return the content security policy: no request, no script but these, by their hashes."""
    hashes = (
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts
    )
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _options(text: str) -> Markup:
    """Return a sentence, escaped, in which options of the command are code, which does not break."""
    from markupsafe import Markup, escape

    return Markup(_OPTION.sub(r"<code>\1</code>", str(escape(text))))


def _breakable(name: str) -> Markup:
    """Return a name, escaped, that may break after its dots and slashes."""
    from markupsafe import Markup, escape

    safe = escape(page_text.name(name))
    for letter in "./":
        safe = safe.replace(letter, Markup(f"{letter}<wbr>"))
    return safe
