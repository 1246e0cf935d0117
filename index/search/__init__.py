"""Answers a query: reads, ranks, orders, counts, and fetches a page."""
