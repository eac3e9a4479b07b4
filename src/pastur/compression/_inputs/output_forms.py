"""Energies of a layer's outputs along directions, fold by fold."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import get_blas_funcs, qr

from pastur._numerics.scaling import largest_magnitude
from pastur._typing import AnyArray, FloatArray


@dataclass(frozen=True, eq=False)
class OutputForms:
    """Energies of the outputs y = W x along directions, fold by fold: Σ y yᵀ on a basis.

    Attributes
    ----------
    rows : array, shape (s, d)
        W over a power of two; its triangular factor R, W = Q R, where it has more rows than
        columns: the basis is then that of Q.
    folds : array, shape (K, s, s)
        Σ y yᵀ of each fold, on the basis, over a number.
    energies : array, shape (K, d)
        Σ x² of each input, over the same number.
    counts : array of int, shape (K,)
        Inputs in each fold, where there is a background.
    background : array, shape (s, s), or None
        The mean of y yᵀ over the background, over the same number.
    """

    rows: FloatArray
    folds: FloatArray
    energies: FloatArray
    counts: AnyArray
    background: FloatArray | None

    @classmethod
    def of(
        cls,
        w: AnyArray,
        halves: Iterable[FloatArray],
        *,
        background: FloatArray | None = None,
        counts: Iterable[int] = (),
        dtype: Any = np.float64,
    ) -> "OutputForms":
        """Return the forms of a matrix whose inputs are columns.

        Parameters
        ----------
        w : array, shape (n, d)
        halves : iterable of array, shape (d, d)
            Of each fold the upper triangle U, with Σ x xᵀ = U + Uᵀ.
        background : array, shape (d, d), optional
            The same as of a fold, for the mean of x xᵀ over the background.
        counts : iterable of int, optional
            Inputs in each fold, as many as the background then stands for.
        dtype : type
            In float32 it takes half of the time, and losses are known to about 1e-6 of all.
        """
        rows = _scaled(w).astype(dtype)
        if rows.shape[0] > rows.shape[1]:
            # NumPy's would work in float64.
            rows = qr(rows, mode="r", check_finite=False)[0][: rows.shape[1]]
        folds: list[FloatArray] = []
        energies: list[FloatArray] = []
        for half in halves:
            if not any(one.any() for one in energies):
                # Squares of float32 overflow soon; a power of two on either side is exact.
                rows = np.ldexp(rows, -(_exponent(half) // 2))
            folds.append(_form(rows, half.astype(dtype, copy=False)))
            energies.append(2.0 * np.diagonal(half).astype(np.float64))
        # Energies are compared with each other: their unit does not matter.
        unit = float(sum(np.trace(one, dtype=np.float64) for one in folds)) or 1.0
        for one in folds:
            one /= one.dtype.type(unit)
        behind = None
        if background is not None:
            behind = _form(rows, background.astype(dtype, copy=False)) / rows.dtype.type(unit)
        return cls(rows, np.array(folds), np.array(energies) / unit, np.array(list(counts)), behind)

    @property
    def size(self) -> int:
        """Dimensions of the basis."""
        return len(self.rows)

    @cached_property
    def total(self) -> FloatArray:
        """Σ y yᵀ over all folds."""
        return self.measured(np.arange(len(self.folds)))

    def measured(self, folds: AnyArray) -> FloatArray:
        """Return Σ y yᵀ over some folds."""
        return np.asarray(self.folds[folds].sum(axis=0))

    def target(self, folds: AnyArray) -> FloatArray:
        """Return what it is shrunk towards.

        The same for as many inputs of the background; without one for independent inputs, each
        with its own energy. A multiple of the identity would not do where few inputs carry most of
        the energy, as in language models: they alone would set the level of all others.
        """
        if self.background is not None:
            return np.asarray(self.background * self.rows.dtype.type(self.counts[folds].sum()))
        energies = self.energies[folds].sum(axis=0)
        return _squared(self.rows * np.sqrt(energies).astype(self.rows.dtype))

    def moved(self, vectors: FloatArray) -> FloatArray:
        """Return ‖W − W′‖²/‖W‖² with the r leading directions alone, r = 0, 1, …"""
        there = np.sum((vectors.T @ self.rows) ** 2, axis=1, dtype=np.float64)
        whole = float(np.sum(self.rows.astype(np.float64) ** 2))
        return np.asarray(1 - np.append(0.0, np.cumsum(there)) / whole)

    def shrunk(self, shrinkage: float) -> FloatArray:
        """Return Σ y yᵀ over all folds for shrunk moments of the inputs."""
        every = np.arange(len(self.folds))
        return shrunk(self.total, lambda: self.target(every), shrinkage)


def _exponent(values: AnyArray) -> int:
    return int(np.frexp(largest_magnitude(values))[1])


def _scaled(w: AnyArray) -> AnyArray:
    return np.ldexp(w, -_exponent(w))


def _form(rows: FloatArray, half: FloatArray) -> FloatArray:
    """Return R (U + Uᵀ) Rᵀ, of which R U takes half of the time as U is triangular."""
    (product,) = get_blas_funcs(("trmm",), (rows, half))
    # BLAS counts along columns: its matrices are the transposes of these.
    found = product(1.0, half.T, rows.T, lower=True).T @ rows.T
    return np.asarray(found + found.T)


def _squared(rows: FloatArray) -> FloatArray:
    """Return R Rᵀ, of which only one half takes time."""
    (product,) = get_blas_funcs(("syrk",), (rows,))
    lower = product(1.0, rows.T, trans=True, lower=True)
    np.fill_diagonal(lower, np.diagonal(lower) / 2)
    return np.asarray(lower + lower.T)


def shrunk(measured: FloatArray, target: Callable[[], FloatArray], shrinkage: float) -> FloatArray:
    """Return the mean of both, the target with the weight `shrinkage`, computed if needed."""
    if shrinkage == 0.0:
        return measured
    kind = measured.dtype.type
    return np.asarray(kind(1 - shrinkage) * measured + kind(shrinkage) * target())


def left_after(form: FloatArray, vectors: FloatArray) -> FloatArray:
    """Return the energy that is lost with the r leading directions alone, r = 0, 1, …"""
    energies = np.einsum("ik,ik->k", vectors, form @ vectors).astype(np.float64)
    return np.asarray(np.trace(form, dtype=np.float64) - np.append(0.0, np.cumsum(energies)))
