"""What `experiment` does and prints."""
