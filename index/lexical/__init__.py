"""Finds passages by their words: analysis, the query language, BM25F, and the Whoosh index."""
