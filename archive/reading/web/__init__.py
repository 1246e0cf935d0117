"""Web pages, web archives and feeds."""
