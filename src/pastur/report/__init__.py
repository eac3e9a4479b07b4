"""The HTML page on an analysis: one file, complete in itself, drawn from results only."""

from pastur.report._build.write_report import write_report

__all__ = ["write_report"]
