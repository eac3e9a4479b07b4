"""MP-pruning without PyTorch: the noise in a spectrum, and the record of what was cut."""
