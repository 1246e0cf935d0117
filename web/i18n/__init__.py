"""Translates pages into the reader's language."""
