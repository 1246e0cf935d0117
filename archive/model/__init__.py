"""The nouns of the archive, its errors, its messages and its settings."""
