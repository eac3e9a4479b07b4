"""Which mutants there are, and which of them are drawn.

A place is a node of the source that an operator of mutmut can change; of the changes that it offers
for one place, the draw takes one. Mutants are drawn by the hash of what they are, not by number, so
that an edit of the source exchanges only the mutants of the lines that it touches.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import cast

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, ParentNodeProvider, PositionProvider
from mutmut.mutation import mutators

# Most of what has become None fails at once, whatever the tests look at: it would only swell the
# number of the killed.
_LEFT_OUT = (mutators.operator_assignment,)
# Mutmut asks every node whether it is one of these, slowly.
_SWAPPED = (
    cst.BinaryOperation,
    cst.UnaryOperation,
    cst.BooleanOperation,
    cst.ComparisonTarget,
    cst.AugAssign,
)
_OPERATORS = [
    (_SWAPPED if operator is mutators.operator_swap_op else kind, operator)
    for kind, operator in mutators.mutation_operators
    if operator not in _LEFT_OUT
]


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes
    ----------
    file : str
        The file, from the root of the repository.
    name : str
        The function or class that the change is in, with dots; empty at module level.
    before, after : str
        The changed expression, and what it becomes.
    occurrence : int
        How many equal changes the same function has before this one.
    first, last : int
        The lines of the innermost statement around the change, of a compound one its head.
    """

    file: str
    name: str
    before: str
    after: str
    occurrence: int
    first: int
    last: int

    @cached_property
    def key(self) -> str:
        """What the mutant is, in one line; line numbers are no part of it."""
        number = f" [{self.occurrence + 1}]" if self.occurrence else ""
        change = f"{_one_line(self.before)} -> {_one_line(self.after)}{number}"
        return f"{self.file}::{self.name or '(module)'}: {change}"

    def rank(self, seed: int) -> str:
        """The mutant's place in the order of the draw."""
        return hashlib.sha256(f"{seed} {self.key}".encode()).hexdigest()


@dataclass(frozen=True)
class _Place:
    """A node with what it can become, and where it is."""

    node: cst.CSTNode
    changes: tuple[cst.CSTNode, ...]
    name: str
    lines: CodeRange


class _Places(cst.CSTVisitor):
    """Collects the places of a file."""

    METADATA_DEPENDENCIES = (PositionProvider, ParentNodeProvider)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Place] = []
        self._names: list[str] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _says_nothing(node):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._names.append(node.name.value)
        for kind, operator in _OPERATORS:
            if isinstance(node, kind):
                self._add(node, _kept(node, operator(node)))
        if isinstance(node, cst.If):
            # For these mutmut has no operator; what it does to conditional expressions will do.
            branches = cast(Iterable[cst.If], mutators.operator_if_exp(cast(cst.IfExp, node)))
            self._add(node.test, (branch.test for branch in branches))
        return True

    def _add(self, node: cst.CSTNode, changes: Iterable[cst.CSTNode]) -> None:
        if kept := tuple(changes):
            self.found.append(_Place(node, kept, ".".join(self._names), self._statement(node)))

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._names.pop()

    def _statement(self, node: cst.CSTNode) -> CodeRange:
        inner = node
        while not isinstance(node, cst.BaseSmallStatement | cst.BaseCompoundStatement):
            inner, node = node, self.get_metadata(ParentNodeProvider, node)
        small = isinstance(node, cst.BaseSmallStatement)
        return self.get_metadata(PositionProvider, node if small else inner)


def _says_nothing(node: cst.CSTNode) -> bool:
    """Annotations, imports and docstrings: a change there changes no result."""
    if isinstance(node, cst.Annotation | cst.Import | cst.ImportFrom):
        return True
    return isinstance(node, cst.Expr) and isinstance(
        node.value, cst.SimpleString | cst.ConcatenatedString
    )


def _kept(node: cst.CSTNode, changes: Iterable[cst.CSTNode]) -> Iterator[cst.CSTNode]:
    """The changes, but of those of arguments only that a keyword is left out, for the same reason.

    A call without one of its other arguments is an error.
    """
    for change in changes:
        if not isinstance(node, cst.Call) or not isinstance(change, cst.Call):
            yield change
        elif change.func is not node.func or _keywords(change) < _keywords(node):
            yield change


def _keywords(call: cst.Call) -> int:
    return sum(arg.keyword is not None for arg in call.args)


@dataclass(frozen=True)
class Source:
    """A file with its mutants."""

    path: Path
    root: Path

    @property
    def file(self) -> str:
        """Where it lies, from the root."""
        return self.path.relative_to(self.root).as_posix()

    @cached_property
    def _wrapped(self) -> MetadataWrapper:
        return MetadataWrapper(cst.parse_module(self.path.read_text("utf-8")))

    @cached_property
    def _all(self) -> dict[Mutant, tuple[cst.CSTNode, cst.CSTNode]]:
        visitor = _Places()
        self._wrapped.visit(visitor)
        code = self._wrapped.module.code_for_node
        seen: dict[tuple[str, str, str], int] = {}
        mutants = {}
        for place in visitor.found:
            for change in place.changes:
                what = place.name, code(place.node), code(change)
                occurrence = seen[what] = seen.get(what, -1) + 1
                lines = place.lines.start.line, place.lines.end.line
                mutants[Mutant(self.file, *what, occurrence, *lines)] = place.node, change
        return mutants

    def drawn(self, seed: int) -> list[Mutant]:
        """One mutant of each place, the first in the order of the draw."""
        by_place = groupby(self._all, key=lambda mutant: id(self._all[mutant][0]))
        return [min(group, key=lambda mutant: mutant.rank(seed)) for _, group in by_place]

    def code(self, mutant: Mutant) -> str:
        """The whole file with the change."""
        node, change = self._all[mutant]
        mutated = self._wrapped.module.deep_replace(node, change)
        assert isinstance(mutated, cst.Module)
        return str(mutated.code)


def sample(sources: Mapping[str, Sequence[Source]], number: int, seed: int) -> list[Mutant]:
    """Mutants of all rooms, each room in proportion to its places.

    Parameters
    ----------
    sources : mapping
        The files of each room.
    number : int
        How many mutants, up to rounding in each room.
    seed : int
        Another seed draws other mutants.
    """
    drawn = {room: [m for s in files for m in s.drawn(seed)] for room, files in sources.items()}
    total = sum(map(len, drawn.values()))
    return [
        mutant
        for mutants in drawn.values()
        for mutant in sorted(mutants, key=lambda mutant: mutant.rank(seed))[
            : round(number * len(mutants) / total)
        ]
    ]


def _one_line(text: str) -> str:
    return " ".join(text.split())
