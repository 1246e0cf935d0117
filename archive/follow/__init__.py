"""Fetches feeds from the web: politely, and by default from public addresses only."""
