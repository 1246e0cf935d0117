"""Writes pages in the reader's language."""
