"""Data types of search: arrays, query, filters, expression, article table, candidates, results."""
