"""Describes the articles that were found: facets, timeline, hits, explanations, notes."""
