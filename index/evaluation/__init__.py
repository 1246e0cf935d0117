"""How well articles are ranked, held against human judgments."""
