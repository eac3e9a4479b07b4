"""What defines a training: two equal configurations give the same network."""

from dataclasses import dataclass

from pastur._checks import (
    finite_number,
    non_negative_integer,
    one_of,
    positive_integer,
    positive_number,
)
from pastur._errors import InvalidInputError

# A step size that suits each.
LEARNING_RATES = {"adam": 3e-4, "sgd": 0.005}
OPTIMIZERS = tuple(LEARNING_RATES)
ACTIVATIONS = ("absolute", "relu", "tanh")
INITIALIZATIONS = ("gaussian", "he", "uniform")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a network 784×N, N×N, N×10 is trained.

    Parameters
    ----------
    size : int, default 300
        N, the number of units in each of the two hidden layers.
    epochs : int, default 25
        Passes over the training images.
    optimizer : {"adam", "sgd"}, default "adam"
        Adam with β = (0.9, 0.999), or stochastic gradient descent with momentum 0.9.
    learning_rate : float, default 3e-4
        Step size, the same at every step. The default suits Adam; gradient descent wants about
        0.005, and at 0.05 it diverges.
    batch_size : int, default 128
        Images a step; the last batch of an epoch may be smaller.
    weight_decay : float, default 0.0
        Adds ``weight_decay * w`` to the gradient of every weight and bias w.
    seed : int, default 0
        Fixes the initial weights and the order of the images.
    activation : {"absolute", "relu", "tanh"}, default "absolute"
        λ of (1.10): |x|, max(x, 0) or the hyperbolic tangent, entry by entry.
    initialization : {"gaussian", "he", "uniform"}, default "gaussian"
        Law of the weights before training: Gaussian of variance 1/inputs or 2/inputs, or uniform
        on ±1/√inputs (torch's own default). Biases are 0.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If a field has a value that no training can have.

    Examples
    --------
    >>> TrainingConfig(size=64, optimizer="sgd", learning_rate=0.005).epochs
    25
    """

    size: int = 300
    epochs: int = 25
    optimizer: str = "adam"
    learning_rate: float = 3e-4
    batch_size: int = 128
    weight_decay: float = 0.0
    seed: int = 0
    activation: str = "absolute"
    initialization: str = "gaussian"

    def __post_init__(self) -> None:
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        one_of("activation", self.activation, ACTIVATIONS)
        one_of("initialization", self.initialization, INITIALIZATIONS)
        checked = {
            "size": positive_integer("size", self.size),
            "epochs": positive_integer("epochs", self.epochs),
            "batch_size": positive_integer("batch_size", self.batch_size),
            "learning_rate": positive_number("learning_rate", self.learning_rate),
            "weight_decay": finite_number("weight_decay", self.weight_decay),
            "seed": non_negative_integer("seed", self.seed),
        }
        if checked["weight_decay"] < 0:
            raise InvalidInputError(
                f"`weight_decay` must not be negative. Got {checked['weight_decay']:g}."
            )
        for name, value in checked.items():
            object.__setattr__(self, name, value)
