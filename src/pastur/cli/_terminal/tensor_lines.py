"""Lists of tensors, each accounted for, in as few lines as can be read."""

import re
from collections.abc import Iterable, Sequence

from rich.console import Console

from pastur._format import count
from pastur.cli._terminal.console import say
from pastur.cli._terminal.printable import printable
from pastur.weights import Skipped
from pastur.weights.matrices import LEFT_OUT

# Up to here each tensor has its own line.
SHORT = 12


def say_tensors(console: Console, title: str, tensors: Sequence[Skipped]) -> None:
    """Print a list under its title and an empty line; nothing where there are none."""
    if tensors:
        console.print()
        say(console, f"{title}: {count(len(tensors), 'tensor', 'tensors')}", "bold")
        for indent, line in skipped_lines(tensors):
            say(console, line, indent=indent)


def skipped_lines(skipped: Sequence[Skipped]) -> list[tuple[int, str]]:
    """Return indents and lines: one a tensor, or, of many, grouped by reason and by name.

    Those left out by patterns are counted.
    """
    if len(skipped) <= SHORT and not any(t.reason.startswith(LEFT_OUT) for t in skipped):
        return [(2, f"{printable(tensor.name)}: {printable(tensor.reason)}") for tensor in skipped]
    groups: dict[str, list[str]] = {}
    for tensor in skipped:
        groups.setdefault(tensor.reason, []).append(tensor.name)
    lines = []
    for reason, names in groups.items():
        lines.append((2, f"{count(len(names), 'tensor', 'tensors')}: {printable(reason)}"))
        if not reason.startswith(LEFT_OUT):
            lines += [(4, line) for line in _gathered(names)]
    return lines


def _gathered(names: Iterable[str]) -> list[str]:
    """Return the names, those that differ only in their numbers on one line with their count."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(re.sub(r"\d+", "*", name), []).append(name)
    return [
        printable(group[0]) if len(group) == 1 else f"{printable(pattern)}  ({len(group)})"
        for pattern, group in alike.items()
    ]
