"""Text from elsewhere, made harmless: a name in a file may hold any characters, any number."""

import re

# Printable for Python, and yet invisible: fillers, joiners, variation selectors, the empty Braille.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_LONGEST = 120


def visible(text: str) -> str:
    r"""Return `text` with an escape such as \x1b for each character that does not show as itself.

    Control characters, marks of direction, characters of no width and halves of surrogate pairs.
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return _INVISIBLE.sub(lambda found: ascii(found.group())[1:-1], text)


def shortened(text: str, longest: int) -> str:
    """Return `text`, cut in the middle where it has more than `longest` letters."""
    if len(text) <= longest:
        return text
    end = longest // 4
    return f"{text[: longest - end - 1]}…{text[-end:]}"


def shown(name: object, longest: int = _LONGEST) -> str:
    """Return `name` in quotes, on one line, short and visible."""
    quoted = visible(repr(shortened(str(name), longest)))
    return shortened(quoted, 2 * longest)
