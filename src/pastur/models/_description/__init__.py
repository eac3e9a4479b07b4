"""What a model predicts in the units of the matrix: eigenvalues, singular values not squared."""
