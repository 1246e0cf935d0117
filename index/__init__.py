"""Indexing and search. Imports `archive`, never `web`."""
