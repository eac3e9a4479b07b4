"""Noise level and spikes where the spikes are few."""
