"""Cleans the text of articles, the same for all formats."""

from backfile.archive.formats.cleaning.text import CleanText, clean_line, clean_text

__all__ = ["CleanText", "clean_line", "clean_text"]
