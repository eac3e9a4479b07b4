"""The plan: what is done to each matrix, and what that promises."""
