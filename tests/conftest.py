"""For every test: one thread of linear algebra, and no skip that goes unnoticed.

With PASTUR_NO_SKIPS set in the environment, as in the full run, a skipped test is a failure.
Without it skips are counted aloud at the end of the run.
"""

import os
from collections import Counter

import pytest

# Before NumPy is imported, which reads them once.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

_NO_SKIPS = bool(os.environ.get("PASTUR_NO_SKIPS"))


@pytest.fixture(autouse=True)
def internal_errors_are_failures(request, monkeypatch):
    """Let an exception that nobody foresaw come out, where it would become a sentence."""
    from pastur._errors import InternalError

    def come_out(error):
        raise error

    if request.node.get_closest_marker("internal_error") is None:
        monkeypatch.setattr(InternalError, "of", come_out)


def _reason(report) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def _refuse_skip(report):
    expected_failure = hasattr(report, "wasxfail")
    if _NO_SKIPS and report.skipped and not expected_failure:
        report.longrepr = f"PASTUR_NO_SKIPS is set, and this was skipped: {_reason(report)}"
        report.outcome = "failed"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn the skip of a test into a failure where skips are not allowed."""
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Do the same for a whole file that is skipped on import."""
    return _refuse_skip((yield))


def pytest_terminal_summary(terminalreporter):
    """Count the skipped tests aloud, by reason, and say how to run them."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    reasons = Counter(_reason(report) for report in skipped)
    number = f"{len(skipped)} test{'s' if len(skipped) > 1 else ''} skipped"
    terminalreporter.section(number, sep="=", yellow=True)
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count} x {reason}")
    extras = "test,browser,torch,pandas,sklearn"
    terminalreporter.line(f"Those that need an extra run with: make test EXTRAS={extras}")
