"""The inputs of layers collected while a model is carried out."""
