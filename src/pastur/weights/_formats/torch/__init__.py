"""Files and modules of PyTorch, read without torch."""
