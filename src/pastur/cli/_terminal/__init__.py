"""What the commands share: lines and tables, errors, progress, files to write."""
