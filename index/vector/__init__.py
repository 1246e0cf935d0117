"""Finds passages by their embeddings: Chroma, an exact scan, and the models."""
