"""Collections on pages: who sees them, stars, saved searches, and what is new since a visit."""
