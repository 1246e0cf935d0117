"""The record of an archive: catalogue, originals, vectors, manifest, and the writer's lock."""
