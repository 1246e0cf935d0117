"""Reads the text of a query, corrects it and completes it."""
