"""For every test: one thread of BLAS, and no skip that goes unnoticed.

With PASTUR_NO_SKIPS set in the environment, as in the full run, a skipped test is a failure.
Without it skips are counted at the end of the run. Where PASTUR_EXPECTED_SKIPS names a file, as in
the run on a bare machine, their reasons must be exactly those that the file lists.

With --quick, as in `make check`, each test runs on one of its cases, and none that is marked `slow`
or `lengthy` runs.
"""

import os
import re
from collections import Counter
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import pytest

# Before NumPy is imported, which reads them once.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

Report = pytest.TestReport | pytest.CollectReport
R = TypeVar("R", pytest.TestReport, pytest.CollectReport)

_NO_SKIPS = bool(os.environ.get("PASTUR_NO_SKIPS"))
_EXPECTED = os.environ.get("PASTUR_EXPECTED_SKIPS")

# The modules that import an extra when they are loaded, or whose examples need it; their tests need
# it as well, and are skipped with a reason.
_NEEDING = {
    "src/pastur/sklearn": "sklearn",
    "src/pastur/torch": "torch",
    "src/pastur/experiments/_training/train.py": "torch",
    "src/pastur/experiments/_training/saved_network.py": "torch",
    "src/pastur/experiments/fashion_mnist/_study/trainings.py": "torch",
}
collect_ignore = [path for path, extra in _NEEDING.items() if not find_spec(extra)]
# An example that trains on the data set; it never downloads it.
_DATA = os.environ.get("PASTUR_FASHION_MNIST") or "/usr/share/datasets/fashion-mnist"
if not os.path.isdir(_DATA):
    collect_ignore.append("src/pastur/experiments/fashion_mnist/_study/trainings.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --quick."""
    words = "run one case of each test, and none that is marked slow or lengthy"
    parser.addoption("--quick", action="store_true", help=words)


@pytest.hookimpl
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --quick, keep of each test the first case that is neither slow nor lengthy."""
    if not config.getoption("--quick"):
        return
    kept: dict[str, pytest.Item] = {}
    for item in items:
        if not any(item.get_closest_marker(name) for name in ("slow", "lengthy")):
            kept.setdefault(item.nodeid.partition("[")[0], item)
    chosen = set(kept.values())
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = kept.values()


def _reason(report: Report) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def _refuse_skip(report: R) -> R:
    expected_failure = hasattr(report, "wasxfail")
    if _NO_SKIPS and report.skipped and not expected_failure:
        report.longrepr = f"PASTUR_NO_SKIPS is set, and this was skipped: {_reason(report)}"
        report.outcome = "failed"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test into a failure where skips are not allowed."""
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same for a whole file that is skipped on import."""
    return _refuse_skip((yield))


def _reasons(terminalreporter: pytest.TerminalReporter) -> Counter[str]:
    return Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))


def _surprises(reasons: Counter[str]) -> list[str]:
    """Return a sentence for each difference from the list of expected skips."""
    if not _EXPECTED:
        return []
    lines = Path(_EXPECTED).read_text("utf-8").splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    # A star stands for anything.
    patterns = {line: re.compile(".*".join(map(re.escape, line.split("*")))) for line in listed}
    new = [r for r in reasons if not any(p.fullmatch(r) for p in patterns.values())]
    unseen = [line for line, p in patterns.items() if not any(map(p.fullmatch, reasons))]
    return [f"skipped for a reason that is not listed: {reason}" for reason in sorted(new)] + [
        f"listed, but no test was skipped for it: {line}" for line in unseen
    ]


@pytest.hookimpl
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run where the skips are not the expected ones."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    # The processes of pytest-xdist have no reporter: only the whole is compared.
    if reporter and session.exitstatus == 0 and _surprises(_reasons(reporter)):
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count the skipped tests by reason, and say how to run them."""
    reasons = _reasons(terminalreporter)
    if reasons:
        number = f"{reasons.total()} test{'s' if reasons.total() > 1 else ''} skipped"
        terminalreporter.section(number, sep="=", yellow=True)
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count} x {reason}")
        extras = "test,docs,browser,torch,pandas,sklearn,onnx,keras,gguf,dask,remote,formats"
        terminalreporter.line(f"Those that need an extra run with: make test EXTRAS={extras}")
    for surprise in _surprises(reasons):
        terminalreporter.line(f"{_EXPECTED}: {surprise}", red=True)
