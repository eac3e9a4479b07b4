"""Testing the claims: plan the tasks, do those that are not recorded, judge."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pastur._checks import one_of
from pastur._errors import InvalidInputError, InvalidTypeError
from pastur._files import PathLike, make_folder
from pastur._pool import finished
from pastur._progress import reporter
from pastur._typing import Progress
from pastur._versions import package_versions
from pastur._workers import Workers
from pastur.experiments.claims import CLAIMS
from pastur.experiments.claims._statements.own_measures import OWN_CLAIMS, own_claims
from pastur.experiments.claims._testing.claim import Claim, Judgement, Row, Setting, measure
from pastur.experiments.claims._testing.task_records import Records

LEVELS = ("quick", "full")


@dataclass(frozen=True)
class ClaimResult:
    """What the draws show of one claim, and of the violation planted in its place.

    Attributes
    ----------
    claim : Claim
    judgement : Judgement
        Findings and panels.
    violated : Judgement
        The same draws judged by the violation: a test worth having rejects it.

    Examples
    --------
    >>> from pastur.experiments import verify
    >>> result = verify(["lemma-4.1"]).results[0]
    >>> result.claim.name, result.judgement.passed, result.violated.passed
    ('lemma-4.1', True, False)
    """

    claim: Claim
    judgement: Judgement
    violated: Judgement

    @property
    def passed(self) -> bool:
        """Whether every figure of the claim is as it says."""
        return self.judgement.passed

    @property
    def violation_caught(self) -> bool:
        """Whether the violation fails."""
        return not self.violated.passed

    def to_dict(self) -> dict[str, Any]:
        """Return all but the panels as plain values."""
        return {
            "claim": self.claim.name,
            "source": self.claim.source,
            "statement": self.claim.statement,
            "passed": self.passed,
            "findings": [asdict(finding) for finding in self.judgement.findings],
            "violation": self.claim.violation,
            "violation_caught": self.violation_caught,
            "violation_findings": [asdict(finding) for finding in self.violated.findings],
        }


@dataclass(frozen=True)
class Verification:
    """The result of `verify`.

    Attributes
    ----------
    level : {"quick", "full"}
    seed : int
    results : tuple of ClaimResult

    Examples
    --------
    >>> from pastur.experiments import verify
    >>> found = verify(["lemma-4.1"])
    >>> found.passed, len(found.results)
    (True, 1)
    """

    level: str
    seed: int
    results: tuple[ClaimResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every claim passed and every violation was caught."""
        return all(result.passed and result.violation_caught for result in self.results)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, versions and seed included."""
        return {
            "schema": 1,
            "level": self.level,
            "seed": self.seed,
            "versions": package_versions(),
            "passed": self.passed,
            "claims": [result.to_dict() for result in self.results],
        }


def verify(
    names: Sequence[str] | str | None = None,
    *,
    level: str = "quick",
    seed: int = 0,
    jobs: int | None = None,
    executor: Any = None,
    records: PathLike | None = None,
    progress: Progress | bool | None = None,
) -> Verification:
    """Test the claims of the paper, and those beyond it, by Monte Carlo.

    Each claim is judged twice by the same draws: as it stands, and with a violation planted in its
    place, which must fail. The draws of a task depend on the seed and on the task alone, not on who
    does it nor on the order.

    Parameters
    ----------
    names : sequence of str or str, optional
        Names of claims, or patterns such as "theorem-2.*"; default all.
    level : {"quick", "full"}
        "quick" takes about a minute, "full" about three quarters of an hour on
        two cores.
    seed : int, >= 0
    jobs : int, >= 1, optional
        Processes of this machine; each uses one BLAS thread. Default: what the caller's
        ``joblib.parallel_config`` says, else this process.
    executor : concurrent.futures.Executor or distributed.Client, optional
        What does the tasks instead. It is not shut down.
    records : path, optional
        Folder of one JSON file a claim. What is recorded there is not drawn again, so that a run
        that was stopped resumes.
    progress : callable or bool, optional
        ``progress(done, total, claim)``, after each task. True shows a bar: in a notebook, or in a
        terminal.

    Returns
    -------
    Verification

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If a name is unknown, or an argument out of its range; if the records are of another
        seed; or if workers die.
    FileFormatError, FileAccessError
        If a record is of another claim or schema, or cannot be read or written.

    Warns
    -----
    PasturWarning
        If a record is damaged: it is renamed to NAME.damaged, and its tasks are done again.

    Examples
    --------
    >>> result = verify(["lemma-4.1"])
    >>> result.passed, result.results[0].violation_caught
    (True, True)
    """
    one_of("level", level, LEVELS)
    return verify_claims(
        choose_claims(names),
        level=level,
        seed=_seed(seed),
        workers=Workers.of(jobs, executor),
        records=records,
        progress=progress,
    )


def verify_claims(
    claims: Sequence[Claim],
    *,
    level: str,
    seed: int,
    workers: Workers,
    records: PathLike | None,
    progress: Progress | bool | None,
) -> Verification:
    """Do the tasks of these claims that are not recorded, and judge them."""
    folder = None if records is None else make_folder(records)
    books = {
        claim.name: Records(claim, claim.settings(level), seed=seed, folder=folder)
        for claim in claims
    }
    tasks = [(claim, setting) for claim in claims for setting in books[claim.name].missing]
    report = reporter(progress)
    for done, (claim, row) in enumerate(_carry_out(tasks, seed, workers), 1):
        books[claim].add(row)
        report(done, len(tasks), claim)
    results = tuple(_judged(claim, books[claim.name], seed, workers) for claim in claims)
    return Verification(level, seed, results)


def verify_measures(
    nu0: str,
    nu1: str,
    *,
    rank: float = 0.5,
    sigma: float = 1.0,
    level: str = "quick",
    seed: int = 0,
    jobs: int | None = None,
    executor: Any = None,
    records: PathLike | None = None,
    progress: Progress | bool | None = None,
) -> Verification:
    """Test Theorems 2.1 and 2.2 for one's own ν₀ and ν₁, by Monte Carlo.

    Signals S of growing size N and rank r = N^rank are made from the two measures
    (`pastur.models.SignalSequence`), noise is added, and the spectra are compared with μ₁, with
    Φ(λ_j(S)) and with the law at size N. As in `verify`, each theorem is tested a second time with
    a violation in its place. Off the bulk, the outliers of N are compared with the image of the
    spikes of N, so that shares of r which are not whole spikes do not count as an error.

    Theorem 2.2 needs Φ′ > 0 on supp ν₁⁺, which the paper does not say: a subcritical spike is
    compared with the edge or the quantile that its eigenvalue goes to.

    Parameters
    ----------
    nu0, nu1 : str
        The measures as text, for `pastur.measures.parse_measure`; `nu1` may name ``nu0``.
    rank : float, 0.3 to 0.8
        The exponent of N in r.
    sigma : float, > 0
        The noise level σ.
    level : {"quick", "full"}
        N up to about 800, some seconds, or up to about 4000, some minutes.
    seed, jobs, executor, records, progress
        As for `verify`.

    Returns
    -------
    Verification

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If a text cannot be read, the measures are not such as Assumption 3 asks for, or another
        argument is out of its range.

    Examples
    --------
    >>> result = verify_measures("atom(0)", "uniform(2, 3) - nu0")  # doctest: +SKIP
    >>> [(one.passed, one.violation_caught) for one in result.results]  # doctest: +SKIP
    [(True, True), (True, True)]
    >>> verify_measures("atom(0)", "uniform(2, 3)")
    Traceback (most recent call last):
        ...
    pastur...: `nu1` must have the mass 1 off the support of `nu0`, ...
    """
    one_of("level", level, LEVELS)
    return verify_claims(
        own_claims(nu0, nu1, rank=rank, sigma=sigma),
        level=level,
        seed=_seed(seed),
        workers=Workers.of(jobs, executor),
        records=records,
        progress=progress,
    )


def choose_claims(names: Sequence[str] | str | None) -> list[Claim]:
    """Return the claims of these names or patterns, in the order of the paper.

    Raises
    ------
    InvalidInputError
        If a name or pattern fits none; near spellings are named.
    """
    known = [claim.name for claim in CLAIMS]
    if names is None:
        return list(CLAIMS)
    names = [names] if isinstance(names, str) else names
    for name in names:
        if not fnmatch.filter(known, name):
            near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
            hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise InvalidInputError(
                f"No claim named {name!r}. {hint or 'Known are ' + ', '.join(known) + '.'}"
            )
    return [claim for claim in CLAIMS if any(fnmatch.fnmatch(claim.name, n) for n in names)]


def _judged(claim: Claim, book: Records, seed: int, workers: Workers) -> ClaimResult:
    """Judge the rows; where a record was read and makes that fail, draw them all again."""
    try:
        return _judge(claim, book.rows)
    except Exception as error:
        if not book.resumed:
            raise
        book.refuse(f"its rows cannot be judged: {type(error).__name__}: {error}")
    for _, row in _carry_out([(claim, setting) for setting in book.missing], seed, workers):
        book.add(row)
    return _judge(claim, book.rows)


def _judge(claim: Claim, rows: Sequence[Row]) -> ClaimResult:
    return ClaimResult(claim, claim.judge(rows, False), claim.judge(rows, True))


def _carry_out(
    tasks: Sequence[tuple[Claim, Setting]], seed: int, workers: Workers
) -> Iterator[tuple[str, Row]]:
    """Yield each task's row as it is finished."""
    calls = [(claim.name, setting, seed) for claim, setting in tasks]
    for _, row in finished(_task, calls, workers=workers):
        yield row


def _task(name: str, setting: Setting, seed: int) -> tuple[str, Row]:
    """Do one task, with one BLAS thread."""
    from threadpoolctl import threadpool_limits

    claim = next(claim for claim in (*CLAIMS, *OWN_CLAIMS) if claim.name == name)
    with threadpool_limits(1):
        return name, measure(claim, setting, seed)


def _seed(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidTypeError(f"`seed` must be an integer. Got {value!r}.")
    if value < 0:
        raise InvalidInputError(f"`seed` must be at least 0. Got {value}.")
    return value
