"""Turns text into terms, in the language of the text."""
