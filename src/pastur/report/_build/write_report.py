"""The public face: an analysis in, a page on disk out."""

import os
from pathlib import Path

from pastur._errors import FileAccessError, InvalidTypeError
from pastur.analysis import Analysis
from pastur.report._build.render import render


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
    path = Path(path)
    if path.is_dir():
        raise FileAccessError(
            f"Cannot write the report to '{path}': it is a folder. Name a file in it, such as "
            f"'{path / 'report.html'}'."
        )
    if not path.parent.is_dir():
        raise FileAccessError(
            f"Cannot write the report to '{path}': the folder '{path.parent}' does not exist. "
            "Create it, or name another path."
        )
    return analysis.write(path, render(analysis))
