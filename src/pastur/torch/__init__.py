"""For modules of PyTorch in memory: made smaller, loaded, pruned in training, and tested.

A leaf: `import pastur` does not load it, and it loads PyTorch when a function is called.
"""

from pastur.torch._pruning.records import PrunedLayer, PruningAction, PruningStep
from pastur.torch.compress_module import compress
from pastur.torch.load_module import load_compressed
from pastur.torch.mp_pruning import MPPruning
from pastur.torch.path_losses import attribute_loss
from pastur.torch.run_noise_test import noise_test
from pastur.torch.sense_losses import measure_sensitivities
from pastur.torch.watch_inputs import collect_inputs

__all__ = [
    "MPPruning",
    "PrunedLayer",
    "PruningAction",
    "PruningStep",
    "attribute_loss",
    "collect_inputs",
    "compress",
    "load_compressed",
    "measure_sensitivities",
    "noise_test",
]
