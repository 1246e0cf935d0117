"""Searches of all shards as of one archive."""
