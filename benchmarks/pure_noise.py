"""Rates of the fits on pure noise: false spikes, coverage of σ, rejected bulks, time a fit.

    python benchmarks/pure_noise.py [DRAWS]        (2000 draws: about three minutes)

The singular values of Gaussian noise are drawn from the bidiagonal model, the eigenvalues of the
orthogonal ensemble from the tridiagonal one (Dumitriu, Edelman 2002): exact in law at every size.
Each rate stands beside the 99.9 % interval of a binomial law with the rate it should have.
"""

import sys
import time

import numpy as np
from scipy.linalg import eigvalsh_tridiagonal
from scipy.stats import binom

from pastur.estimation import fit_rectangular, fit_symmetric

SHAPES = [(100, 100), (100, 1000), (300, 300), (300, 600), (300, 1200), (500, 2000), 100, 300, 1000]
ALPHAS = (0.05, 0.01)


def singular_values(shape, rng):
    n, m = shape
    diagonal = np.sqrt(rng.chisquare(m - np.arange(n)))
    below = np.sqrt(rng.chisquare(n - 1 - np.arange(n - 1)))
    squares = diagonal**2
    squares[1:] += below**2
    gram = eigvalsh_tridiagonal(squares, below * diagonal[:-1], lapack_driver="sterf")
    return np.sqrt(np.maximum(gram, 0) / m)


def eigenvalues(size, rng):
    diagonal = np.sqrt(2) * rng.normal(size=size)
    below = np.sqrt(rng.chisquare(size - 1 - np.arange(size - 1)))
    return eigvalsh_tridiagonal(diagonal, below, lapack_driver="sterf") / np.sqrt(size)


def fit(values, shape, alpha):
    if isinstance(shape, int):
        return fit_symmetric(eigenvalues=values, alpha=alpha)
    return fit_rectangular(singular_values=values, shape=shape, alpha=alpha)


def beside(count, draws, rate):
    low, high = binom.interval(0.999, draws, rate) / np.array(draws)
    return f"{count / draws:.4f} [{low:.4f}, {high:.4f}]"


def row(shape, alpha, spectra):
    draws = len(spectra)
    start = time.process_time()
    fits = [fit(values, shape, alpha) for values in spectra]
    milliseconds = 1e3 * (time.process_time() - start) / draws
    sigma = np.array([f.sigma for f in fits])
    low, high = np.array([f.sigma_interval for f in fits]).T
    rejected = np.mean([f.goodness.verdict == "not the law" for f in fits])
    name = f"{shape} symmetric" if isinstance(shape, int) else f"{shape[0]} × {shape[1]}"
    print(
        f"{name:15s} {alpha:5.2f}  {beside(sum(f.rank > 0 for f in fits), draws, alpha)}   "
        f"{beside(np.sum((low < 1) & (high > 1)), draws, 1 - alpha)}   {sigma.mean() - 1:+.5f}   "
        f"{rejected:.4f}    {milliseconds:5.2f}",
        flush=True,
    )


def main():
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rng = np.random.default_rng(0)
    titles = ("rate of rank > 0", "rate of σ covered", "bias of σ", "not the law", "ms a fit")
    print("{:15s} alpha  {:25s} {:25s} {:10s} {} {}".format("shape", *titles))
    for shape in SHAPES:
        sample = eigenvalues if isinstance(shape, int) else singular_values
        spectra = [sample(shape, rng) for _ in range(draws)]
        for alpha in ALPHAS:
            row(shape, alpha, spectra)


if __name__ == "__main__":
    main()
