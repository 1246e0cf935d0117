"""Embeds texts: finds the model, counts its tokens, and runs it."""
