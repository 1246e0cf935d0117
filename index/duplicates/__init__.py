"""Detects near-duplicate articles, clusters them, and folds each cluster into one hit."""
