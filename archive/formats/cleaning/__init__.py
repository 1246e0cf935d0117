"""Cleaning: what text goes through on its way in, whatever it was read from."""

from backfile.archive.formats.cleaning.text import CleanText, clean_line, clean_text

__all__ = ["CleanText", "clean_line", "clean_text"]
