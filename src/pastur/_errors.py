"""The exceptions that pastur raises on purpose.

Every one says what was asked, what was got and what to do next, in one sentence or two. A numerical
failure is not an exception: it is a `status` with its residual, carried by the result.
"""


class PasturError(Exception):
    """Base of every error that pastur raises on purpose."""


class InvalidInputError(PasturError, ValueError):
    """An argument has a value that the called function cannot use."""


class InvalidTypeError(PasturError, TypeError):
    """An argument has a type that the called function cannot use."""


class FileFormatError(PasturError, ValueError):
    """A file is damaged, hostile, or of a kind that pastur does not read."""


class FileAccessError(PasturError, OSError):
    """A path does not exist or cannot be read or written."""


class MissingExtraError(PasturError, ImportError):
    """A feature needs an optional dependency that is not installed."""


class NumericalError(PasturError, ArithmeticError):
    """A computation that returns a bare number missed its accuracy; the sentence states both."""
