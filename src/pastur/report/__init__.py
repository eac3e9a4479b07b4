"""HTML pages on results: one file each, complete in itself, drawn from results only."""

from pastur.report._build.write_report import write_comparison, write_plan, write_report

__all__ = ["write_comparison", "write_plan", "write_report"]
