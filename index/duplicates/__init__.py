"""Recognises copies of one article and folds them into one hit."""
