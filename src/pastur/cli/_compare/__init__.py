"""What `compare` does and prints."""
