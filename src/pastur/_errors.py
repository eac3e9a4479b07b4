"""The exceptions that pastur raises on purpose, and the one for what nobody foresaw.

Every one says what was asked, what was got and what to do next, in one sentence or two. A numerical
failure is not an exception: it is a `status` with its residual, carried by the result.
"""

import traceback

# Of the words of an exception that nobody foresaw.
_LONGEST = 160


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


class InternalError(PasturError, RuntimeError):
    """A fault of pastur: an exception that nobody foresaw, as a sentence."""

    @classmethod
    def of(cls, error: Exception) -> "InternalError":
        """Return the sentence for an exception, with that as its cause."""
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
    """Something that was not as it should be, and was made good."""
