"""A spectrum with few spikes: the bulk is noise with a row and a column less for each of them."""

from math import exp

import numpy as np

from pastur._typing import AnyArray
from pastur.estimation._fitting.cumulant import level_z
from pastur.estimation._fitting.task import Level, Task
from pastur.estimation._low_rank.edge import Edges
from pastur.estimation._low_rank.noise_level import relative_deviation
from pastur.estimation._low_rank.split import Split
from pastur.estimation._spikes.table import Detection, SpikeContext, spike_table


def few_spikes(
    task: Task,
    split: Split,
    edges: Edges,
    *,
    bias: float,
    at_most: float | None,
    believed: bool,
) -> tuple[Level, AnyArray]:
    """Return noise level and spikes of a spectrum that is already split.

    Edges and spikes rest on σ as it comes out, which the entries leave off by its `bias`, relative:
    an edge measured on permutations has the same. Where the rest is not known to be noise of one
    variance, σ can be anything up to `at_most`, and the spikes' intervals allow for that. Those of
    noise that is `believed` also hold given detection.
    """
    kind, law, sigma, rank = task.kind, split.law, split.sigma, split.spikes.size
    deviation = 0.0 if task.known else kind.relative_to_matrix(relative_deviation(law))
    both = kind.sides == 2
    end = sigma * float(kind.to_matrix(law.center + law.half_width))
    critical = sigma * float(kind.to_matrix(law.half_width / 2))
    context = SpikeContext(
        task.values,
        sigma,
        kind,
        noise=np.array([[-end if both else -np.inf, end]]),
        critical=np.array([[-critical if both else -np.inf, critical]]),
        scale=np.full((1, 2), sigma * float(edges.scale[rank])),
        sigma_deviation=deviation,
        signal_rank=rank,
        sigma_at_most=at_most,
    )
    p_values = edges.p_values(np.abs(split.spikes), split.tested)
    limits = split.tested * edges.edge[:rank]
    detection = Detection(p_values, limits if believed else None)
    spikes = spike_table(context, np.arange(rank), detection, z=task.z)
    edge = sigma * float(edges.edge[rank])
    lower = -edge if both else 0.0
    margin = exp(level_z(task, sigma, spikes["theta"]) * deviation)
    # The bias is of first order; of a handful of entries it can be beyond −1.
    true = sigma * exp(-bias)
    return Level(true, true / margin, true * margin, lower, edge, lower, edge), spikes
