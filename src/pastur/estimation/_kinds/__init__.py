"""The two kinds of matrix, and pure noise of each."""
