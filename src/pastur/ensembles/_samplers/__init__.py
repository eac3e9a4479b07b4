"""The samplers, with a matrix and without."""
