"""The versions that a result was made with."""

import platform

# Stated here: reading it from what is installed loads a package that takes as long as a fit.
__version__ = "0.1.0"


def package_versions() -> dict[str, str]:
    """Return the versions of pastur, NumPy, SciPy and Python."""
    import numpy
    import scipy

    return {
        "pastur": __version__,
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
    }
