"""Noise level and spectrum of the signal at any rank."""
