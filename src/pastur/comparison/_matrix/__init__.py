"""Two states of one matrix: both fitted, the change read, directions compared."""
