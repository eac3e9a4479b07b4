"""The versions that a result was made with."""

import platform
from importlib.metadata import PackageNotFoundError, version


def package_versions() -> dict[str, str]:
    """Return the versions of pastur, NumPy, SciPy and Python."""
    found = {name: _version(name) for name in ("pastur", "numpy", "scipy")}
    return found | {"python": platform.python_version()}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        # A source tree on the path, never installed.
        return "unknown"
