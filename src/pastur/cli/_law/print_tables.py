"""The law, its edges and its spikes on stdout."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from pastur._format import count, number
from pastur._typing import FloatArray
from pastur.cli._law.documents import EDGE, OUTLIER, outcomes
from pastur.cli._law.signal_options import LawSettings
from pastur.cli._terminal.console import open_console, plain_table, say
from pastur.cli._terminal.printable import printable
from pastur.models import Description

_NOTHING = "–"
# Of more rows than this the first and the last are shown.
_MOST_ROWS = 24
_UNBOUNDED = 100_000
_FEWEST_DIGITS, _MOST_DIGITS = 6, 12

_CRITICAL = (
    "critical below, above: the weakest spike that makes an outlier below the lower edge or above "
    "the upper edge; none: no spike does."
)
_NO_SCALE = (
    "–: no Tracy–Widom law there at this size. The density does not vanish like a square root, or "
    "does so only closer to the edge than single values are apart."
)
_OVERLAP = "overlap: squared cosine between the vector of the outlier and that of the spike."
_SUBCRITICAL = "subcritical: too weak for an outlier; its eigenvalue stays in the bulk."
_QUANTILE = (
    "quantile q: noise has closed the gap of the signal around it, and its eigenvalue lies inside "
    "the bulk, with the share q of all below it."
)
_INSIDE = "in the law of S: such a value belongs to the bulk of S, and is not a spike."
_DEVIATION = " sd: standard deviation of the outlier."


def print_law(
    settings: LawSettings,
    result: Description,
    files: Sequence[tuple[str, Path]],
    *,
    note: str = "",
) -> None:
    """Print the model in words, the tables and the files, the first of them with a note."""
    console = open_console()
    word = "singular values" if result.model.squared else "eigenvalues"
    say(console, settings.noise, "bold")
    say(console, settings.signal)
    console.print()
    _print_support(console, result, word)
    if result.size is not None:
        console.print()
        _print_edges(console, result)
    if result.spikes.theta.size or settings.inside.size:
        console.print()
        _print_spikes(console, result, settings.inside)
    console.print()
    for place, (name, path) in enumerate(files):
        say(console, f"{name}: {printable(str(path))}{'' if place else note}")


def _print_support(console: Console, result: Description, word: str) -> None:
    write = _writer(result)
    intervals = count(len(result.intervals), "interval", "intervals")
    say(console, f"Law of the {word} of W: {intervals}", "bold")
    critical = result.edges.critical_spike.reshape(-1, 2)
    rows = [
        (write(low), write(high), number(mass), *(_or_none(write(c)) for c in pair))
        for (low, high), mass, pair in zip(result.intervals, result.masses, critical, strict=True)
    ]
    headings = ("lower edge", "upper edge", "mass", "critical below", "critical above")
    _print_rows(console, headings, rows)
    say(console, _CRITICAL, "dim")


def _print_edges(console: Console, result: Description) -> None:
    write, edges = _writer(result), result.edges
    beta = result.model.beta
    title = (
        f"Extreme values at {_at_size(result)}: centring + scale · Tracy–Widom law of β = {beta}"
    )
    say(console, title, "bold")
    columns = zip(edges.position, edges.centring, edges.scale, strict=True)
    rows = [(write(x), write(c), _NOTHING if np.isnan(s) else number(s)) for x, c, s in columns]
    _print_rows(console, ("edge", "centring", "scale"), rows)
    if np.isnan(edges.scale).any():
        say(console, _NO_SCALE, "dim")


def _print_spikes(console: Console, result: Description, inside: FloatArray) -> None:
    write, spikes = _writer(result), result.spikes
    say(console, "Spikes", "bold")
    # Two lines, so that all columns fit into 80.
    names = (name.replace("_", "\n") for name in result.model.overlap_names)
    headings = ["θ", "outcome", "goes to", *names]
    if result.size is not None:
        headings.append(f"sd at\n{_at_size(result)}")
    rows = []
    for i, outcome in enumerate(outcomes(result)):
        words = _outcome_words(outcome, spikes.level[i])
        row = [write(spikes.theta[i]), words, write(spikes.position[i])]
        row += [f"{overlap[i]:.4f}" for overlap in spikes.overlaps]
        if result.size is not None:
            sd = spikes.fluctuation[i]
            row.append(_NOTHING if np.isnan(sd) else number(sd))
        rows.append(row)
    nothing = [_NOTHING] * (len(headings) - 2)
    rows += [[write(theta), "in the law of S", *nothing] for theta in inside.tolist()]
    _print_rows(console, headings, rows)
    for word, sentence in (("subcritical", _SUBCRITICAL), ("quantile", _QUANTILE)):
        if any(word in row[1] for row in rows):
            say(console, sentence, "dim")
    if inside.size:
        say(console, _INSIDE, "dim")
    say(console, _OVERLAP + (_DEVIATION if result.size is not None else ""), "dim")


def _outcome_words(outcome: str, level: float) -> str:
    if outcome == OUTLIER:
        return "outlier"
    if outcome == EDGE:
        return "subcritical, at edge"
    return f"subcritical, quantile {level:.3g}"


def _at_size(result: Description) -> str:
    return f"{'n' if result.model.squared else 'N'} = {result.size}"


def _print_rows(console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = plain_table(headings, words=("outcome",))
    half = _MOST_ROWS // 2
    cut = len(rows) > _MOST_ROWS
    for row in rows[:half] if cut else rows:
        table.add_row(*row)
    if cut:
        table.add_row(*("…" for _ in headings))
        for row in rows[-half:]:
            table.add_row(*row)
    # Wider than the terminal, its lines are continued there: no digit is cut.
    unbounded = console.options.update(width=_UNBOUNDED)
    needed = console.measure(table, options=unbounded).maximum
    console.print(table, width=max(console.width, needed), crop=False, no_wrap=True)
    if cut:
        say(console, f"… {len(rows) - 2 * half} more rows; --json has them all.", "dim")


def _or_none(text: str) -> str:
    return "none" if text == _NOTHING else text


def _writer(result: Description) -> Callable[[float], str]:
    """Return a function that writes values with enough digits to distinguish the edges."""
    edges = result.edges.position
    digits, largest = _digits(edges), float(np.abs(edges).max())
    form = f"z#.{digits}g"
    if 1e-4 <= largest < 1e6:
        form = f"z.{max(0, digits - 1 - int(np.floor(np.log10(largest))))}f"
    # With "z" rounding leaves no minus before a zero.
    return lambda value: _NOTHING if np.isnan(value) else f"{value:{form}}".removesuffix(".")


def _digits(edges: FloatArray) -> int:
    apart = np.diff(edges)
    apart = apart[apart > 0]
    if not apart.size:
        return _FEWEST_DIGITS
    needed = 3 + int(np.ceil(np.log10(np.abs(edges).max() / apart.min())))
    return int(np.clip(needed, _FEWEST_DIGITS, _MOST_DIGITS))
