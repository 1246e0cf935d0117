"""Reads the text of a query, corrects its spelling, and completes it."""
