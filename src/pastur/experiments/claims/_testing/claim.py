"""What a claim is: a statement, the draws that test it, and how their figures are judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from pastur._typing import FloatArray
from pastur.figures import Panel

# Plain numbers, words and lists: the key under which a task is recorded.
Setting: TypeAlias = Mapping[str, Any]
Draw: TypeAlias = Mapping[str, Any]


def setting_key(setting: Setting) -> str:
    """Return a setting as text, the same for equal ones."""
    return json.dumps(dict(setting), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Row:
    """What one task measured: the mean and the variance over its draws, statistic by statistic.

    Attributes
    ----------
    setting : mapping
    draws : int
    mean, variance : mapping of name to ndarray
        The variance is that of one draw, with divisor draws − 1; 0 for a single draw.
    """

    setting: Setting
    draws: int
    mean: Mapping[str, FloatArray]
    variance: Mapping[str, FloatArray]

    def error(self, name: str) -> FloatArray:
        """Return the standard error of the mean."""
        return np.sqrt(self.variance[name] / self.draws)


@dataclass(frozen=True)
class Finding:
    """One figure of a claim, and whether it is as the claim says.

    Attributes
    ----------
    what : str
    value : float
    error : float
        Its standard error; 0 where nothing is random.
    bound : str
        What it should be, in words.
    passed : bool

    Examples
    --------
    >>> from pastur.experiments import verify
    >>> finding = verify(["lemma-4.1"]).results[0].judgement.findings[0]
    >>> finding.what, finding.passed
    ('max |Φ(ω(z)) − z|, two points', True)
    """

    what: str
    value: float
    error: float
    bound: str
    passed: bool

    @property
    def measured(self) -> str:
        """The figure in words, with its standard error where it has one."""
        if self.error == 0:
            return f"{self.value:.3g}"
        return f"{self.value:.4g} ± {self.error:.1g}"


@dataclass(frozen=True)
class Judgement:
    """All findings of a claim, and the panels that show them.

    Examples
    --------
    >>> from pastur.experiments import verify
    >>> judgement = verify(["lemma-4.1"]).results[0].judgement
    >>> judgement.passed, len(judgement.findings)
    (True, 4)
    """

    findings: tuple[Finding, ...]
    panels: tuple[Panel, ...]

    @property
    def passed(self) -> bool:
        """Whether every figure is as it should be."""
        return all(finding.passed for finding in self.findings)


@dataclass(frozen=True)
class Claim:
    """A statement that can be tested by Monte Carlo.

    Attributes
    ----------
    name : str
        As the command line takes it.
    source : str
        Where the paper states it.
    statement : str
        One or two sentences.
    violation : str
        What is planted in its place, to see the test reject it.
    quick, full : tuple of settings
        The tasks at each level. ``setting["draws"]`` is the number of draws.
    prepare : callable
        ``prepare(setting)``: the theory that the draws of a task are compared with.
    draw : callable
        ``draw(theory, setting, rng)``: the statistics of one draw, name to number or array. The
        names that the violation is judged by are among them, so that both see the same draws.
    judge : callable
        ``judge(rows, violated)``: the findings, against the claim or against its violation.

    Examples
    --------
    >>> from pastur.experiments import CLAIMS
    >>> claim = CLAIMS[0]
    >>> claim.name, claim.source
    ('pasturs-law', '(1.5)')
    """

    name: str
    source: str
    statement: str
    violation: str
    quick: Sequence[Setting]
    full: Sequence[Setting]
    prepare: Callable[[Setting], Any]
    draw: Callable[[Any, Setting, np.random.Generator], Draw]
    judge: Callable[[Sequence[Row], bool], Judgement]

    def settings(self, level: str) -> Sequence[Setting]:
        """Return the tasks of a level, "quick" or "full"."""
        return self.full if level == "full" else self.quick


def measure(claim: Claim, setting: Setting, seed: int) -> Row:
    """Carry out one task: all draws of a setting, from a seed that only it has."""
    rng = np.random.default_rng(_entropy(claim.name, setting, seed))
    theory = claim.prepare(setting)
    draws = [_arrays(claim.draw(theory, setting, rng)) for _ in range(setting["draws"])]
    mean, variance = {}, {}
    for name in draws[0]:
        values = np.array([draw[name] for draw in draws])
        mean[name] = values.mean(axis=0)
        variance[name] = values.var(axis=0, ddof=1) if len(draws) > 1 else 0 * values[0]
    return Row(setting, len(draws), mean, variance)


def _arrays(draw: Draw) -> dict[str, FloatArray]:
    return {name: np.asarray(value, dtype=np.float64) for name, value in draw.items()}


def _entropy(name: str, setting: Setting, seed: int) -> list[int]:
    """Seed and the letters of the task: its draws depend on no other task and on no order."""
    return [seed, *f"{name} {setting_key(setting)}".encode()]
