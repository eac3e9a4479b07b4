"""A matrix scaled to noise of one variance, and the way back."""
