"""Train the network that comes with the package:

    python -m pastur.experiments.shipped_network --output FILE

It needs torch and the Fashion-MNIST files, and takes about a minute. The same versions on a
CPU with the same vector instructions (both are in the file's metadata) give the same file,
byte for byte.
"""

import hashlib
from pathlib import Path

import click

from pastur._errors import PasturError
from pastur.datasets import load_fashion_mnist
from pastur.experiments._training.configuration import TrainingConfig
from pastur.experiments._training.saved_network import save_network
from pastur.experiments._training.train import train_network

CONFIG = TrainingConfig(
    size=300, epochs=25, optimizer="adam", learning_rate=3e-4, batch_size=128, seed=0
)
LEAST_ACCURACY = 0.88
COMMAND = "python -m pastur.experiments.shipped_network --output FILE"


@click.command(help="Train the network that comes with the package and write it to a file.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The safetensors file to write.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder of the four Fashion-MNIST files; by default the usual folders are searched.",
)
def main(output: Path, data: Path | None) -> None:
    """Train, check the accuracy, write the file, and print its checksum."""
    try:
        network = train_network(CONFIG, data=load_fashion_mnist(data), progress=_print_progress)
        if network.diverged or network.test_accuracy < LEAST_ACCURACY:
            raise click.ClickException(
                f"The network reached a test accuracy of {network.test_accuracy:.2%}, less than "
                f"the {LEAST_ACCURACY:.0%} it must have. Nothing was written."
            )
        save_network(network, output, command=COMMAND)
    except PasturError as error:
        raise click.ClickException(str(error)) from None
    checksum = hashlib.sha256(output.read_bytes()).hexdigest()
    click.echo(f"{output}: test accuracy {network.test_accuracy:.2%}, sha256 {checksum}")


def _print_progress(done: int, total: int, what: str) -> None:
    click.echo(f"epoch {done} of {total}: {what}", err=True)


if __name__ == "__main__":
    main()
