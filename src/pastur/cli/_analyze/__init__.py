"""What `demo` and `analyze` do and print."""
