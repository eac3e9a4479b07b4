"""The functions that draw, and what they share."""
