"""Matrices that are read in parts or only multiplied, never held whole."""
