"""Describes the matching articles: facets, timeline, hits, explanations, notes."""
