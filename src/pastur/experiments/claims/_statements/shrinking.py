"""Errors that fall with N, group by group: judged by their rates, drawn with their lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pastur._typing import FloatArray
from pastur.experiments.claims._testing.claim import Finding, Row
from pastur.experiments.claims._testing.rates import fit_rate, root_mean_square, sizes, vanishes
from pastur.figures import Series

Reading = Callable[[Sequence[Row], str], tuple[FloatArray, FloatArray]]


class Labels(NamedTuple):
    """Words in which a group is put at ``{}``: for a finding, the violation and the group alone."""

    finding: str
    violation: str
    group: str = "{}"


def groups(rows: Sequence[Row], key: str) -> dict[Any, list[Row]]:
    """Return the rows by an entry of their settings, in the order of the rows."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row.setting[key], []).append(row)
    return found


def shrinking(
    rows: Sequence[Row],
    key: str,
    *,
    judged: str,
    wrong: str,
    expected: Callable[[Any], float],
    labels: Labels,
    read: Reading = root_mean_square,
) -> tuple[list[Finding], list[Series]]:
    """Judge the errors of each group, and return their series, the violation's last.

    Parameters
    ----------
    rows : sequence of Row
    key : str
        The entry of the settings by which the rows are grouped.
    judged, wrong : str
        Names of the statistics: of the error to judge, and of the violation's.
    expected : callable
        ``expected(group)``: the exponent of N to meet.
    labels : Labels
    read : callable
        What turns the rows' statistic into errors with standard errors.
    """
    findings: list[Finding] = []
    series: list[Series] = []
    for group, these in groups(rows, key).items():
        n = sizes(these)
        error, se = read(these, judged)
        rate = fit_rate(n, error, se)
        findings.append(vanishes(labels.finding.format(group), rate, expected(group)))
        series += [Series(labels.group.format(group), n, error, se), rate.line(n)]
    error, se = read(these, wrong)
    series.append(Series(labels.violation.format(group), n, error, se, kind="contrast"))
    return findings, series
