"""Layers whose weight is a product, and how they stand in the place of others."""
