"""Reads plain text and Markdown, in any encoding."""
