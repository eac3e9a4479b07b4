"""The most that the level of white noise can be, whatever the signal."""
