"""The steps of a fit, in order."""
