"""The vector index in Chroma, and the vectors on record."""
