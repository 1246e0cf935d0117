"""Backfile: a searchable news archive, by words and by meaning."""
