"""Embeds texts: finds the model, counts tokens as it does, and runs it."""
