"""How a query's text is read, corrected and completed."""
