"""Two models, matrix by matrix."""

import math
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from pastur import _checks
from pastur._errors import InvalidInputError, PasturError
from pastur._files import PathLike, refuse_inputs, same_file
from pastur._foreign import shown
from pastur._progress import reporter
from pastur._typing import Progress
from pastur._versions import package_versions
from pastur._workers import Workers
from pastur.analysis._matrix.examine_anew import Examined
from pastur.analysis._matrix.fit_matrix import Settings
from pastur.analysis._model.matrix_records import MatrixRecords
from pastur.analysis._model.parallel import Task, examined
from pastur.comparison._matrix.compare_pair import compare_anew, skip_pair
from pastur.comparison._matrix.matrix_comparison import MatrixComparison
from pastur.comparison._matrix.pair import MatrixPair
from pastur.comparison._model.pairing import Opened, Paired, Pairing
from pastur.comparison._result.comparison import Comparison, ComparisonInterrupted
from pastur.comparison._result.summary import INTERRUPTED
from pastur.estimation._fitting.noises import AUTO
from pastur.weights import Skipped

# Bytes an entry of two matrices and their difference, next to what an analysis takes.
_HELD = 24


def compare(
    old: Any,
    new: Any,
    *,
    include: Sequence[str] | str | None = None,
    exclude: Sequence[str] | str | None = None,
    alpha: float = 0.05,
    unfold: str = "outputs",
    jobs: int | None = None,
    executor: Any = None,
    memory: float | str | None = None,
    resume: PathLike | None = None,
    outputs: Sequence[PathLike] = (),
    progress: Progress | bool | None = None,
) -> Comparison:
    """Compare two states of a model, matrix by matrix.

    Tensors are matched by name and shape. Of each matrix that both have, OLD and NEW are analysed
    as `analyze` does it, and so is the change U = NEW − OLD, as the difference of two models; what
    stands out in both is compared as spans of directions, on the left and on the right. Tensors
    that only one of the two has, those of two shapes, and those that cannot be read are listed.

    Parameters
    ----------
    old, new : path, URL, module, array or dict of arrays
        See `pastur.weights.open_weights`; they may be of different formats.
    include, exclude : sequence of str, optional
        Patterns of names of tensors or parts (``*`` and ``?`` as in a shell) to compare, or to
        leave out.
    alpha : float in (0, 1), default 0.05
        As `analyze` has it: intervals have the level 1 − alpha.
    unfold : {"outputs", "inputs", "window"}, default "outputs"
        What becomes of a convolution; see `analyze`.
    jobs : int, optional
        How many pairs are worked on at the same time; see `analyze`. Default: what the caller's
        ``joblib.parallel_config`` says, else one.
    executor : concurrent.futures.Executor or distributed.Client, optional
        What works on the pairs instead.
    memory : int, float or str, optional
        Bytes, or text such as "8GB", for the pairs worked on at the same time.
    resume : path, optional
        Folder of finished pairs; one that is there with the same numbers, settings and versions is
        not worked on again.
    outputs : sequence of path, optional
        Where the result is to be written: refused before the work where one is a file of a model.
    progress : callable or bool, optional
        Called as ``progress(done, total, name)``. True shows a bar: in a notebook, or in a
        terminal.

    Returns
    -------
    Comparison

    Raises
    ------
    FileAccessError, FileFormatError
        When one of the two cannot be read at all, or `resume` not be written to.
    ComparisonInterrupted
        In the place of KeyboardInterrupt where pairs are finished: its attribute `comparison` has
        them.
    InvalidInputError, InvalidTypeError
        When an argument is wrong, one of the two is an adapter and the other one a model, an output
        is a file of theirs, or there is no matrix in both that can be compared.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(7)
    >>> weight = rng.standard_normal((200, 300))
    >>> update = np.outer(rng.standard_normal(200), rng.standard_normal(300)) / 3
    >>> comparison = compare({"weight": weight}, {"weight": weight + update})
    >>> matrix = comparison.matrices[0]
    >>> round(matrix.relative_change, 2), matrix.directions.gained, matrix.change.fit.rank
    (0.35, 1, 1)
    """
    alpha = _checks.significance("alpha", alpha)
    workers = Workers.of(jobs, executor)
    budget = math.inf if memory is None else _checks.byte_count("memory", memory)
    settings = Settings(
        alpha=alpha, device="cpu", baseline=(), randomize=0, seed=0, noise=AUTO, tests=False
    )
    pairing = Pairing.of(old, new, include=include, exclude=exclude, unfold=unfold)
    opened = pairing.open()
    files = tuple(dict.fromkeys((*opened.old.files, *opened.new.files)))
    for path in outputs:
        refuse_inputs(path, files)
    paired = pairing.paired(opened)
    records = MatrixRecords(resume, settings, MatrixComparison)
    tasks = [
        Task(place, pair, records.known(pair), held=_HELD)
        for place, pair in enumerate(paired.items)
        if isinstance(pair, MatrixPair)
    ]
    work = examined(
        partial(compare_anew, settings=settings),
        tasks,
        choice=pairing,
        workers=workers,
        memory=budget,
        lost=_lost,
        progress=reporter(progress),
    )
    results, stop = _worked_through(paired, work, records)
    matrices = tuple(one for one in results if isinstance(one, MatrixComparison))
    skipped = tuple(one for one in results if isinstance(one, Skipped))
    if not matrices:
        raise stop or _nothing_to_compare(opened, paired, skipped)
    comparison = Comparison(
        old=opened.old.source,
        new=opened.new.source,
        matrices=matrices,
        only_old=tuple(paired.only_old),
        only_new=tuple(paired.only_new),
        reshaped=tuple(paired.reshaped),
        skipped=skipped,
        same_source=_same_source(pairing),
        versions=package_versions(),
        alpha=alpha,
        files=files,
    )
    if stop is not None:
        raise ComparisonInterrupted(comparison) from stop
    return comparison


def _lost(pair: MatrixPair, death: PasturError) -> Examined:
    return Examined(skip_pair(pair, death))


def _worked_through(
    paired: Paired,
    work: Generator[tuple[int, Examined], None, None],
    records: MatrixRecords[MatrixComparison],
) -> tuple[list[MatrixComparison | Skipped], KeyboardInterrupt | None]:
    """Return what became of each item, in order, and what interrupted it."""
    results: list[MatrixComparison | Skipped | MatrixPair] = list(paired.items)
    stopped = None
    try:
        with closing(work) as found:
            for place, one in found:
                pair = paired.items[place]
                assert isinstance(pair, MatrixPair)
                results[place] = records.settled(pair, one)
    except KeyboardInterrupt as stop:
        stopped = stop
    settled = [skip_pair(r, INTERRUPTED) if isinstance(r, MatrixPair) else r for r in results]
    return settled, stopped


def _same_source(pairing: Pairing) -> bool:
    """Return whether OLD and NEW are one and the same."""
    if pairing.old is pairing.new:
        return True
    if isinstance(pairing.old, Path) and isinstance(pairing.new, Path):
        return same_file(pairing.old, pairing.new)
    return bool(pairing.on_disk and pairing.old == pairing.new)


def _nothing_to_compare(
    opened: Opened, paired: Paired, skipped: tuple[Skipped, ...]
) -> InvalidInputError:
    """Return the error, with what is in the way of the first few tensors."""
    old, new = (shown(one.source) for one in opened)
    left = [*skipped, *paired.reshaped, *paired.only_old, *paired.only_new]
    reasons = dict.fromkeys(one.reason for one in left)
    listed = "; ".join(
        f"{shown(next(t.name for t in left if t.reason == reason))}: {reason}"
        for reason in list(reasons)[:3]
    )
    error = InvalidInputError(f"No matrix can be compared in {old} and {new}: {listed}.")
    for trace in dict.fromkeys(one.traceback for one in skipped if one.traceback):
        error.add_note(trace)
    return error
