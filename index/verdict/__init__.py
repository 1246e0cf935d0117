"""Whether an answer is worth reading, by what nonsense scores in the same archive."""
