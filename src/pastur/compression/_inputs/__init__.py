"""What the inputs of layers are like: their second moments, read from a file."""
