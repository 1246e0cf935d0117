"""Finds the calendar day of an article."""
