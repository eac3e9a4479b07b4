"""From a plan to files, in the format of the source."""
