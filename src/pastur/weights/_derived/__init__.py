"""Weights made from stored tensors: codes unpacked, adapters applied, differences taken."""
