"""Plan, write, print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pastur._files import check_writable, refuse_inputs
from pastur.analysis import Analysis, AnalysisInterrupted, analyze
from pastur.cli._terminal.progress import progress_bar
from pastur.cli._terminal.workers import connected
from pastur.compression import CompressionPlan, apply_compression, plan_compression
from pastur.compression._methods.methods import METHODS, MethodName
from pastur.compression._source.checkpoint import check_here
from pastur.estimation._fitting.noises import AUTO
from pastur.estimation._result.noise_used import NoiseName

# Endings of a page; a plan of another name is JSON.
PAGES = (".html", ".htm")


@dataclass(frozen=True)
class Wanted:
    """What is asked of a plan; see `pastur.plan_compression`."""

    method: str
    target: Mapping[str, float] | None
    form: str
    bits: int
    min_side: int
    ranks: Path | None = None
    inputs: Path | None = None
    sensitivities: Path | None = None

    def plan(self, analysis: Analysis, model: str) -> CompressionPlan:
        """Return the plan."""
        return plan_compression(
            analysis,
            model,
            method=self.method,
            target=self.target,
            form=self.form,
            bits=self.bits,
            ranks=self.ranks,
            inputs=self.inputs,
            sensitivities=self.sensitivities,
            min_side=self.min_side,
        )

    @property
    def noise(self) -> str:
        """The noise to analyse the model with, where none is asked for."""
        return AUTO if METHODS[MethodName(self.method)].reads_noise else NoiseName.WHITE

    def check(self) -> None:
        """Refuse a method without its target or inputs before the work, not after it."""
        from click import UsageError

        method = METHODS[MethodName(self.method)]
        if method.reads_inputs != (self.inputs is not None):
            has = "needs --inputs" if method.reads_inputs else "has no use for --inputs"
            raise UsageError(f"The method '{self.method}' {has}.")
        if "loss" in (self.target or ()) and self.sensitivities is None:
            raise UsageError("--loss needs --sensitivities.")
        needs = method.needs
        if needs and not set(needs) & set(self.target or ()):
            listed = " or ".join(f"--{name}" for name in needs)
            raise UsageError(f"The method '{self.method}' needs {listed}, for example 0.6.")


@dataclass(frozen=True)
class Given:
    """Files with what is known already; what is to be analysed else, and by whom."""

    plan: Path | None
    analysis: Path | None
    options: Mapping[str, Any]
    scheduler: str | None


def run(
    model: str, output: Path, wanted: Wanted, given: Given, *, plan_only: bool, quiet: bool
) -> None:
    """Plan or read a plan, and write it or the model after it."""
    check_here(model)
    if given.plan is None:
        wanted.check()
    read = (given.plan, given.analysis, wanted.ranks, wanted.inputs, wanted.sensitivities)
    check_output(output, model, [path for path in read if path is not None])
    plan = _plan(model, output, wanted, given, quiet=quiet)
    if plan_only:
        last = f"Plan: {_write_plan(plan, output)}"
    else:
        last = str(apply_compression(plan, model, output))
    if not quiet:
        from pastur.cli._compress.print_plan import print_plan

        print_plan(plan, last)


def check_output(output: Path, model: str, known: Sequence[Path]) -> None:
    """Refuse an output that could not be written after the work, or that is an input."""
    refuse_inputs(output, [model, *known])
    if not output.is_dir():
        check_writable(output)


def _write_plan(plan: CompressionPlan, output: Path) -> Path:
    """Write a page where the name is that of one, else JSON."""
    if output.suffix.lower() not in PAGES:
        return plan.to_json(output)
    from pastur.report import write_plan

    return write_plan(plan, output)


def _plan(
    model: str, output: Path, wanted: Wanted, given: Given, *, quiet: bool
) -> CompressionPlan:
    if given.plan is not None:
        return CompressionPlan.from_json(given.plan)
    if given.analysis is not None:
        return wanted.plan(Analysis.from_json(given.analysis), model)
    return wanted.plan(analysed(model, output, given, quiet=quiet), model)


def analysed(model: str, output: Path, given: Given, *, quiet: bool) -> Analysis:
    """Return the analysis of the model, which does not write over it."""
    outputs = () if output.is_dir() else (output,)
    who = connected(given.scheduler, given.options["jobs"])
    try:
        with who as client, progress_bar(quiet=quiet) as bar:
            return analyze(model, outputs=outputs, executor=client, progress=bar, **given.options)
    except AnalysisInterrupted as stop:
        # Half an analysis makes no plan.
        raise stop.__cause__ or stop from None
