"""Tests of a matrix that need no law of noise."""
