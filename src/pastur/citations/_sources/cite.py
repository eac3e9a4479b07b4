"""From a result to the publications that it rests on."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pastur._errors import InvalidTypeError
from pastur.analysis import Analysis, MatrixAnalysis
from pastur.citations._sources.publications import BY_KEY
from pastur.citations._sources.reference import Reference
from pastur.estimation import Biwhitened, Fit, LawFreeTests, SymmetricFit
from pastur.models import DeformedWigner, InformationPlusNoise

_PAPER = ("afanasiev2025",)
_SYMMETRIC = (*_PAPER, "pastur1972", "biane1997", "benaychgeorges2011")
_RECTANGULAR = (*_PAPER, "marchenko1967", "dozier2007", "benaychgeorges2012")
_TESTS = ("hong2020", "owen2009")


@dataclass(frozen=True)
class References:
    """Publications, in the order of their importance for the result.

    It can be counted, looped over and printed; notebooks show it as a list.

    Attributes
    ----------
    references : tuple of Reference

    Examples
    --------
    >>> import pastur
    >>> found = pastur.cite(pastur.DeformedWigner(pastur.Atoms([0.0])))
    >>> len(found), found.to_bibtex().count("@article")
    (4, 3)
    """

    references: tuple[Reference, ...]

    def __iter__(self) -> Iterator[Reference]:
        return iter(self.references)

    def __len__(self) -> int:
        return len(self.references)

    def __str__(self) -> str:
        return "\n".join(map(str, self.references))

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{html.escape(str(reference))}</li>" for reference in self)
        return f"<ol>{items}</ol>"

    def to_bibtex(self) -> str:
        """Return all entries for BibTeX."""
        return "\n\n".join(reference.to_bibtex() for reference in self) + "\n"


def cite(result: Any) -> References:
    """Return what to cite for a result: the paper, and the methods that were used.

    Parameters
    ----------
    result : Fit, Analysis, MatrixAnalysis, LawFreeTests, Biwhitened, model or estimator
        Of this package. An estimator of `pastur.sklearn` must have been fitted.

    Returns
    -------
    References
        A fit without a law of noise, for example, does not rest on the law of its edge.

    Raises
    ------
    InvalidTypeError
        If it is none of these.

    Examples
    --------
    >>> import numpy as np, pastur
    >>> W = np.random.default_rng(0).normal(size=(100, 200))
    >>> [one.key for one in pastur.cite(pastur.fit_rectangular(W, noise="free"))]
    ['afanasiev2025', 'nadakuditi2014', 'benaychgeorges2012']
    >>> print(pastur.cite(pastur.DeformedWigner(pastur.Atoms([0.0]))))
    Ievgenii Afanasiev, Leonid Berlyand, Mariia Kiyashko (2025). Asymptotic behavior ...
    Leonid Pastur (1972). On the spectrum of random matrices. Theoretical and ...
    Philippe Biane (1997). On the free convolution with a semi-circular distribution. ...
    Florent Benaych-Georges, Raj Rao Nadakuditi (2011). The eigenvalues and eigenvectors ...
    """
    keys = dict.fromkeys(_keys(result))
    return References(tuple(BY_KEY[key] for key in keys))


def _keys(result: Any) -> Iterable[str]:
    if isinstance(result, Fit):
        return _of_fit(result)
    if isinstance(result, MatrixAnalysis):
        return (*_of_fit(result.fit), *(_TESTS if result.tests is not None else ()))
    if isinstance(result, Analysis):
        return (*_PAPER, *(key for matrix in result.matrices for key in _keys(matrix)))
    if isinstance(result, LawFreeTests):
        return _TESTS
    if isinstance(result, Biwhitened):
        return ("landa2022",)
    if isinstance(result, DeformedWigner):
        return _SYMMETRIC
    if isinstance(result, InformationPlusNoise):
        return _RECTANGULAR
    fit = getattr(result, "fit_", None)
    if isinstance(fit, Fit):
        return _of_fit(fit)
    raise InvalidTypeError(
        "`result` must be a fit, an analysis or one of its matrices, law-free tests, a biwhitened "
        f"matrix, a model, or a fitted estimator of pastur.sklearn. Got {type(result).__name__}."
    )


def _of_fit(fit: Fit) -> tuple[str, ...]:
    symmetric = isinstance(fit, SymmetricFit)
    if fit.law is None:
        return (*_PAPER, "nadakuditi2014", _SYMMETRIC[-1] if symmetric else _RECTANGULAR[-1])
    edge = ("tracy1996",) if symmetric else ("ke2023", "johnstone2001", "ma2012")
    profile = () if fit.profile is None else ("landa2022",)
    theory = _SYMMETRIC if symmetric else _RECTANGULAR
    return (*theory, *edge, "lytova2009", *profile, "gavish2017")
