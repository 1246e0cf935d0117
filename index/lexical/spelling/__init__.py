"""Finds words of the archive by their spelling."""
