"""Prints the results and reports of commands."""
