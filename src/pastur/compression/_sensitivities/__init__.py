"""What a model loses for what the outputs of its layers lose."""
