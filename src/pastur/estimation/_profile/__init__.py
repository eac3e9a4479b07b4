"""Noise whose rows and columns have variances of their own."""
