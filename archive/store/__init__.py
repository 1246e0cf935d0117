"""Keeps the record: the catalogue, the vectors, the manifest, and the one writer's lock."""
