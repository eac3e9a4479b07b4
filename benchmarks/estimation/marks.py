"""How figures are written in the tables."""


def mark(good: bool) -> str:
    return "✓" if good else "✗"


def share(part: int, whole: int, digits: int = 3) -> str:
    """Return a share, nothing where there is nothing to share."""
    return f"{part / whole:.{digits}f}" if whole else ""
