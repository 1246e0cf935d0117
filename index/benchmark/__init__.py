"""Measures an archive and its searches, beside other engines, at sizes it may grow to."""
