"""Numerical kernels: arrays in, arrays out, no knowledge of the rooms above."""
