"""Finds passages by their words: analysis, query parser, storage, spelling, scoring."""
