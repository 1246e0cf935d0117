"""Parses the query language into an expression."""
