"""The reading of leading directions that needs no law of noise."""
