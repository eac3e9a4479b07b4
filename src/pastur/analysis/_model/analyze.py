"""Every matrix of a model, fitted one by one."""

import math
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from pastur import _checks
from pastur._devices import torch_device
from pastur._errors import InvalidInputError, PasturError
from pastur._files import PathLike, refuse_inputs
from pastur._foreign import shown
from pastur._progress import reporter
from pastur._typing import Progress
from pastur._versions import package_versions
from pastur._workers import Workers
from pastur.analysis._matrix.examine_anew import Examined, examine_anew
from pastur.analysis._matrix.fit_matrix import Settings, fault, skip
from pastur.analysis._matrix.initial_values import (
    InitialComparison,
    compare_with_initial,
    trained_names,
)
from pastur.analysis._matrix.matrix_analysis import MatrixAnalysis
from pastur.analysis._matrix.published import chosen
from pastur.analysis._model.initial_file import initial_items
from pastur.analysis._model.matrix_records import MatrixRecords
from pastur.analysis._model.on_device import examined_on_device
from pastur.analysis._model.parallel import Task, examined
from pastur.analysis._model.selection import Selection
from pastur.analysis._result.analysis import INTERRUPTED, Analysis, AnalysisInterrupted
from pastur.estimation._fitting.noises import AUTO, checked_noise
from pastur.weights import Matrix, Skipped, iter_matrices, open_weights

# How many reasons the error names when nothing can be analysed.
_REASONS = 3


def analyze(
    source: Any,
    *,
    base: Any = None,
    initial: Any = None,
    include: Sequence[str] | str | None = None,
    exclude: Sequence[str] | str | None = None,
    alpha: float = 0.05,
    baseline: Sequence[str] | str | None = None,
    randomize: int = 0,
    seed: int = 0,
    noise: str = AUTO,
    tests: bool = False,
    fast: bool = False,
    unfold: str = "outputs",
    jobs: int | None = None,
    executor: Any = None,
    memory: float | str | None = None,
    resume: PathLike | None = None,
    device: str = "cpu",
    outputs: Sequence[PathLike] = (),
    progress: Progress | bool | None = None,
) -> Analysis:
    """Tell noise from signal in every matrix of a model.

    A tensor is one matrix or several: convolutions are unfolded, and the gates of an LSTM, fused
    queries, keys and values, and stacked experts taken one by one (``NAME:PART``). Each matrix is
    fitted by `fit_rectangular`, one at a time. One bad tensor never stops the rest: whatever is not
    analysed is listed with its reason. A tensor called ``NAME.initial`` next to a tensor ``NAME``
    is its value before training: it is compared with it and not analysed.

    Parameters
    ----------
    source : path, module, array or dict of arrays
        A file or folder of weights (safetensors, PyTorch, ONNX, Keras, Flax, GGUF, NumPy;
        see `pastur.weights.open_weights`), a ``torch.nn.Module``, or the arrays themselves.
    base : path, module, array or dict of arrays, optional
        Another model: what is analysed is then the difference of the two, tensor by tensor; where
        `source` is an adapter of low rank (LoRA), the base with its changes. With `noise` "auto" a
        difference is read without a law of noise: two trained models have no white noise between
        them.
    initial : path, module, array or dict of arrays, optional
        The model before its training, or an earlier checkpoint: each matrix is compared with the
        one of its name there, as with a tensor ``NAME.initial``, which comes first.
    include, exclude : sequence of str, optional
        Patterns of names of tensors or parts (``*`` and ``?`` as in a shell) to analyse, or to
        leave out.
    alpha : float in (0, 1), default 0.05
        The chance that pure noise is given a rank above 0, for each matrix.
    baseline : str or sequence of str, optional
        Published estimators to compare with the fit: ``"bema"``, ``"kritchman_nadler"``,
        ``"median_rule"``, ``"mp_pca"``, ``"parallel_analysis"``; see
        `pastur.estimation.baselines`.
    randomize : int, default 0
        How often the entries of each matrix are shuffled, to compare its spectrum with theirs: 1 to
        see, 19 for a test of level 0.05. The power law of its tail is then given a p-value too.
    seed : int, default 0
        Seed for everything random: `randomize`, `tests`, `fast` and parallel analysis. What is
        drawn for a matrix depends on it and on the name of the matrix alone.
    noise : {"auto", "white", "profile", "free"}, default "auto"
        What the noise is; see `fit_rectangular`. With "auto" no law of noise is claimed where the
        matrix contradicts each: `MatrixAnalysis.kind` is then ``"no law of noise"``, and only what
        stands out from the rest is read.
    tests : bool, default False
        Whether each matrix, and each update of one, is tested without a law of noise as well: by
        random signs of its entries, by neighbours, and by how much of it the rest predicts. See
        `law_free_tests`.
    fast : bool, default False
        Whether matrices whose shorter side is 1024 or more are read in part, at a fraction of the
        time and with wider intervals: their largest singular values, and of the others what 16
        random vectors show. ``matrix.fit.partial`` marks them; see docs/fast.md. With `noise`
        "profile" there are none.
    unfold : {"outputs", "inputs", "window"}, default "outputs"
        What becomes of a convolution of o outputs, i inputs and s places in its window: one matrix
        o × (i·s), one i × (o·s), or one o × i for each place.
    jobs : int, optional
        How many matrices are worked on at the same time, the largest first, with one BLAS thread
        each: in processes where `source` is a path, else in threads. Each holds one matrix in
        memory. Default: what the caller's ``joblib.parallel_config`` says, else one at a time;
        small matrices then have one BLAS thread, and from 5e8 multiplications on (630 × 630) all
        that it is set to take. The result does not depend on it.
    executor : concurrent.futures.Executor or distributed.Client, optional
        What works on the matrices instead; its workers find `source` under the same path. It is
        not shut down.
    memory : int, float or str, optional
        Bytes, or text such as "8GB": how much memory the matrices that are worked on at the same
        time may take, all workers together. A matrix that needs more is worked on alone.
    resume : path, optional
        Folder of finished matrices, one JSON file each, written as they finish. A matrix that is
        there with the same numbers, settings and versions is read and not analysed again.
    device : str, default "cpu"
        Where singular values are computed: ``"cuda"`` or ``"cuda:1"`` is an NVIDIA GPU,
        through PyTorch. They agree with those of ``"cpu"`` to 1e-10 of the largest one. Without
        workers, neighbours of one shape are computed together while the next ones are read.
    outputs : sequence of path, optional
        Where the result is to be written: refused before the work, not after it, where one is a
        file of the model. Nothing is written here.
    progress : callable or bool, optional
        Called as ``progress(done, total, name)`` before each matrix, or with several at the same
        time after each, and once at the end with ``done == total``. True shows a bar: in a
        notebook, or in a terminal.

    Returns
    -------
    Analysis

    Raises
    ------
    FileAccessError, FileFormatError
        When `source` cannot be read at all, or `resume` not be written to.
    AnalysisInterrupted
        In the place of KeyboardInterrupt where matrices are finished: its attribute `analysis` has
        them, and everything else among those skipped.
    MissingExtraError
        When `device` is not ``"cpu"`` and PyTorch is not installed.
    InvalidInputError, InvalidTypeError
        When an argument is wrong, there is no such device, an output is a file of the model, no
        tensor of `source` is a matrix that can be analysed, or no workers are left.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(7)
    >>> weight = rng.standard_normal((200, 300))
    >>> weight += np.outer(rng.standard_normal(200), rng.standard_normal(300)) / 3
    >>> analysis = analyze({"weight": weight, "bias": np.zeros(300)})
    >>> analysis.matrices[0].fit.rank
    1
    >>> analysis.skipped[0].name
    'bias'
    """
    alpha = _checks.significance("alpha", alpha)
    workers = Workers.of(jobs, executor)
    budget = math.inf if memory is None else _checks.byte_count("memory", memory)
    settings = Settings(
        alpha=alpha,
        device=device,
        baseline=chosen(baseline),
        randomize=_checks.non_negative_integer("randomize", randomize),
        seed=_checks.non_negative_integer("seed", seed),
        noise=checked_noise(noise),
        tests=_checks.flag("tests", tests),
        fast=_checks.flag("fast", fast),
    )
    _check_fast(settings)
    if device != "cpu":
        torch_device(device)
    selection = Selection.of(source, base=base, include=include, exclude=exclude, unfold=unfold)
    weights = selection.open()
    settings = replace(settings, difference=weights.difference)
    before = None if initial is None else open_weights(initial)
    files = (*weights.files, *(before.files if before is not None else ()))
    for path in outputs:
        refuse_inputs(path, files)
    items = selection.items(weights)
    if before is not None:
        items += initial_items(items, list(iter_matrices(before, unfold=unfold)), before.source)
    report = reporter(progress)

    def work(tasks: list[Task]) -> Generator[tuple[int, Examined], None, None]:
        if tasks and settings.device != "cpu" and workers.alone(len(tasks)):
            return examined_on_device(tasks, settings=settings, memory=budget, progress=report)
        return examined(
            partial(examine_anew, settings=settings),
            tasks,
            choice=selection,
            workers=workers,
            memory=budget,
            lost=_lost,
            progress=report,
        )

    records = MatrixRecords(resume, settings, MatrixAnalysis)
    compare = partial(_compare, tests=settings.seed if settings.tests else None)
    results, comparisons, stop = _worked_through(items, work, records, compare)
    matrices = tuple(result for result in results if isinstance(result, MatrixAnalysis))
    skipped = tuple(result for result in results if isinstance(result, Skipped))
    if not matrices:
        raise stop or _nothing_to_analyse(weights.source, skipped)
    analysis = Analysis(
        source=weights.source,
        matrices=matrices,
        skipped=skipped,
        versions=package_versions(),
        alpha=alpha,
        seed=settings.seed if settings.random else None,
        metadata=dict(weights.metadata),
        initial=comparisons,
        noise=settings.noise,
        files=files,
    )
    if stop is not None:
        raise AnalysisInterrupted(analysis) from stop
    return analysis


def _check_fast(settings: Settings) -> None:
    """Raise where `fast` meets an option that needs whole spectra."""
    for name, value in (("baseline", settings.baseline), ("randomize", settings.randomize)):
        if settings.fast and value:
            raise InvalidInputError(
                f"`fast` does not go with `{name}`, which needs all singular values. Drop one of "
                "the two."
            )
    if settings.fast and settings.device != "cpu":
        raise InvalidInputError(
            f"`fast` is for the CPU alone. Got device={settings.device!r}: drop one of the two."
        )


_Result = MatrixAnalysis | Skipped
_Work = Callable[[list[Task]], Generator[tuple[int, Examined], None, None]]
_Records = MatrixRecords[MatrixAnalysis]
_Compare = Callable[[Matrix, Matrix | None, MatrixAnalysis | None], InitialComparison | str]


def _lost(matrix: Matrix, death: PasturError) -> Examined:
    return Examined(skip(matrix, death))


def _worked_through(
    items: list[Matrix | Skipped], work: _Work, records: _Records, compare: _Compare
) -> tuple[list[_Result | Matrix], tuple[InitialComparison, ...], KeyboardInterrupt | None]:
    """Return what became of each item, in order, the comparisons, and what interrupted it."""
    trained_of = trained_names(item.name for item in items)
    seen = {item.name: item for item in items if isinstance(item, Matrix)}
    tasks = [
        Task(place, item, records.known(item))
        for place, item in enumerate(items)
        if isinstance(item, Matrix) and item.name not in trained_of
    ]
    results: list[_Result | Matrix] = list(items)
    try:
        with closing(work(tasks)) as found:
            for place, one in found:
                results[place] = records.settled(seen[items[place].name], one)
        return results, _settle_initials(results, seen, trained_of, compare), None
    except KeyboardInterrupt as stop:
        left = [skip(r, INTERRUPTED) if isinstance(r, Matrix) else r for r in results]
        return list(left), (), stop


def _settle_initials(
    results: list[_Result | Matrix],
    seen: dict[str, Matrix],
    trained_of: dict[str, str],
    compare: _Compare,
) -> tuple[InitialComparison, ...]:
    """Compare each initial value among `results` and put a `Skipped` in its place."""
    comparisons = []
    analysed = {result.name: result for result in results if isinstance(result, MatrixAnalysis)}
    for place, item in enumerate(results):
        if isinstance(item, Matrix):
            name = trained_of[item.name]
            outcome = compare(item, seen.get(name), analysed.get(name))
            if isinstance(outcome, InitialComparison):
                comparisons.append(outcome)
                outcome = "compared with it, not analysed"
            results[place] = skip(item, f"the initial value of '{name}': {outcome}")
    return tuple(comparisons)


def _compare(
    initial: Matrix,
    trained: Matrix | None,
    analysis: MatrixAnalysis | None,
    *,
    tests: int | None,
) -> InitialComparison | str:
    """Return the comparison, or why there is none; `tests` is the seed of tests, if asked for."""
    if trained is None or analysis is None:
        return "not compared, because that tensor was not analysed"
    if trained.shape != initial.shape:
        return f"not compared, because the shapes differ ({initial.shape} and {trained.shape})"
    try:
        return compare_with_initial(
            trained.load(),
            initial.load(),
            name=trained.name,
            sigma=analysis.fit.sigma,
            edge=analysis.fit.edge,
            alpha=analysis.fit.alpha,
            tests=tests,
        )
    except Exception as error:
        return f"not compared: {fault(error, trained.shape)}"


def _nothing_to_analyse(source: str, skipped: tuple[Skipped, ...]) -> InvalidInputError:
    error = InvalidInputError(f"Nothing to analyse in {source}: {_reasons(skipped)}.")
    for trace in dict.fromkeys(tensor.traceback for tensor in skipped if tensor.traceback):
        error.add_note(trace)
    return error


def _reasons(skipped: tuple[Skipped, ...]) -> str:
    if len(skipped) == 1:
        return f"{shown(skipped[0].name)} was skipped: {skipped[0].reason}"
    reasons = Counter(tensor.reason for tensor in skipped).most_common()
    listed = "; ".join(f"{reason} ({count})" for reason, count in reasons[:_REASONS])
    rest = len(reasons) - _REASONS
    more = f"; and {rest} other reason{'s' * (rest > 1)}" if rest > 0 else ""
    return f"all {len(skipped)} tensors were skipped: {listed}{more}"
