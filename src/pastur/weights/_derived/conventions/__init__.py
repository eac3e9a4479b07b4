"""Weights that are stored as something else: codes with scales, or parts that make one together."""
