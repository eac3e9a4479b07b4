"""The edge and the modes of noise with the entries at hand, measured on permutations of them.

Entries that are independent and of one law are exchangeable: with the same entries in other places
a matrix of pure noise has the same law, whatever that of the entries is. So what large or rare
entries do to the extreme value and to the modes needs no expansion in their cumulants.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from pastur._typing import FloatArray
from pastur.estimation._kinds.contract import Kind
from pastur.estimation._low_rank.edge_law import EdgeLaw, SampledEdge
from pastur.estimation._low_rank.modes import mode_deviations
from pastur.estimation._low_rank.noise_level import noise_level

_NO_SPIKES = np.empty(0)


@dataclass(frozen=True, eq=False)
class EntryNoise:
    """Noise of the entries at hand.

    Attributes
    ----------
    edge : EdgeLaw
        Of its extreme value.
    modes : array, shape (draws, 8)
        Its modes, see `mode_deviations`, in each permutation.
    """

    edge: EdgeLaw
    modes: FloatArray

    def mode_p_value(self, deviations: FloatArray, *, level: int) -> float:
        """Return the chance of modes farther from those of the permutations (Hotelling 1931).

        σ is estimated here and there, so that its own mode, `level`, says nothing.
        """
        from scipy.special import fdtrc

        sample = self.modes[:, level:]
        draws, freedom = sample.shape
        off = deviations[level:] - sample.mean(axis=0)
        squared = float(off @ np.linalg.pinv(np.cov(sample.T), hermitian=True) @ off)
        share = (draws - freedom) / (freedom * (draws - 1) * (1 + 1 / draws))
        return float(fdtrc(freedom, draws - freedom, share * squared))


def entry_noise(
    entries: FloatArray,
    kind: Kind,
    draws: int,
    few: int,
    enough: Callable[[EntryNoise], bool],
    *,
    seed: int,
) -> EntryNoise:
    """Return the noise of `entries`, a matrix of that kind and size, from so many permutations.

    Their mean is taken off first: it is a direction of its own that permutations would keep. The
    places are drawn from `seed` and given to the entries in order of size. Single precision is a
    ten-thousandth of what is measured.

    Parameters
    ----------
    few, enough : int, function
        Permutations after which `enough` says whether there will be more.
    """
    noise, law = kind.noise, kind.noise.law(0)
    centring, scale = (float(one[0]) for one in noise.edge_scale(np.zeros(1)))
    extremes, modes = list[float](), list[FloatArray]()
    single = (entries - entries.mean()).astype(np.float32)
    for matrix in islice(kind.permuted(single, np.random.default_rng(seed)), draws):
        values = kind.law_values(matrix)
        level = noise_level(values, law, _NO_SPIKES)
        values /= level
        ends = np.array([values[0], -values[-1]])[: noise.sides]
        extremes.extend((np.asarray(kind.to_matrix(ends)) - centring) / scale)
        modes.append(mode_deviations(values, law, _NO_SPIKES))
        if len(modes) == few:
            found = _of_samples(extremes, modes)
            if enough(found):
                return found
    return _of_samples(extremes, modes)


def _of_samples(extremes: Sequence[float], modes: Sequence[FloatArray]) -> EntryNoise:
    descending = tuple(sorted((float(one) for one in extremes), reverse=True))
    return EntryNoise(SampledEdge(descending), np.array(modes))
