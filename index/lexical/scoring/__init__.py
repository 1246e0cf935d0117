"""Matches articles and scores passages from posting lists."""
