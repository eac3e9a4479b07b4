"""One matrix: factors, codes or entries in the place of it."""
