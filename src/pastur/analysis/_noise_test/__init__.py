"""Whether what counts as noise matters to what a model computes: parts of matrices, and losses."""
