"""From a query to ranked articles."""
