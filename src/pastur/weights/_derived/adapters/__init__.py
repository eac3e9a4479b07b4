"""Adapters: what each does to the matrices of its base, as PEFT computes it, or that it is not."""

from pastur.weights._derived.adapters.adapter import adapter, is_adapter

__all__ = ["adapter", "is_adapter"]
