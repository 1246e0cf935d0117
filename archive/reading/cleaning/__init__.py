"""Cleaning: what text goes through on its way in, whatever it was read from."""

from archive.reading.cleaning.text import clean_line, clean_text

__all__ = ["clean_line", "clean_text"]
