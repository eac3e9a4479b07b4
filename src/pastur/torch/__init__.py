"""For modules of PyTorch in memory: made smaller after a plan, and loaded as they were saved.

A leaf: `import pastur` does not load it, and it loads PyTorch when a function is called.
"""

from pastur.torch.compress_module import compress
from pastur.torch.load_module import load_compressed

__all__ = ["compress", "load_compressed"]
