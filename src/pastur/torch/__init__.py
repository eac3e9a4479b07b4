"""For modules of PyTorch in memory: made smaller after a plan, loaded, and pruned in training.

A leaf: `import pastur` does not load it, and it loads PyTorch when a function is called.
"""

from pastur.torch._pruning.records import PrunedLayer, PruningAction, PruningStep
from pastur.torch.compress_module import compress
from pastur.torch.load_module import load_compressed
from pastur.torch.mp_pruning import MPPruning

__all__ = [
    "MPPruning",
    "PrunedLayer",
    "PruningAction",
    "PruningStep",
    "compress",
    "load_compressed",
]
