"""Which tensors a command reads, and as which matrices."""

import click

exclude_option = click.option(
    "--exclude",
    metavar="PATTERN",
    multiple=True,
    help="Leave out tensors whose name matches. Repeatable.",
)
unfold_option = click.option(
    "--unfold",
    type=click.Choice(["outputs", "inputs", "window"]),
    default="outputs",
    show_default=True,
    help="What a convolution's rows are; window: a matrix for each place in it.",
)
