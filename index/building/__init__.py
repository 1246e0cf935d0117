"""The way in: from what was read to what can be found."""
