"""The group of all commands."""

import click

from pastur.cli._analyze.analyze_options import analyze, demo
from pastur.cli._assumptions.assumption_options import check_assumptions
from pastur.cli._compare.compare_options import compare
from pastur.cli._compress.compress_options import compress
from pastur.cli._compress.denoise_command import denoise
from pastur.cli._experiment.experiment_options import experiment
from pastur.cli._law.command import law
from pastur.cli._terminal.errors import QuietGroup, debug_option
from pastur.cli._verify.verify_options import verify


@click.group(cls=QuietGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pastur", message="%(prog)s %(version)s")
@debug_option
def main() -> None:
    """Tell noise from signal in the weight matrices of a trained model.

    Exit status: 0 done, 1 the input is bad (one line says what) or a claim fails, 2 wrong usage,
    3 a condition of --fail-if holds.
    """


for command in (
    analyze,
    check_assumptions,
    compare,
    compress,
    demo,
    denoise,
    experiment,
    law,
    verify,
):
    main.add_command(command)
