"""One matrix: fitted, measured, compared, and the finding on it."""
