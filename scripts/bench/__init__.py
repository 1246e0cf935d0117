"""Measures Backfile: speed, ranking, extraction, robustness. Not part of the installed package."""
