"""Nouns of all floors: articles, errors, messages, addresses, settings."""
