"""Prints answers and reports of the commands."""
