"""Two models: which tensors are whose, and every pair of matrices worked on."""
