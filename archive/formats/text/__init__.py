"""Plain text, in any encoding and layout."""
