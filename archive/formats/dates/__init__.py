"""Finds the calendar day of an article, from written dates, addresses and file names."""
