"""The commands of `backfile`."""
