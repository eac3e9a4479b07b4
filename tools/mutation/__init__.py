"""Mutants of the package, and whether its tests notice them."""
