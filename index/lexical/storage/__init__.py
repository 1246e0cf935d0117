"""Stores posting lists in a Whoosh index."""
