"""The msgpack files of Flax: how msgpack is written, and the arrays in such a file."""
