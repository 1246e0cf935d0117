"""How the day of an article is settled from what is written in it and around it."""
