"""Indexing: from articles that were read to passages that can be found."""
