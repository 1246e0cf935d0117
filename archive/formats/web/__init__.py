"""Reads web pages, web archives and feeds."""
