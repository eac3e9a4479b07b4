"""What to cite for a result: the publications that it rests on, as text and as BibTeX."""

from pastur.citations._sources.reference import Reference
from pastur.citations.cite import References, cite

__all__ = ["Reference", "References", "cite"]
