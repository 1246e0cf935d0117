"""Matches articles and scores passages from an engine's posting lists."""
