"""How articles are found: embedded, indexed, ranked, fused. Imports `archive`, never `web`."""
