"""Searches: from a query to ranked articles."""
