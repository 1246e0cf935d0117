"""The map of a divided archive, and the folders of its shards."""
