"""What to cite for a result: the publications that it rests on, as text and as BibTeX."""

from pastur.citations._sources.cite import References, cite
from pastur.citations._sources.reference import Reference

__all__ = ["Reference", "References", "cite"]
