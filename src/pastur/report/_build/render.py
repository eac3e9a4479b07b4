"""The page put together: template, style, scripts, data, and the policy that locks it."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from pastur._errors import InternalError, PasturError
from pastur._foreign import visible
from pastur._format import level, p_value
from pastur.analysis import Analysis, Finding
from pastur.analysis._matrix.finding import FINDINGS
from pastur.report._build import page_text
from pastur.report._build.chart_data import residual, script_safe, spectrum
from pastur.report._build.layers import Layer, other_columns, layer
from pastur.report._build.overview import Scale

if TYPE_CHECKING:
    from markupsafe import Markup

_COLUMNS = (
    ("shape", "Shape", "Rows × columns"),
    ("sigma", "σ", "Noise level: standard deviation of an entry of noise times √(longer side)"),
    ("edge", "Edge", "Largest singular value that the noise reaches"),
    ("rank", "Spikes", "Singular values beyond the noise"),
    ("out", "Stand out", "Directions that stand out from the rest, whatever its law"),
    ("theta", "Strongest θ", "Strength of the strongest spike before noise, with its interval; "
     "where spikes do not count, of the first direction that stands out, against the rest"),
    ("white", "White ≤", "The most of the sum of squares that is white noise"),
    ("energy", "Energy", "Share of the sum of squares that the spikes carry"),
    ("stable_rank", "Stable rank", "Sum of squares over the largest square"),
    ("alpha", "α", "Exponent of the power law nearest to the tail; not a test for signal"),
    ("distance", "D", "Largest distance between the distributions of bulk and law"),
    ("p", "p", "Chance that pure noise deviates from the law as much"),
)


def render(analysis: Analysis) -> str:
    """Return the whole page."""
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
    scripts = [_script(_asset("report.js")), _script(_plotly())]
    drawn, skipped = _drawn(analysis)
    layers = [one.layer for one in drawn]
    page: str = environment.get_template("report.html").render(
        analysis=analysis,
        title=PurePath(analysis.source).name or analysis.source,
        layers=layers,
        skipped=skipped,
        findings=FINDINGS,
        lawless=any(not one.picture.counted for one in layers),
        counts=Counter(one.kind for one in layers),
        columns=_columns(analysis, layers),
        marks=Scale.of(analysis.matrices).marks(),
        strongest=_strongest(layers),
        policy=_policy(scripts),
        style=_markup(_tones() + _asset("report.css")),
        scripts=[_markup(script) for script in scripts],
        data=_markup(
            script_safe(
                {
                    "layers": [one.spectrum for one in drawn],
                    # What stands for a p-value that is left empty.
                    "tiny": p_value(0.0),
                    "initial": [residual(comparison) for comparison in analysis.initial],
                }
            )
        ),
    )
    return page


class _Drawn(NamedTuple):
    layer: Layer
    spectrum: dict[str, Any]


class _NotDrawn(NamedTuple):
    name: str
    shape: tuple[int, int]
    dtype: str
    reason: str


def _drawn(analysis: Analysis) -> tuple[list[_Drawn], list[Any]]:
    """Return the matrices as the page shows them, and what it lists as skipped.

    A matrix that cannot be drawn, by a fault of ours, costs neither the others nor the page.
    """
    scale, drawn = Scale.of(analysis.matrices), list[_Drawn]()
    skipped: list[Any] = list(analysis.skipped)
    for matrix in analysis.matrices:
        try:
            drawn.append(_Drawn(layer(matrix, len(drawn) + 1, scale), spectrum(matrix)))
        except Exception as error:
            why = error if isinstance(error, PasturError) else InternalError.of(error)
            reason = f"analysed, but not drawn: {why}"
            skipped.append(_NotDrawn(matrix.name, matrix.shape, matrix.dtype, reason))
    return drawn, skipped


def _harmless(value: Any) -> Any:
    """Return what a template shows: text from a file with its invisible characters as escapes."""
    plain = isinstance(value, str) and not hasattr(value, "__html__")
    return visible(value) if plain else value


def _columns(analysis: Analysis, layers: list[Layer]) -> list[tuple[str, str, str]]:
    """Return the columns that say something; other estimators' counts stand next to our own.

    What stands out has a column only where the spikes of some matrix do not count.
    """
    place = 1 + next(i for i, (key, *_) in enumerate(_COLUMNS) if key == "rank")
    columns = [*_COLUMNS[:place], *other_columns(analysis.matrices), *_COLUMNS[place:]]
    counted = all(one.picture.counted for one in layers)
    return [
        (key, label, meaning)
        for key, label, meaning in columns
        if any(one.cells[key].text != page_text.NOTHING for one in layers)
        and not (counted and key in ("out", "white"))
    ]


def _strongest(layers: list[Layer]) -> Layer | None:
    """Return the layer with the strongest spike among those whose spikes count."""
    sound = [one for one in layers if one.kind == Finding.SIGNAL and one.picture.marks]
    return max(sound, key=lambda one: one.cells["theta"].order or 0.0, default=None)


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


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _script(text: str) -> str:
    # What would end or disguise a script element; both stand only in strings and comments.
    return text.replace("</script", r"<\/script").replace("<!--", r"<\!--").replace("\r\n", "\n")


def _policy(scripts: list[str]) -> str:
    """Return the content security policy: no request, no script but these, by their hashes."""
    hashes = (
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts
    )
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _breakable(name: str) -> Markup:
    """Return a name, escaped, that may break after its dots and slashes."""
    from markupsafe import Markup, escape

    safe = escape(page_text.name(name))
    for letter in "./":
        safe = safe.replace(letter, Markup(f"{letter}<wbr>"))
    return safe


def _markup(text: str) -> Markup:
    """Return text of our own as markup that is not escaped again."""
    from markupsafe import Markup

    return Markup(text)
