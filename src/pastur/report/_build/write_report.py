"""The public face: a result in, a page on disk out."""

import os
from pathlib import Path

from pastur._errors import FileAccessError, InvalidTypeError
from pastur.analysis import Analysis
from pastur.comparison import Comparison
from pastur.compression import CompressionPlan
from pastur.report._build.render import render
from pastur.report._build.render_comparison import render_comparison
from pastur.report._build.render_plan import render_plan


def write_report(analysis: Analysis, path: str | os.PathLike[str]) -> Path:
    """Write an analysis as one HTML page that opens offline, and return its path.

    The page holds its data, its style and its charts (plotly.js, about 5 MB) and may load nothing:
    its content security policy forbids every request and every script but its own. It is written
    next to `path` and renamed, so that an error leaves an older report as it was.

    Parameters
    ----------
    analysis : Analysis
        The result of `pastur.analyze`, or one read back by ``Analysis.from_json``.
    path : str or path-like
        The file to write; its folder must exist.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InvalidTypeError
        When `analysis` is not an `Analysis`.
    InvalidInputError
        When `path` is a file of the model.
    FileAccessError
        When `path` is a folder, its folder does not exist, or it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import pastur.analysis
    >>> noise = np.random.default_rng(0).normal(size=(60, 90))
    >>> analysis = pastur.analysis.analyze({"layer": noise})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(analysis, folder + "/report.html").name
    'report.html'
    """
    if not isinstance(analysis, Analysis):
        raise InvalidTypeError(
            f"write_report takes the result of `pastur.analyze`. Got a {type(analysis).__name__}."
        )
    return analysis.write(_checked(path, "report"), render(analysis))


def write_plan(plan: CompressionPlan, path: str | os.PathLike[str]) -> Path:
    """Write a plan of compression as one HTML page that opens offline, and return its path.

    For each matrix: what is done, rank, energy, error with its interval, parameters and bytes
    before and after; a picture of size and error over depth. Loaded and locked as `write_report`
    has it, without its charts.

    Parameters
    ----------
    plan : CompressionPlan
        From `pastur.plan_compression` or ``CompressionPlan.from_json``, edited or not.
    path : str or path-like
        The file to write; its folder must exist.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InvalidTypeError
        When `plan` is not a `CompressionPlan`.
    InvalidInputError
        When `path` is a file of the model.
    FileAccessError
        When `path` is a folder, its folder does not exist, or it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np, pastur
    >>> model = {"layer": np.random.default_rng(0).normal(size=(60, 90))}
    >>> plan = pastur.plan_compression(pastur.analyze(model), model, target={"size": 0.8})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pastur.report.write_plan(plan, folder + "/plan.html").name
    'plan.html'
    """
    if not isinstance(plan, CompressionPlan):
        raise InvalidTypeError(
            f"write_plan takes the result of `pastur.plan_compression`. Got a "
            f"{type(plan).__name__}."
        )
    return plan.write(_checked(path, "plan"), render_plan(plan))


def write_comparison(comparison: Comparison, path: str | os.PathLike[str]) -> Path:
    """Write a comparison of two models as one HTML page that opens offline, and return its path.

    For each matrix: how much it was changed, its noise and what stands out before and after, what
    is lost, how the change reads by itself; and every tensor that only one of the two has. Loaded
    and locked as `write_report` has it, without its charts.

    Parameters
    ----------
    comparison : Comparison
        From `pastur.compare` or ``Comparison.from_json``.
    path : str or path-like
        The file to write; its folder must exist.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InvalidTypeError
        When `comparison` is not a `Comparison`.
    InvalidInputError
        When `path` is a file of either model.
    FileAccessError
        When `path` is a folder, its folder does not exist, or it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np, pastur
    >>> noise = np.random.default_rng(0).normal(size=(60, 90))
    >>> comparison = pastur.compare({"layer": noise}, {"layer": 1.1 * noise})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pastur.report.write_comparison(comparison, folder + "/changes.html").name
    'changes.html'
    """
    if not isinstance(comparison, Comparison):
        raise InvalidTypeError(
            "write_comparison takes the result of `pastur.compare`. Got a "
            f"{type(comparison).__name__}."
        )
    return comparison.write(_checked(path, "comparison"), render_comparison(comparison))


def _checked(path: str | os.PathLike[str], what: str) -> Path:
    """Return a path whose folder exists, and that is none itself."""
    path = Path(path)
    if path.is_dir():
        raise FileAccessError(
            f"Cannot write the {what} to '{path}': it is a folder. Name a file in it, such as "
            f"'{path / f'{what}.html'}'."
        )
    if not path.parent.is_dir():
        raise FileAccessError(
            f"Cannot write the {what} to '{path}': the folder '{path.parent}' does not exist. "
            "Create it, or name another path."
        )
    return path
