"""The exceptions that pastur raises deliberately, and the one for unexpected errors.

Each message says in one or two sentences what was expected, what was passed and what to do next. A
numerical failure is not an exception but a `status` of the result, with its residual.
"""

import traceback

# Characters quoted from the message of an unexpected exception.
_LONGEST = 160


class PasturError(Exception):
    """Base of every error that pastur raises deliberately.

    Examples
    --------
    >>> import pastur
    >>> try:
    ...     pastur.fit_rectangular([[1.0, float("nan")], [0.0, 1.0]])
    ... except pastur.PasturError as error:
    ...     print(type(error).__name__, isinstance(error, ValueError))
    InvalidInputError True
    """


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
    """A computation that returns a plain number missed its accuracy; the message states both."""


class InternalError(PasturError, RuntimeError):
    """A bug in pastur: an unexpected exception, reported in a sentence."""

    @classmethod
    def of(cls, error: Exception) -> "InternalError":
        """Return the error that reports an exception, with the exception as its cause."""
        words = " ".join(str(error).split())
        if len(words) > _LONGEST:
            words = f"{words[:_LONGEST]}…"
        name = type(error).__name__
        found = cls(f"internal error: {name}{f': {words}' if words else ''}; please report it")
        found.__cause__ = error
        return found

    @property
    def trace(self) -> str:
        """The traceback of the exception."""
        return "".join(traceback.format_exception(self.__cause__)) if self.__cause__ else ""


class PasturWarning(UserWarning):
    """Something was wrong and has been repaired, or is not as it would be expected."""
