"""Fetches feeds from the web: politely, and from public addresses alone unless told otherwise."""
