"""What `verify` does and prints."""
