"""What the axes of a tensor stand for, and which matrices are in it."""
