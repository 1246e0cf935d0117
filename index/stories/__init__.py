"""The same story once: near-duplicates, told and folded."""
