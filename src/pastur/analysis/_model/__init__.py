"""A whole model: what is chosen of it, and every matrix worked on."""
