"""Measures the ranking against human judgments."""
