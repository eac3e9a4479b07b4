"""Densities made of pieces, polynomials times a power: their integrals and transforms."""
