"""One publication."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """A publication, and what of it is used.

    Attributes
    ----------
    key : str
        As in ``\\cite{key}``.
    authors : tuple of str
        Each as "Family, Given".
    title : str
    year : int
    used_for : str
        What in the result rests on it.
    journal, volume, pages : str
        Empty for what has none.
    note : str
        What else identifies it, such as the number of a preprint.

    Examples
    --------
    >>> import pastur
    >>> first, *_ = pastur.cite(pastur.DeformedWigner(pastur.Atoms([0.0])))
    >>> first.key, first.year
    ('afanasiev2025', 2025)
    """

    key: str
    authors: tuple[str, ...]
    title: str
    year: int
    used_for: str
    journal: str = ""
    volume: str = ""
    pages: str = ""
    note: str = ""

    def __str__(self) -> str:
        given = (name.split(", ") for name in self.authors)
        authors = ", ".join(f"{first} {family}" for family, first in given)
        place = " ".join(part for part in (self.journal, self.volume) if part)
        rest = ", ".join(part for part in (place, self.pages, self.note) if part)
        return (
            f"{authors} ({self.year}). {self.title}. {rest + '. ' if rest else ''}[{self.used_for}]"
        )

    def to_bibtex(self) -> str:
        """Return the entry for BibTeX."""
        fields = {
            "author": " and ".join(self.authors),
            "title": f"{{{self.title}}}",
            "journal": self.journal,
            "volume": self.volume,
            "pages": self.pages.replace("–", "--"),
            "year": str(self.year),
            "note": self.note,
        }
        kind = "article" if self.journal else "misc"
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
        return "\n".join([f"@{kind}{{{self.key},", *lines, "}"])
