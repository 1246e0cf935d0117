"""The commands that measure, and the tables they print."""
