"""How a query's text is read."""
